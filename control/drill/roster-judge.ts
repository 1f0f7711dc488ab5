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
import type { KeptProof } from "./roster-book.js";

export interface Owner {
  /** The principal's id, or `root 2`: no id has a space in it. */
  readonly who: string;
  readonly person?: string;
  /** The principal; none for a root. */
  readonly sub?: string;
  readonly key: PublicKey | WindowedKey;
}

export interface Trusted {
  readonly anchors: Anchors;
  readonly claims: BundleClaims;
}

/** All keys that can be proved: the principals' by the bundle, the roots' by the anchors. */
export function ownersIn({ anchors, claims }: Trusted): Owner[] {
  const principals = claims.principals.flatMap((principal) =>
    principal.keys.map((key): Owner => ({ who: principal.id, person: personOf(principal), sub: principal.id, key })),
  );
  return [...principals, ...anchors.roots.map((key, index): Owner => ({ who: `root ${index + 1}`, key }))];
}

/** Why the key counts for nothing now, where it does. @param at seconds */
export function idleness(
  { key, sub }: Owner,
  { claims }: Trusted,
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
  | { readonly owner: Owner; readonly kept: KeptProof }
  /** Who signed, as far as that is proven. */
  | { readonly refused: string; readonly who: string };

/** The owner of a proof whose signature, audience and name hold, or what is wrong. */
export function signedBy({ jws, claims }: Proof, trusted: Trusted): Owner | string {
  const isRoot = claims.sub === undefined;
  const owner = ownersIn(trusted).find(({ key, sub }) => key.kid === jws.header.kid && (sub === undefined) === isRoot);
  if (owner === undefined) return isRoot ? "its key is no root of the anchors" : "its key is not in the trust bundle";
  if (!holds(jws, jws.payload, owner.key))
    return "its signature does not hold: it was changed, or another's key made it";
  if (owner.sub !== claims.sub) return `it is signed as ${visible(claims.sub ?? "")} with the key of ${owner.who}`;
  if (claims.aud !== trusted.anchors.audience)
    return `it is for ${visible(claims.aud)}, and the anchors are of ${visible(trusted.anchors.audience)}`;
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
export function judgeProof(token: string, challenges: readonly Challenge[], trusted: Trusted, now: number): Judged {
  const proof = readProof(token);
  if (proof === undefined) return { refused: "it is none that `glassgate drill roster sign` makes", who: "somebody" };
  const owner = signedBy(proof, trusted);
  if (typeof owner === "string") return { refused: owner, who: `the key ${visible(proof.jws.header.kid)}` };
  const refuse = (refused: string): Judged => ({ refused, who: owner.who });
  const challenge = challenges.find(({ nonce }) => nonce === proof.claims.nonce);
  if (challenge === undefined || challenge.aud !== proof.claims.aud)
    return refuse("it answers no challenge that was made here");
  const idle = idleness(owner, trusted, now);
  const fault = (idle && IDLE[idle]) ?? faultOfDates(proof, challenge, now);
  return fault === undefined ? { owner, kept: { challenged: challenge.iat, proof: token } } : refuse(fault);
}
