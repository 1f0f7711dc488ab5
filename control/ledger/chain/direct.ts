/**
 * Accesses that settle nothing: they waited for no receipt. Only the bundle tells whether they had to, so a gateway whose filter asks
 * for none, or whose configuration names no ledger, shows.
 */
import { remember } from "./bounded.js";
import { type Bundles, bundleFor } from "./bundles.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";
import type { Rules } from "./rules.js";

const MAX_UNJUDGED = 65_536;

type Direct = Pick<AuditRecord, "vm" | "seq" | "ent" | "anchors" | "bundle">;

/** By entry: those whose bundle is not known yet. */
export type Directs = Map<number, Direct>;

/** False where the bundle by which it was decided is not known. */
function judge(bundles: Bundles, rules: Rules, direct: Direct, index: number, step: Step): boolean {
  const { vm, seq, ent = "" } = direct;
  const bundle = bundleFor(bundles, rules, direct);
  if (bundle === undefined) return false;
  if (bundle.claims.entitlements.find(({ id }) => id === ent)?.audit === "receipt") {
    const says = `seq ${seq} of ${vm} was allowed without a receipt, which ${ent} demands`;
    step.say({ code: "receipt_missing", subject: vm, vm, seq, about: [index], says });
  }
  return true;
}

export function noteDirect(directs: Directs, bundles: Bundles, rules: Rules, record: AuditRecord, step: Step): void {
  const { verdict, mode, settles, vm, seq, ent, anchors, bundle } = record;
  if (verdict !== "allow" || mode !== "enforce" || settles !== undefined) return;
  if (anchors === undefined || !rules.byHash.has(anchors)) return;
  const direct = { vm, seq, ent, anchors, bundle };
  if (!judge(bundles, rules, direct, step.index, step)) remember(directs, step.index, direct, MAX_UNJUDGED);
}

/** A bundle has become known. */
export function judgeDirects(directs: Directs, bundles: Bundles, rules: Rules, step: Step): void {
  for (const [index, direct] of [...directs]) if (judge(bundles, rules, direct, index, step)) directs.delete(index);
}
