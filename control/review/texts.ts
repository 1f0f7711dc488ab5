/** Whether a text of revocations in the log took a grant back, and when. */
import { UserError } from "../base/errors.js";
import type { Anchors } from "../trust/anchors.js";
import type { BundleClaims, Revoked } from "../trust/claims.js";
import { readRevocations, verifyRevocations } from "../trust/revocations.js";
import type { GrantFacts } from "./facts.js";
import type { Gatherer } from "./gather.js";

/** Without the keys of the requester, of which nobody knows which one signed. */
function covers({ jti = [], sub = [], incident = [], issued_before = [] }: Revoked, facts: GrantFacts): boolean {
  const { first, claims } = facts;
  const persons = [facts.sub, ...[...facts.approvers.values()].map((approver) => approver.sub)];
  return (
    jti.includes(first.jti ?? "") ||
    persons.some((one) => sub.includes(one)) ||
    (first.incident !== undefined && incident.includes(first.incident)) ||
    (claims !== undefined &&
      issued_before.some((one) => claims.iat < one.at && (one.sub === undefined || persons.includes(one.sub))))
  );
}

/** Undefined for what is no text, or signed by nobody who may. */
async function readText(text: string, anchors: readonly Anchors[], bundle: BundleClaims) {
  const [audience = ""] = bundle.aud;
  // Without pins a revoker's signature can be checked, and no root's.
  const pinned = anchors.length > 0 ? anchors : [{ audience, threshold: 1, roots: [] }];
  for (const one of pinned) {
    try {
      const { claims } = await verifyRevocations(text, "the text", one, bundle);
      return claims;
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // It counts for nothing here.
    }
  }
  return undefined;
}

function claimedBy(text: string, facts: GrantFacts): boolean {
  try {
    return covers(readRevocations(text, "the text").claims.revoked, facts);
  } catch (error) {
    if (error instanceof UserError) return false; // No text: then it takes nothing back.
    throw error;
  }
}

export interface TakenBack {
  readonly at: number;
  readonly entry: number | undefined;
}

/** When a text, or the newest bundle, took the grant back. */
export async function takenBack(
  facts: GrantFacts,
  gathered: Gatherer,
  anchors: readonly Anchors[],
): Promise<TakenBack | undefined> {
  const decidedBy = gathered.bundles.of(facts.first, [facts.claims?.aud ?? []].flat());
  if (decidedBy === undefined) return undefined;
  const newest = gathered.bundles.newest(decidedBy);
  const found: TakenBack[] = [];
  for (const { text, entry } of gathered.revocations) {
    if (!claimedBy(text, facts)) continue;
    const claims = await readText(text, anchors, newest);
    if (claims !== undefined) found.push({ at: claims.iat * 1000, entry });
  }
  if (newest.revoked !== undefined && covers(newest.revoked, facts))
    found.push({ at: newest.iat * 1000, entry: undefined });
  return found.sort((a, b) => a.at - b.at)[0];
}
