/** Who is proven to have asked and approved: signatures under the bundle by which the grant's records were decided. */
import { hash } from "node:crypto";
import { beganAt } from "../grant/quorum.js";
import { judgeEvidence } from "../ledger/chain/evidence.js";
import { holds, parseJws } from "../ledger/chain/jws.js";
import type { Approval as Signed } from "../ledger/chain/standing.js";
import { type BundleClaims, personOf } from "../trust/claims.js";
import type { Bundles } from "./bundles.js";
import type { GrantFacts } from "./facts.js";
import type { Approval } from "./model.js";

export interface Proof {
  /** Of the grant's first record; undefined where the log does not have it, or its roots are not those pinned. */
  readonly bundle: BundleClaims | undefined;
  readonly approvals: readonly Approval[];
  /** The evidence came, and proves what its record says. */
  readonly isProven: boolean;
  readonly isRequesterProven: boolean;
  /** Seconds since 1970: when its life began and when it ends, by its claims and its entitlement. */
  readonly began: number | undefined;
  readonly end: number | undefined;
}

/** Whether one of these asks is of this grant and signed by its requester. */
function isAsked(facts: GrantFacts, asks: readonly string[], bundle: BundleClaims | undefined): boolean {
  const keys = bundle?.principals.find(({ id }) => id === facts.sub)?.keys ?? [];
  const at = facts.claims?.iat;
  return asks.some((token) => {
    const jws = parseJws(token);
    if (jws === undefined || jws.header.typ !== "bg-ask+jwt" || hash("sha256", jws.payload, "hex") !== facts.grant)
      return false;
    const key = keys.find(({ kid }) => kid === jws.header.kid);
    const { nbf = 0, exp = Number.POSITIVE_INFINITY } = key ?? {};
    const isInTime = at === undefined || (at >= nbf && at < exp);
    return key !== undefined && isInTime && holds(jws, jws.payload, key);
  });
}

function lifeOf(facts: GrantFacts, bundle: BundleClaims | undefined, signed: readonly Signed[]) {
  const { claims } = facts;
  if (claims === undefined) return { began: undefined, end: undefined };
  const entitlement = bundle?.entitlements.find(({ id }) => id === claims.ent);
  if (bundle === undefined || entitlement === undefined) return { began: undefined, end: claims.exp };
  const requester = bundle.principals.find(({ id }) => id === claims.sub);
  const approvers = signed.flatMap(({ sub, iat }) => {
    const principal = bundle.principals.find(({ id }) => id === sub);
    const isOther = principal !== undefined && (requester === undefined || personOf(principal) !== personOf(requester));
    return isOther ? [{ principal, iat }] : [];
  });
  const at = facts.firstUse === undefined ? facts.openedAt : facts.firstUse.at;
  const began = beganAt(entitlement, claims.iat, approvers, Math.floor(at / 1000));
  return { began, end: began === undefined ? claims.exp : Math.min(claims.exp, began + entitlement.max_ttl) };
}

export function proofOf(facts: GrantFacts, bundles: Bundles, asks: readonly string[]): Proof {
  const audiences = [facts.claims?.aud ?? []].flat();
  const bundle = bundles.of(facts.first, audiences);
  const signed: Signed[] = [];
  let isProven = false;
  for (const [sha256, record] of facts.named) {
    const text = facts.texts.get(sha256)?.text;
    const court = bundles.courtOf(record, audiences);
    if (text === undefined || court === undefined) continue;
    const { approvals, faults } = judgeEvidence(text, record, court);
    signed.push(...approvals);
    if (faults.length === 0) isProven = true;
  }
  const isSigned = (sub: string, iat: number): boolean => signed.some((one) => one.sub === sub && one.iat === iat);
  const approvals = [...facts.approvers.values()]
    .map(({ sub, iat }) => ({
      ...bundles.person(bundle, sub, iat * 1000),
      at: iat * 1000,
      isProven: isSigned(sub, iat),
    }))
    .sort((a, b) => a.at - b.at);
  const life = lifeOf(facts, bundle, [...facts.approvers.values()]);
  return { bundle, approvals, isProven, isRequesterProven: isAsked(facts, asks, bundle), ...life };
}
