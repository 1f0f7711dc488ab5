/** Whether the text that is brought in counts beside a bundle and the other texts there, and takes back nothing that its signer has not seen. */
import type { Anchors } from "../trust/anchors.js";
import type { BundleClaims } from "../trust/claims.js";
import { missingFrom } from "../trust/entries.js";
import { isIgnored } from "../trust/revocations.js";
import { silencerOf } from "../trust/silence.js";
import { type NamedText, named } from "./push-texts.js";

export interface Obstacle {
  readonly message: string;
  readonly hint: string;
}

export const NOT_TAKEN: Obstacle = {
  message: "The gateway did not take the revocation, and another push has put its own configuration there meanwhile.",
  hint: "See the gateway's log, at `glassgate: configuration refused`, and run the same command again.",
};
const AGAIN = "Run the same command again: it joins them.";

function silenced(own: NamedText, others: readonly NamedText[], anchors: Anchors, bundle: BundleClaims): boolean {
  const speaking = others.map(({ signer, claims: { revoked } }) => ({ signer, revoked }));
  return silencerOf(own.signer, own.kid, anchors, bundle, speaking) !== undefined;
}

/** Whether a text of that signer's outranks it, or is one that it would take the place of unseen. His older ones are over already. */
function hasRival(own: NamedText, others: readonly NamedText[], seen: readonly string[] | undefined): boolean {
  // The very same, signed again, is none.
  const rivals = others.filter(({ signer, sha256 }) => signer === own.signer && sha256 !== own.sha256);
  const highest = Math.max(...rivals.map(({ claims }) => claims.version));
  if (highest >= own.claims.version) return true;
  return rivals.some(
    ({ text, claims }) =>
      claims.version === highest &&
      seen?.includes(text) === false &&
      missingFrom(own.claims.revoked, claims.revoked).length > 0,
  );
}

/**
 * @param texts all that stand in the gateway's files, the brought one included
 * @param seen what its signer had read there; undefined once it is written, when it has taken their place
 */
export function obstacleTo(
  text: string,
  texts: readonly string[],
  seen: readonly string[] | undefined,
  anchors: Anchors,
  bundle: BundleClaims | undefined,
): Obstacle | undefined {
  const own = named(text, anchors, bundle);
  if (own === undefined || bundle === undefined) return undefined; // The filter's business, which refuses it by name.
  if (isIgnored(own, anchors, bundle))
    return missingFrom(bundle.revoked, own.claims.revoked).length === 0
      ? undefined
      : {
          message: `Bundle ${bundle.version}, which has come meanwhile, has this signer's text ignored: it takes nothing away.`,
          hint: "Run the same command again, or let a root sign it.",
        };
  const others = texts.flatMap((one) => (one === text ? [] : (named(one, anchors, bundle) ?? [])));
  const counting = others.filter((one) => !isIgnored(one, anchors, bundle));
  if (silenced(own, counting, anchors, bundle))
    return {
      message: "This signer has been silenced there meanwhile: the text takes nothing away.",
      hint: "Let a root, or another revoker, sign it.",
    };
  return hasRival(own, counting, seen)
    ? {
        message: `Another text of ${own.signer} has come meanwhile, and the two would undo each other.`,
        hint: AGAIN,
      }
    : undefined;
}
