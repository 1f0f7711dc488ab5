/** What came of a fault, counted from outside: calls, answers, records, entries. Nothing opened, nothing lost, and open again afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { plural, visible } from "../../base/text.js";
import { showDuration } from "../../base/time.js";
import { away, evidenceOf, isUnproved, unprovedWords } from "../evidence.js";
import { findingOf } from "../findings.js";
import { isPast, isServed, judge } from "../judge.js";
import type { CallEvidence, FaultResult, Outcome } from "../model.js";
import type { RecordSource, Sealed } from "../record-source.js";
import type { FoundRecord } from "../records.js";
import { shownCommand } from "./command.js";
import { expectedOf } from "./planned.js";
import type { FaultPlay } from "./play.js";
import { isShut, type Probe } from "./probe.js";
import type { Undo } from "./undo.js";

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
  const needed = plays.flatMap(({ probes }) => probes.filter((one) => mustBeRecorded(one) && !one.mayBeLost));
  for (const deadline = performance.now() + forMs; ; await sleep(POLL_MS)) {
    await source.poll().catch(away);
    if (needed.every(({ call }) => source.records.find(call) !== undefined) || performance.now() > deadline) return;
  }
}

/** As a case's outcome; undefined where either is right. */
function outcomeOf({ kind, expect, call }: Probe): Outcome | undefined {
  const what = WHAT[kind];
  if (kind === "forged" || kind === "none") return { what, expected: { kind: "shut" }, call };
  if (kind === "normal") return expect === "normal" ? { what, expected: { kind: "normal" }, call } : undefined;
  if (expect === "allowed" || expect === "grants-only") return { what, expected: { kind: "allow" }, call };
  // What a gateway that stood still takes up afterwards is on record, and nobody got an answer to it.
  if (expect === "denied" && call.seen.error !== undefined) return undefined;
  if (expect === "denied") return { what, expected: { kind: "shut" }, call };
  return undefined;
}

/** Of a gateway that cannot write its log: it opens as ever. With receipts, the ledger has each access all the same. */
function findingOfLost({ call }: Probe, found: FoundRecord | undefined, hasReceipts: boolean): string | undefined {
  const id = visible(call.gateway);
  if (!isServed(call))
    return `${id} does not let a good grant in (${call.seen.error ?? call.seen.status}): a full disk must not close the way.`;
  return hasReceipts && found === undefined
    ? `${id} let a good grant in without a receipt of the ledger, which its entitlement demands.`
    : undefined;
}

function findingOfUnanswered({ call }: Probe, found: FoundRecord | undefined): string | undefined {
  const id = visible(call.gateway);
  if (isServed(call) || call.seen.code !== undefined)
    return `${id} was not in that state: it answered ${call.seen.status}.`;
  return found?.record.verdict === "allow"
    ? undefined
    : `${id} let a good grant in to an upstream that says nothing, and has no record of it: a record was lost.`;
}

function findingIn(
  probe: Probe,
  found: FoundRecord | undefined,
  granted: string,
  hasReceipts: boolean,
): string | undefined {
  const { kind, call, expect, stage, mayBeLost } = probe;
  const outcome = outcomeOf(probe);
  const fault = outcome === undefined ? undefined : judge(outcome, found, granted).fault;
  if (outcome !== undefined && fault !== undefined) return findingOf(fault, outcome, stage.gateway, found);
  if (kind === "normal" && expect === "grants-only" && !isShut(call))
    return `${visible(call.gateway)} lets a normal caller through all the same (${call.seen.status}): the fault does not show there. What it keeps of the identity provider may last longer than \`within\`.`;
  if (kind === "good" && expect === "unrecorded") return findingOfLost(probe, found, hasReceipts);
  if (kind === "good" && expect === "unanswered") return findingOfUnanswered(probe, found);
  if (mayBeLost) return undefined;
  if (kind === "good" && isServed(call) && found?.record.verdict !== "allow")
    return `${visible(call.gateway)} let a good grant in and has no record of it: a record was lost.`;
  if (found === undefined && (kind === "good" || kind === "forged") && call.seen.code !== undefined)
    return `${visible(call.gateway)} denied ${WHAT[kind]} with ${visible(call.seen.code)} and has no record of it: a record was lost.`;
  return undefined;
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
    return `${phase} it ${plural(own.length, "call")}, ${answered} answered, ${plural(letIn.length, "grant")} let in`;
  };
  const judged = probes.filter((one) => mustBeRecorded(one) || found.get(one) !== undefined);
  const recorded = judged.flatMap((one) => found.get(one) ?? []);
  const entered = recorded.filter(({ entered: entry }) => entry !== undefined).length;
  const proved = isProved ? `, ${entered} entered in the ledger` : "";
  const lost = judged.length - recorded.length;
  const losing = judged.some((one) => one.mayBeLost) ? `; ${lost} without a record, as the failed writes show` : "";
  const phases = ["before", "while", "after"] as const;
  return `${phases.map(tell).join("; ")}; of ${judged.length} that the filter judged ${recorded.length} on record${proved}${losing}`;
}

/** For whoever reads the report: without what stood in an environment, or in a file. */
function undoWords(undo: Undo): string {
  switch (undo.kind) {
    case "command":
      return shownCommand(undo);
    case "start":
      return shownCommand({ argv: ["glassgate", ...undo.args], cwd: undo.cwd });
    case "restore":
      return `what stood in ${visible(undo.path)} is put back`;
    case "continue":
      return `kill -CONT ${undo.process.pid}   # ${visible(undo.what)}`;
  }
}

/** @param granted the path that the drill's grants name */
export async function judgeFault(
  { fault, undo, probes, trouble }: FaultPlay,
  source: RecordSource,
  sealed: Sealed | undefined,
  granted: string,
): Promise<FaultResult> {
  const { records } = source;
  const found = new Map(
    probes.map(
      (one) => [one, records.find(one.call) ?? (one.mayBeLost ? records.waiting(one.call) : undefined)] as const,
    ),
  );
  const hasReceipts = probes.some(({ stage }) => stage.entitlement.audit === "receipt");
  const calls: CallEvidence[] = [];
  const findings = trouble.map((one) => one);
  for (const probe of probes) {
    const finding = findingIn(probe, found.get(probe), granted, hasReceipts);
    if (finding !== undefined) findings.push(`${WHEN[probe.phase]}: ${finding}`);
    if (!mustBeRecorded(probe) && found.get(probe) === undefined) continue;
    const own = await evidenceOf(probe.call, found.get(probe), sealed);
    if (isUnproved(own, found.get(probe), sealed)) findings.push(unprovedWords(visible(probe.call.gateway)));
    calls.push(...own);
  }
  const on = visible(fault.on.join(", "));
  const isEach = probes.some(({ phase }) => phase === "after");
  return {
    name: fault.name,
    gateways: fault.on,
    expected: `${on}: ${expectedOf[fault.expect]}; nothing opens to others, nothing is lost, and it is as before afterwards, each within ${showDuration(fault.withinMs / 1000)}`,
    does: fault.does,
    ...(undo === undefined ? {} : { undo: undoWords(undo) }),
    seen: `${counts(probes, found, sealed !== undefined)}${isEach ? "" : "; nothing was sent after it"}`,
    ok: findings.length === 0,
    ...(findings.length === 0
      ? {}
      : { finding: `The fault ${fault.name} on ${on}. ${[...new Set(findings)].slice(0, 3).join(" ")}` }),
    calls,
  };
}
