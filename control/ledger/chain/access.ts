/**
 * Accesses against the bundle by which they were decided: was this open at all by their entitlement, was the grant revoked, and had they to wait for a receipt? So a
 * gateway whose filter somebody exchanged shows, and one whose configuration names no ledger.
 */
import type { BundleClaims } from "../../trust/claims.js";
import { remember } from "./bounded.js";
import { type Bundles, bundleFor } from "./bundles.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";
import type { Rules } from "./rules.js";
import { type Accessed, isWithin } from "./scope.js";

const MAX_UNJUDGED = 16_384;

type Access = Accessed &
  Pick<AuditRecord, "vm" | "seq" | "jti" | "sub" | "ent" | "incident" | "grant_sha256"> &
  Pick<AuditRecord, "settles" | "anchors" | "bundle">;

/** By entry: those whose bundle is not known yet. */
export type Accesses = Map<number, { readonly chain: string; readonly access: Access }>;

/** By the bundle itself; texts of revocations may come later than what they revoke was used. */
function isRevoked({ revoked }: BundleClaims, { jti = "", sub = "", incident = "" }: Access): boolean {
  const { jti: jtis = [], sub: subs = [], incident: incidents = [] } = revoked ?? {};
  return jtis.includes(jti) || subs.includes(sub) || incidents.includes(incident);
}

/** False where the bundle by which it was decided is not known. */
function judge(bundles: Bundles, rules: Rules, chain: string, access: Access, index: number, step: Step): boolean {
  const { vm, seq, ent = "", grant_sha256: grant = "" } = access;
  const bundle = bundleFor(bundles, rules, access);
  if (bundle === undefined) return false;
  // That there is no such entitlement is said of its evidence.
  const entitlement = bundle.claims.entitlements.find(({ id }) => id === ent);
  if (entitlement === undefined) return true;
  if (entitlement.audit === "receipt" && access.settles === undefined) {
    const says = `seq ${seq} of ${vm} was allowed without a receipt, which ${ent} demands`;
    step.say({ code: "receipt_missing", subject: vm, vm, seq, about: [index], says });
  }
  const isOpen = isWithin(entitlement.authorization_details, access);
  if (!isOpen || isRevoked(bundle.claims, access)) {
    const says = `seq ${seq} of ${vm} was allowed, and ${isOpen ? "its grant is revoked" : `${ent} does not open it`}`;
    step.say({ code: "bad_evidence", subject: chain, vm, seq, grant_sha256: grant, about: [index], says });
  }
  return true;
}

export function noteAccess(
  accesses: Accesses,
  bundles: Bundles,
  rules: Rules,
  chain: string,
  record: AuditRecord,
  step: Step,
): void {
  const { verdict, mode, vm, seq, jti, sub, ent, incident, grant_sha256, settles, anchors, bundle } = record;
  const { method, host, path, path_bytes } = record;
  if (verdict !== "allow" || mode !== "enforce" || anchors === undefined || !rules.byHash.has(anchors)) return;
  const claims = { jti, sub, ent, incident, grant_sha256 };
  const access = { vm, seq, ...claims, settles, anchors, bundle, method, host, path, path_bytes };
  if (!judge(bundles, rules, chain, access, step.index, step))
    remember(accesses, step.index, { chain, access }, MAX_UNJUDGED);
}

/** A bundle has become known. */
export function judgeAccesses(accesses: Accesses, bundles: Bundles, rules: Rules, step: Step): void {
  for (const [index, { chain, access }] of [...accesses])
    if (judge(bundles, rules, chain, access, index, step)) accesses.delete(index);
}
