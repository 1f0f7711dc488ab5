/** Whether a roster proof holds: its key and owner by the newest bundle and the anchors, its challenge by the book, its dates. */
import { visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { LEEWAY } from "../grant/dates.js";
import { holds } from "../ledger/chain/jws.js";
import type { PublicKey, WindowedKey } from "../signer/jwk.js";
import type { Anchors } from "../trust/anchors.js";
import type { BundleClaims } from "../trust/claims.js";
import { personOf } from "../trust/claims.js";
import type { Challenge } from "./roster.js";
import { type Proof, readProof } from "./roster.js";

export interface Owner {
  /** The principal's id, or `root 2`: no id has a space in it. */
  readonly who: string;
  readonly person?: string;
  /** The principal; none for a root. */
  readonly sub?: string;
  readonly key: PublicKey | WindowedKey;
}

/** All keys that can be proved: the principals' by the bundle, the roots' by the anchors. */
export interface Keys {
  readonly anchors: Anchors;
  readonly claims: BundleClaims;
  readonly owners: readonly Owner[];
  /** By `placeOf`. */
  readonly byPlace: ReadonlyMap<string, Owner>;
}

/** One key may be a principal's and a root's. */
const place = (kid: string, isRoot: boolean): string => `${isRoot ? "root" : "principal"} ${kid}`;
const placeOf = ({ key, sub }: Owner): string => place(key.kid, sub === undefined);
export const placeOfProof = ({ jws, claims }: Proof): string => place(jws.header.kid, claims.sub === undefined);

export function keysOf({ anchors, claims }: Pick<Keys, "anchors" | "claims">): Keys {
  const principals = claims.principals.flatMap((principal) =>
    principal.keys.map((key): Owner => ({ who: principal.id, person: personOf(principal), sub: principal.id, key })),
  );
  const roots = anchors.roots.map((key, index): Owner => ({ who: `root ${index + 1}`, key }));
  const owners = [...principals, ...roots];
  return { anchors, claims, owners, byPlace: new Map(owners.map((owner) => [placeOf(owner), owner])) };
}

/** Why the key counts for nothing now, where it does. @param at seconds */
export function idleness(
  { key, sub }: Owner,
  { claims }: Pick<Keys, "claims">,
  at: number,
): "revoked" | "ended" | "not yet" | undefined {
  if (sub === undefined) return undefined;
  const { revoked } = claims;
  if (revoked?.kid?.includes(key.kid) === true || revoked?.sub?.includes(sub) === true) return "revoked";
  if ("exp" in key && key.exp !== undefined && at >= key.exp) return "ended";
  return "nbf" in key && key.nbf !== undefined && at < key.nbf ? "not yet" : undefined;
}

const IDLE: Readonly<Record<"revoked" | "ended" | "not yet", string>> = {
  revoked: "its key is revoked",
  ended: "its key has ended",
  "not yet": "its key is not valid yet",
};

export type Judged =
  | { readonly owner: Owner; readonly place: string; readonly challenged: number }
  /** Who signed, as far as that is proven. */
  | { readonly refused: string; readonly who: string };

/** The owner of a proof whose signature, audience and name hold, or what is wrong. */
export function signedBy(proof: Proof, keys: Keys): Owner | string {
  const { jws, claims } = proof;
  const owner = keys.byPlace.get(placeOfProof(proof));
  if (owner === undefined)
    return claims.sub === undefined ? "its key is no root of the anchors" : "its key is not in the trust bundle";
  if (!holds(jws, jws.payload, owner.key))
    return "its signature does not hold: it was changed, or another's key made it";
  if (owner.sub !== claims.sub) return `it is signed as ${visible(claims.sub ?? "")} with the key of ${owner.who}`;
  if (claims.aud !== keys.anchors.audience)
    return `it is for ${visible(claims.aud)}, and the anchors are of ${visible(keys.anchors.audience)}`;
  return owner;
}

function faultOfDates({ claims }: Proof, challenge: Challenge, now: number): string | undefined {
  const { iat } = claims;
  if (iat > now + LEEWAY || iat < challenge.iat - LEEWAY) {
    const side =
      iat > now ? `your clock says ${showTime(now)}` : `its challenge was made at ${showTime(challenge.iat)}`;
    return `it says that it was signed at ${showTime(iat)}, and ${side}: one of the two clocks is wrong, and a gateway would deny what a wrong one dates`;
  }
  return iat > challenge.exp + LEEWAY ? `it was signed at ${showTime(iat)}, after its challenge had ended` : undefined;
}

/** @param now seconds, by this machine */
export function judgeProof(token: string, challenges: readonly Challenge[], keys: Keys, now: number): Judged {
  const proof = readProof(token);
  if (proof === undefined) return { refused: "it is none that `glassgate drill roster sign` makes", who: "somebody" };
  const owner = signedBy(proof, keys);
  if (typeof owner === "string") return { refused: owner, who: `the key ${visible(proof.jws.header.kid)}` };
  const refuse = (refused: string): Judged => ({ refused, who: owner.who });
  const challenge = challenges.find(({ nonce }) => nonce === proof.claims.nonce);
  if (challenge === undefined || challenge.aud !== proof.claims.aud)
    return refuse("it answers no challenge that was made here");
  const idle = idleness(owner, keys, now);
  const fault = (idle && IDLE[idle]) ?? faultOfDates(proof, challenge, now);
  return fault === undefined ? { owner, place: placeOfProof(proof), challenged: challenge.iat } : refuse(fault);
}
