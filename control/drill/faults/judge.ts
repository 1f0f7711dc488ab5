/** What came of a fault, counted from outside: calls, answers, records, entries. Nothing opened, nothing lost, and open again afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { visible } from "../../base/text.js";
import { evidenceOf } from "../evidence.js";
import { findingOf } from "../findings.js";
import { isPast, isServed, judge } from "../judge.js";
import type { CallEvidence, FaultResult, Outcome } from "../model.js";
import type { RecordSource, Sealed } from "../record-source.js";
import type { FoundRecord } from "../records.js";
import { expectedOf } from "./planned.js";
import type { FaultPlay } from "./play.js";
import type { Probe } from "./probe.js";

const POLL_MS = 250;

const WHAT: Readonly<Record<Probe["kind"], string>> = {
  good: "a good grant",
  forged: "a forged grant",
  none: "a request without a credential",
  normal: "a normal caller",
};
const WHEN: Readonly<Record<Probe["phase"], string>> = {
  before: "Before it",
  while: "While it held",
  after: "After it",
};

/** What only the filter can have answered, and what it let through. */
const mustBeRecorded = ({ kind, expect, call }: Probe): boolean =>
  (kind === "good" && (isServed(call) || (expect === "unanswered" && call.seen.code === undefined))) ||
  ((kind === "good" || kind === "forged") && call.seen.code !== undefined);

/** Waits until each record is there that must be, or the time is over. */
export async function awaitFaultRecords(
  plays: readonly FaultPlay[],
  source: RecordSource,
  forMs: number,
): Promise<void> {
  const needed = plays.flatMap(({ probes }) => probes.filter(mustBeRecorded));
  for (const deadline = Date.now() + forMs; ; await sleep(POLL_MS)) {
    await source.poll();
    if (needed.every(({ call }) => source.records.find(call) !== undefined) || Date.now() > deadline) return;
  }
}

/** As a case's outcome; undefined where either is right. */
function outcomeOf({ kind, expect, call }: Probe): Outcome | undefined {
  const what = WHAT[kind];
  if (kind === "forged" || kind === "none") return { what, expected: { kind: "shut" }, call };
  if (kind === "normal") return expect === undefined ? undefined : { what, expected: { kind: "normal" }, call };
  if (expect === "allowed") return { what, expected: { kind: "allow" }, call };
  // What a gateway that stood still takes up afterwards is on record, and nobody got an answer to it.
  if (expect === "denied" && call.seen.error !== undefined) return undefined;
  if (expect === "denied") return { what, expected: { kind: "shut" }, call };
  return undefined;
}

function findingIn(probe: Probe, found: FoundRecord | undefined, granted: string): string | undefined {
  const { kind, call, expect, stage } = probe;
  const outcome = outcomeOf(probe);
  const fault = outcome === undefined ? undefined : judge(outcome, found, granted).fault;
  if (outcome !== undefined && fault !== undefined) return findingOf(fault, outcome, stage.gateway, found);
  if (kind !== "good") return undefined;
  if (isServed(call) && found?.record.verdict !== "allow")
    return `${visible(call.gateway)} let a good grant in and has no record of it: a record was lost.`;
  if (expect !== "unanswered") return undefined;
  if (isServed(call) || call.seen.code !== undefined)
    return `${visible(call.gateway)} was not in that state: it answered ${call.seen.status}.`;
  return found?.record.verdict === "allow" || found?.record.verdict === "pending"
    ? undefined
    : `${visible(call.gateway)} let a good grant in to an upstream that says nothing, and has no record of it: a record was lost.`;
}

function counts(
  probes: readonly Probe[],
  found: ReadonlyMap<Probe, FoundRecord | undefined>,
  isProved: boolean,
): string {
  const tell = (phase: Probe["phase"]): string => {
    const own = probes.filter((one) => one.phase === phase);
    const answered = own.filter(({ call }) => call.seen.error === undefined).length;
    const letIn = own.filter((one) => one.kind === "good" && (isServed(one.call) || isPast(one.call)));
    return `${phase} it ${own.length} calls, ${answered} answered, ${letIn.length} grants let in`;
  };
  const needed = probes.filter(mustBeRecorded);
  const recorded = needed.flatMap((one) => found.get(one) ?? []);
  const entered = recorded.filter(({ entered: entry }) => entry !== undefined).length;
  const proved = isProved ? `, ${entered} entered in the ledger` : "";
  const phases = ["before", "while", "after"] as const;
  return `${phases.map(tell).join("; ")}; of ${needed.length} that the filter judged ${recorded.length} on record${proved}`;
}

/** @param granted the path that the drill's grants name */
export async function judgeFault(
  { fault, probes, trouble }: FaultPlay,
  source: RecordSource,
  sealed: Sealed | undefined,
  granted: string,
): Promise<FaultResult> {
  const found = new Map(probes.map((one) => [one, source.records.find(one.call)] as const));
  const calls: CallEvidence[] = [];
  const findings = trouble.map((one) => one);
  for (const probe of probes) {
    const finding = findingIn(probe, found.get(probe), granted);
    if (finding !== undefined) findings.push(`${WHEN[probe.phase]}: ${finding}`);
    if (mustBeRecorded(probe)) calls.push(...(await evidenceOf(probe.call, found.get(probe), sealed)));
  }
  const on = visible(fault.on.join(", "));
  const isEach = probes.some(({ phase }) => phase === "after");
  return {
    name: fault.name,
    gateways: fault.on,
    expected: `${on}: ${expectedOf[fault.expect]}; nothing opens to others, nothing is lost, and it is as before afterwards`,
    seen: `${counts(probes, found, sealed !== undefined)}${isEach ? "" : "; nothing was sent after it"}`,
    ok: findings.length === 0,
    ...(findings.length === 0
      ? {}
      : { finding: `The fault ${fault.name} on ${on}. ${[...new Set(findings)].slice(0, 3).join(" ")}` }),
    calls,
  };
}
