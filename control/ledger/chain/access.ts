/**
 * Accesses against the bundle by which they were decided: was this open at all by their entitlement, had they to wait for a receipt, and was
 * one key enough? So a gateway whose filter somebody exchanged shows, and one whose configuration names no ledger.
 */
import { drop, keep, type Shared } from "./bounded.js";
import { anchorsOf, type Bundles, bundleFor, isEnforced, isPinned } from "./bundles.js";
import { overflowOf, type Step } from "./finding.js";
import { type AuditRecord, isLetIn, namedByAccess } from "./lines.js";
import type { Rules } from "./rules.js";
import { type Accessed, isWithin } from "./scope.js";

/** Of all senders together. */
const MAX_UNJUDGED = 65_536;
/** Missing members that one alarm names. */
const MAX_NAMES = 4;

type Access = Accessed &
  Pick<AuditRecord, "vm" | "seq" | "mode" | "verdict" | "ent" | "grant_sha256" | "single_key"> &
  Pick<AuditRecord, "settles" | "anchors" | "bundle">;

/** By entry: those whose bundle is not known yet. */
export type Accesses = Shared<number, { readonly chain: string; readonly access: Access }>;

/** False where the bundle by which it was decided is not known. */
function judge(bundles: Bundles, rules: Rules, chain: string, access: Access, index: number, step: Step): boolean {
  const { vm, seq, ent = "", grant_sha256: grant = "" } = access;
  const bundle = bundleFor(bundles, rules, access);
  if (bundle === undefined) return false;
  // That there is no such entitlement is said of its evidence.
  const entitlement = bundle.claims.entitlements.find(({ id }) => id === ent);
  if (entitlement === undefined) return true;
  if (entitlement.audit === "receipt" && access.settles === undefined && isEnforced(rules, access)) {
    const says = `seq ${seq} of ${vm} was allowed without a receipt, which ${ent} demands`;
    step.say({ code: "receipt_missing", subject: vm, vm, seq, about: [index], says });
  }
  const isOpen = isWithin(entitlement.authorization_details, access);
  const isSingle = entitlement.approvals.length === 0 || anchorsOf(rules, access)?.threshold === 1;
  const isHushed = isSingle && access.single_key !== true;
  if (!isOpen || isHushed) {
    const why = isOpen ? "does not say that one key was enough" : `${ent} does not open it`;
    const says = `seq ${seq} of ${vm} was allowed, and ${why}`;
    step.say({ code: "bad_evidence", subject: chain, vm, seq, grant_sha256: grant, about: [index], says });
  }
  return true;
}

/** What lets somebody in, or would, names who, what, and by which rules: else nobody could judge it. */
function checkNames(chain: string, record: AuditRecord, step: Step): void {
  const { vm, seq } = record;
  const missing = namedByAccess.filter((name) => record[name] === undefined);
  if (missing.length === 0) return;
  const says = `seq ${seq} of ${vm} says ${record.verdict}, and does not name ${missing.slice(0, MAX_NAMES).join(", ")}`;
  step.say({ code: "bad_evidence", subject: chain, vm, seq, says });
}

export function noteAccess(
  accesses: Accesses,
  bundles: Bundles,
  rules: Rules,
  chain: string,
  record: AuditRecord,
  step: Step,
): void {
  if (!isLetIn(record)) return;
  checkNames(chain, record, step);
  const { verdict, mode, vm, seq, ent, grant_sha256, single_key, settles, anchors, bundle } = record;
  const { method, host, path, path_bytes } = record;
  if (verdict !== "allow" || !isPinned(rules, record)) return;
  const claims = { ent, grant_sha256, single_key };
  const access = { vm, seq, mode, verdict, ...claims, settles, anchors, bundle, method, host, path, path_bytes };
  if (judge(bundles, rules, chain, access, step.index, step)) return;
  const forgotten = keep(accesses, step.sender, step.index, { chain, access }, MAX_UNJUDGED);
  if (forgotten === undefined) return;
  const lost = forgotten.value.access;
  step.say(overflowOf(forgotten.owner, forgotten.key, `the access of seq ${lost.seq} of ${lost.vm} was not judged`));
}

/** A bundle has become known. */
export function judgeAccesses(accesses: Accesses, bundles: Bundles, rules: Rules, step: Step): void {
  for (const [index, { chain, access }] of [...accesses.all])
    if (judge(bundles, rules, chain, access, index, step)) drop(accesses, index);
}
