/** Records that wait for evidence: by its hash, or by the grant on whose evidence they rest. */
import { drop, keep, newShared, type Shared, taken } from "./bounded.js";
import type { Claimed } from "./evidence.js";
import { overflowOf, type Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";

/** Of all senders together. */
const MAX_WAITING = 65_536;
/** Of one sender for the same: all of them are looked at again whenever something of it comes. */
const MAX_EACH = 256;

export interface Waiting {
  readonly chain: string;
  readonly sender: string;
  readonly index: number;
  readonly since: number;
  readonly record: Claimed & Pick<AuditRecord, "anchors" | "bundle">;
  /** Its evidence came, and it waits for the bundle alone. */
  isShown?: true;
}

export interface Waits {
  /** Each with what it waits for. */
  readonly records: Shared<Waiting, string>;
  /** By what they wait for, then by sender. */
  readonly byKey: Map<string, Map<string, Set<Waiting>>>;
}

export const newWaits = (): Waits => ({ records: newShared(), byKey: new Map() });

export const allOf = ({ records }: Waits): Waiting[] => [...records.all.keys()];
export const waitingFor = ({ byKey }: Waits, key: string): Waiting[] =>
  [...(byKey.get(key)?.values() ?? [])].flatMap((those) => [...those]);

function unlink({ byKey }: Waits, key: string, waiting: Waiting): void {
  const senders = byKey.get(key);
  const those = senders?.get(waiting.sender);
  those?.delete(waiting);
  if (those?.size === 0) senders?.delete(waiting.sender);
  if (senders?.size === 0) byKey.delete(key);
}

/** It waits. What is forgotten for it is told of: nobody will judge it. */
export function wait(waits: Waits, key: string, waiting: Waiting, step: Step): void {
  const senders = taken(waits.byKey, key, () => new Map<string, Set<Waiting>>());
  const those = taken(senders, waiting.sender, () => new Set<Waiting>());
  if (those.size >= MAX_EACH) {
    const { vm, seq } = waiting.record;
    const says = `too many records wait for the same evidence: that of seq ${seq} of ${vm} was not judged`;
    step.say({ code: "evidence_missing", subject: waiting.chain, vm, seq, says });
    return;
  }
  those.add(waiting);
  const forgotten = keep(waits.records, waiting.sender, waiting, key, MAX_WAITING);
  if (forgotten === undefined) return;
  const { key: lost, value, owner } = forgotten;
  unlink(waits, value, lost);
  const { vm, seq } = lost.record;
  step.say(overflowOf(owner, lost.index, `the evidence of seq ${seq} of ${vm} was not judged`));
}

/** It waits no more. */
export function unwait(waits: Waits, waiting: Waiting): void {
  unlink(waits, waits.records.all.get(waiting) ?? "", waiting);
  drop(waits.records, waiting);
}
