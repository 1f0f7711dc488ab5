/** A drill from its first request to its report. */
import { ALERTS, CONFIGURATION, FACTS, LEDGER } from "./cases/index.js";
import { awaitAlarms, judgeAlarms } from "./commands/alerts.js";
import { nothingPlayed } from "./commands/kit.js";
import { playCommands } from "./commands/play.js";
import { judgeConfiguration } from "./configuration.js";
import { awaitRecords, evidenceOf, isUnproved, unprovedWords } from "./evidence.js";
import { type Facts, judgeFacts, judgeMeant, lookAtAll } from "./facts.js";
import { awaitFaultRecords, judgeFault } from "./faults/judge.js";
import { planFaults } from "./faults/plan.js";
import type { PlannedFault } from "./faults/planned.js";
import { noFaults, playFaults } from "./faults/play.js";
import type { Self } from "./faults/undo.js";
import { findingOf } from "./findings.js";
import { Held, startClock } from "./held.js";
import { judge } from "./judge.js";
import { judgeRecorded } from "./kong-state.js";
import { unlimited } from "./left-out.js";
import { measuresOf, type Sample } from "./measures.js";
import type { Assertion, Call, FaultResult, GatewayFacts, Players, Report } from "./model.js";
import { type Choice, isChosen, type PlayedOutcome, play } from "./play.js";
import type { Prepared } from "./prepare.js";
import type { RecordSource, Sealed } from "./record-source.js";
import { withRunningRoutes } from "./running-routes.js";
import { playOnScratch } from "./scratch-play.js";
import { ofLedger, sealedBy } from "./sealing.js";

export interface Running {
  readonly prepared: Prepared;
  readonly players: Players;
  readonly choice: Choice;
  readonly source: RecordSource;
  /** Whether that is a ledger, whose entries are proved. */
  readonly isProved: boolean;
  readonly onCase: (name: string, gateway: string) => void;
  /** How `glassgate` is run from here: the watchdog of faults is another of it. */
  readonly self: Self;
  /** Before the records of the calls are waited for, so long at most. */
  readonly onWait: (limitMs: number) => void;
  readonly onFault: (fault: PlannedFault) => void;
  readonly say: (line: string) => void;
}

/** How long records may take, where the file has no limit: an audit log is flushed, followed and entered. */
const RECORDED_SECONDS = 30;
/** Under a shorter limit a record that comes late is too late, and not missing. */
const LEAST_RECORDED_SECONDS = 3;
/** How long records are waited for. @param limit seconds, of the drill file */
export const recordWaitMs = (limit = RECORDED_SECONDS): number => Math.max(limit, LEAST_RECORDED_SECONDS) * 1000;

interface Judgement {
  readonly assertion: Assertion;
  readonly sample: Sample | undefined;
}

async function judgeOne(
  { case: { name }, gateway, outcome }: PlayedOutcome,
  { source, prepared }: Running,
  sealed: Sealed | undefined,
): Promise<Judgement> {
  const { call, what, route } = outcome;
  const found = source.records.find(call);
  const judged = judge(outcome, found, prepared.target.path);
  const { expected, seen } = judged;
  const fault = judged.fault === "unjudged" && source.records.isShadow(gateway.id) ? "shadow" : judged.fault;
  const calls = await evidenceOf(call, found, sealed);
  const finding = isUnproved(calls, found, sealed)
    ? unprovedWords(gateway.id)
    : fault && findingOf(fault, outcome, gateway, found);
  const about = { case: name, gateway: gateway.id, ...(route === undefined ? {} : { route }) };
  const assertion = {
    ...about,
    what,
    expected,
    seen,
    ok: finding === undefined,
    ...(fault && { fault }),
    ...(finding && { finding }),
    calls,
  };
  const received = found?.entered?.received;
  const sample: Sample | undefined =
    received === undefined || outcome.expected.kind !== "allow"
      ? undefined
      : { name: "recorded", ms: Math.max(0, received - call.at - call.seen.ms), gateway: gateway.id };
  return { assertion, sample };
}

function factsOf({ prepared, source }: Running, facts: readonly Facts[], calls: readonly Call[]): GatewayFacts[] {
  return prepared.gateways.map(({ id, url, filter, kong }, i) => {
    const own = calls.filter(({ gateway }) => gateway === id).map((call) => source.records.find(call)?.record.anchors);
    const anchors = own.find((one) => one !== undefined);
    const { version = "", bundleVersion: bundle } = facts[i] ?? {};
    return {
      ...{ id, url },
      ...(version === "" ? {} : { [kong === undefined ? "envoy" : "kong"]: version }),
      ...(filter === undefined ? {} : { filter }),
      ...(bundle === undefined ? {} : { bundle }),
      ...(anchors === undefined ? {} : { anchors }),
    };
  });
}

/** What is judged without a request. */
async function lookedAt(
  { prepared, choice, source }: Running,
  facts: readonly Facts[],
  played: readonly PlayedOutcome[],
): Promise<Assertion[]> {
  const { gateways, bundle } = prepared;
  const recordsOf = (id: string) =>
    played.flatMap(({ gateway, outcome }) =>
      gateway.id === id ? (source.records.find(outcome.call)?.record ?? []) : [],
    );
  const state = isChosen(choice, FACTS)
    ? [
        ...gateways.flatMap((one, i) => (facts[i] === undefined ? [] : judgeFacts(one, facts[i], prepared))),
        ...gateways.flatMap(({ id, kong }) =>
          kong === undefined ? [] : judgeRecorded(id, recordsOf(id), bundle.version),
        ),
        ...judgeMeant(prepared),
      ]
    : [];
  const configuration: Assertion[] = [];
  // One after the other: while one is judged, another's admin interface would be waited for in vain.
  if (isChosen(choice, CONFIGURATION))
    for (const one of gateways) configuration.push(...(await judgeConfiguration(one, prepared.anchors)));
  return [...state, ...configuration];
}

/** Plays it. @throws UserError where something is not the user's, before the first request */
export async function runDrill(given: Running): Promise<Report> {
  const facts = await lookAtAll(given.prepared);
  const { prepared, assertions: ofRoutes } = await withRunningRoutes(given.prepared);
  const running = { ...given, prepared };
  const { players, choice, source, isProved, onCase } = running;
  const { drill } = prepared.source;
  const { began, now } = startClock();
  const held = new Held();
  const setting = { prepared, players, isDry: false, onCall: () => {} };
  const planned = await planFaults(prepared, (name) => isChosen(choice, name));
  const played = await play(setting, choice, onCase);
  const workers = new Map(
    prepared.gateways.flatMap(({ id }, i) => (facts[i]?.workers === undefined ? [] : [[id, facts[i].workers]])),
  );
  const commanded = await held.keep(
    "followed by your commands",
    () => playCommands(setting, choice, { workers, source, say: given.say }, (name) => onCase(name, "")),
    nothingPlayed,
  );
  const outcomes = [...played.outcomes, ...commanded.outcomes];
  const recordMs = recordWaitMs(drill.limits.recorded);
  running.onWait(recordMs);
  await held.keep("found on record", () => awaitRecords(outcomes, source, recordMs), undefined);
  const isAlarmed = isProved && isChosen(choice, ALERTS);
  if (isAlarmed) await held.keep("found in alarms", () => awaitAlarms(outcomes, source), undefined);
  // Faults come last: what is measured is measured without them.
  const made = await held.keep(
    "followed by faults",
    () => playFaults({ ...running, setting, faults: planned.faults }),
    noFaults,
  );
  if (made.plays.length > 0)
    await held.keep("found on record", () => awaitFaultRecords(made.plays, source, recordMs), undefined);
  const { sealed, fault } = await sealedBy(source);
  const judged: Judgement[] = [];
  const judgeAll = async (all: readonly PlayedOutcome[], by: Running, under: Sealed | undefined): Promise<void> => {
    for (const one of all)
      judged.push(...(await held.keep("judged", async () => [await judgeOne(one, by, under)], [])));
  };
  await judgeAll(outcomes, running, sealed);
  const looked = [
    ...(await held.keep("looked at", () => lookedAt(running, facts, played.outcomes), [])),
    ...(isChosen(choice, FACTS) ? ofRoutes : []),
    ...(isProved && isChosen(choice, LEDGER) ? [ofLedger(source, sealed, fault)] : []),
  ];
  const alarms = isAlarmed ? judgeAlarms(outcomes, source, drill.name) : { assertions: [], samples: [] };
  const scratch = await held.keep("followed by scratch gateways", () => playOnScratch(running, choice), []);
  for (const one of scratch) await judgeAll(one.outcomes, { ...running, ...one }, undefined);
  const assertions = [
    ...looked,
    ...judged.map(({ assertion }) => assertion),
    ...commanded.assertions,
    ...alarms.assertions,
    ...held.assertions,
  ];
  const samples = [
    ...[...played.samples, ...commanded.samples, ...alarms.samples, ...scratch.flatMap((one) => one.samples)],
    ...judged.flatMap(({ sample }) => sample ?? []),
  ];
  const faults: FaultResult[] = [];
  for (const one of made.plays)
    faults.push(
      ...(await held.keep("judged", async () => [await judgeFault(one, source, sealed, prepared.target.path)], [])),
    );
  const measures = measuresOf(samples, drill.limits);
  const notProbed = [
    ...played.notProbed,
    ...commanded.notProbed,
    ...scratch.flatMap(({ notProbed }) => notProbed),
    ...planned.notProbed,
    ...made.left.map((name) => ({ what: `the fault ${name}`, why: made.why })),
    ...unlimited(measures),
  ];
  const ended = now();
  const failed = assertions.filter(({ ok }) => !ok).length;
  return {
    v: 1,
    drill: drill.name,
    name: drill.name,
    ...(choice.only === undefined ? {} : { partial: true }),
    drillFile: prepared.source.sha256,
    audience: prepared.anchors.audience,
    ...(source.origin === undefined ? {} : { origin: source.origin }),
    began: began.toISOString(),
    ended: ended.toISOString(),
    people: {
      requester: players.requester.sub,
      approvers: players.approvers.map(({ sub }) => sub),
      signer: players.signer.sub,
    },
    gateways: factsOf(
      running,
      facts,
      outcomes.map(({ outcome }) => outcome.call),
    ),
    assertions,
    notProbed,
    measures,
    faults,
    counts: { passed: assertions.length - failed, failed, notProbed: notProbed.length },
    ...(sealed === undefined ? {} : { checkpoint: { text: sealed.checkpoint.text } }),
    dueNext: new Date(ended.getTime() + drill.every * 1000).toISOString(),
  };
}
