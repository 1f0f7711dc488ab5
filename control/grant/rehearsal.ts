/**
 * A rehearsal: what the filter would say to a grant for which signatures are still missing. The pinned bundle is signed anew by a
 * throw-away root, with throw-away keys in the place of those whose signatures are missing: same owners, same windows, same
 * revocations. So the real filter walks its whole way, and nobody's key is needed for it.
 */
import { newKey, type PrivateKey, publicPart, type WindowedKey } from "../signer/jwk.js";
import { signDetached, signPayload } from "../signer/sign.js";
import type { Anchors } from "../trust/anchors.js";
import { signFirst } from "../trust/bundle.js";
import type { BundleClaims } from "../trust/claims.js";
import { payloadOf } from "./message.js";
import { Stage } from "./stage.js";

export interface Rehearsal {
  readonly anchors: Anchors;
  /** The pinned bundle, and its claims. */
  readonly pinned: string;
  readonly bundle: BundleClaims;
  /** An ask, or anything with its payload in the middle. */
  readonly ask: string;
  /** The key that made the ask, or will. */
  readonly requesterKid: string;
  /** Approvals that are there. */
  readonly approvals: readonly string[];
  /** Keys that will surely approve: one's own. */
  readonly ownKids: readonly string[];
  /** Keys of people who could. */
  readonly otherKids: readonly string[];
  /** Seconds. */
  readonly now: number;
}

/** The bundle with other keys for some of the kids. */
function recast(bundle: BundleClaims, stand: ReadonlyMap<string, PrivateKey>): BundleClaims {
  const key = (old: WindowedKey): WindowedKey => {
    const other = stand.get(old.kid);
    if (other === undefined) return old;
    const window = {
      ...(old.nbf === undefined ? {} : { nbf: old.nbf }),
      ...(old.exp === undefined ? {} : { exp: old.exp }),
    };
    const { alg: _, ...parts } = publicPart(other);
    return { ...parts, ...window };
  };
  const { revoked } = bundle;
  const kids = revoked?.kid?.map((kid) => stand.get(kid)?.kid ?? kid);
  return {
    ...bundle,
    principals: bundle.principals.map((principal) => ({ ...principal, keys: principal.keys.map(key) })),
    ...(revoked === undefined ? {} : { revoked: { ...revoked, ...(kids === undefined ? {} : { kid: kids }) } }),
  };
}

function standIn(bundle: BundleClaims, kid: string): PrivateKey {
  const key = bundle.principals.flatMap(({ keys }) => keys).find((one) => one.kid === kid);
  return newKey(key?.kty === "EC" ? "ES256" : "Ed25519");
}

/** The stage on which it plays. Throws where the filter refuses the pinned bundle itself. */
export async function rehearse(rehearsal: Rehearsal): Promise<Stage> {
  const { anchors, pinned, bundle, ask, requesterKid, approvals, ownKids, otherKids, now } = rehearsal;
  const approverKids = [...ownKids, ...otherKids];
  await Stage.set(anchors, pinned, "", now);
  const stand = new Map([requesterKid, ...approverKids].map((kid) => [kid, standIn(bundle, kid)]));
  const standFor = (kid: string): PrivateKey => stand.get(kid) ?? newKey("Ed25519");
  const root = newKey("Ed25519");
  const payload = payloadOf(ask);
  const parts = [await signPayload("bg+jwt", payload, standFor(requesterKid)), ...approvals];
  for (const kid of approverKids) parts.push(await signDetached("bg-approval+jws", payload, standFor(kid), now));
  return Stage.set(
    { audience: anchors.audience, threshold: 1, roots: [publicPart(root)] },
    await signFirst(recast(bundle, stand), root),
    parts.join("~"),
    now,
  );
}
