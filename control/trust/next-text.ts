/** The next text of a revoker: all that he revoked before and what he revokes now, with a version that rises. */
import { UserError } from "../base/errors.js";
import { showTime } from "../base/time.js";
import type { Revoked } from "./claims.js";
import { missingFrom, unionOf } from "./entries.js";
import type { RevocationClaims } from "./revocations.js";

/** Nobody signs, and no tool takes, a text from further ahead: else one text could use up all the numbers. Seconds. */
export const MAX_AHEAD = 600;

const audienceOf = ({ aud }: RevocationClaims): string[] => [aud].flat();

export const isTooFarAhead = ({ iat }: Pick<RevocationClaims, "iat">, now: number): boolean => iat > now + MAX_AHEAD;

/** The newest of them; undefined of none. */
export const newestOf = <T extends Pick<RevocationClaims, "version">>(texts: readonly T[]): T | undefined =>
  texts.reduce<T | undefined>(
    (best, text) => (best === undefined || text.version > best.version ? text : best),
    undefined,
  );

export interface Asked {
  readonly revoked: Revoked;
  readonly aud: readonly string[];
}

/** Whether the text says all that is asked, and all that his other texts say: it can be used as it is. */
export function saysAll(
  text: RevocationClaims,
  previous: readonly RevocationClaims[],
  { revoked, aud }: Asked,
): boolean {
  const wanted = unionOf(revoked, ...previous.map((other) => other.revoked));
  const audiences = new Set([...aud, ...previous.flatMap(audienceOf)]);
  return (
    missingFrom(text.revoked, wanted).length === 0 && [...audiences].every((name) => audienceOf(text).includes(name))
  );
}

/**
 * The claims to sign. The version is the second in which it is signed (or the next that is free), so that two texts of one signer
 * for different gateways are told apart without knowing of each other.
 * @param previous all of his texts that are known, from whichever gateway @param now seconds
 */
export function nextClaims(
  previous: readonly RevocationClaims[],
  { revoked, aud }: Asked,
  now: number,
): RevocationClaims & { aud: string[] } {
  const whole = unionOf(...previous.map((text) => text.revoked), revoked);
  const latest = newestOf(previous)?.version ?? -1;
  const moments = (whole.issued_before ?? []).map(({ at }) => at);
  const iat = Math.max(now, latest + 1, ...moments);
  if (iat > now + MAX_AHEAD)
    throw new UserError(
      `A text of yours is of ${showTime(Math.max(latest, ...moments))}, and it is ${showTime(now)} by this machine's clock: nothing newer can be signed.`,
      {
        hint: "Set this machine's clock. If it is right, another of your texts was signed with a wrong one: another revoker or a root revokes meanwhile, and `glassgate bundle build` folds your text.",
      },
    );
  return { version: iat, iat, aud: [...new Set([...previous.flatMap(audienceOf), ...aud])], revoked: whole };
}
