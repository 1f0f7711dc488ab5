/** Many denials for one person, key or source within a few minutes: somebody tries. Minutes are those of the records. */
import { keep, type Shared } from "./bounded.js";
import type { Step } from "./finding.js";
import { type AuditRecord, PENDING } from "./lines.js";
import type { Rules } from "./rules.js";
import { addressOf } from "./scope.js";

/** Of all senders together. */
const MAX_COUNTS = 16_384;

/** How many, by kind, value and stretch of time. */
export type Denials = Shared<string, number>;

export function noteDenial(denials: Denials, rules: Rules, record: AuditRecord, step: Step): void {
  const { verdict, vm, seq, sub, kid, source } = record;
  if (verdict === "allow" || verdict === PENDING || record.ended === true) return;
  // Nobody was denied anything.
  if (record.mode === "shadow") return;
  const { denials: most, denialWindow } = rules.grace;
  const stretch = Math.floor(Date.parse(record.ts) / (denialWindow * 1000));
  const subjects: readonly (readonly [string, string | undefined])[] = [
    ["person", sub],
    ["key", kid],
    ["source", source === undefined ? undefined : addressOf(source)],
  ];
  for (const [kind, value] of subjects) {
    if (value === undefined || value === "") continue;
    const key = `${kind} ${value} ${stretch}`;
    const count = (denials.all.get(key) ?? 0) + 1;
    // A room for each kind: whoever comes from everywhere, under made-up keys, hides nobody whose name is proven.
    keep(denials, `${kind} ${step.sender}`, key, count, MAX_COUNTS);
    if (count !== most + 1) continue;
    const says = `more than ${most} denials in ${denialWindow} seconds for the ${kind} ${value}, the last one ${verdict}`;
    step.say({ code: "denials", subject: `${kind} ${value}`, vm, seq, says });
  }
}
