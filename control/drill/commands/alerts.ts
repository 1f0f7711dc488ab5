/** That somebody hears of each grant's first use: the ledger's alarm of it, and the command that shows what was received. */
import { setTimeout as sleep } from "node:timers/promises";
import { ALERTS } from "../cases/index.js";
import { allow } from "../cases/kit.js";
import { away } from "../evidence.js";
import { type CommandEnd, shownCommand } from "../faults/command.js";
import type { Sample } from "../measures.js";
import type { Assertion, Call, Stage } from "../model.js";
import type { PlayedOutcome } from "../play.js";
import type { RecordSource } from "../record-source.js";
import type { FirstUse, FoundRecord } from "../records.js";
import { runGuarded } from "./guarded.js";
import { type CommandPlay, type CommandsRunning, notPlayed, playedOn, withinMs } from "./kit.js";

const POLL_MS = 250;
/** A record is followed and entered, the alarm goes out, somebody's system shows it. */
const WITHIN_MS = 60_000;
/** What a command prints of all alarms that there were: its end is the newest. */
const MOST_OUTPUT = 4 * 1024 * 1024;

const ended = ({ at, seen }: Call): number => at + seen.ms;

/** Whether that text is of this alarm. @param grant its hash, as webhooks and commands get it @param entry the alarm's own */
export function shows(text: string, grant: string | undefined, entry: number | undefined): boolean {
  if (grant !== undefined && text.includes(grant)) return true;
  return entry !== undefined && new RegExp(`(?:"entry":\\s*|\\bEntry )${entry}\\b`).test(text);
}

interface Used {
  readonly stage: Stage;
  readonly call: Call;
  /** When the command showed it. */
  shownAt: number | undefined;
}

function heard({ stage: { gateway }, call, shownAt }: Used, within: number, how: string): Assertion {
  const ok = shownAt !== undefined;
  const about = { case: ALERTS, gateway: gateway.id, what: "the alarm of a grant's first use, at whoever gets it" };
  const came = ok ? `shown after ${Math.round(shownAt - ended(call))} ms` : `not shown within ${within / 1000} s`;
  const seen = `${came} (${how})`;
  const finding = `Nobody was alarmed of a grant that was used on ${gateway.id} for the first time: the command \`alerts\` of the drill file has not shown it within ${within / 1000} s (${how}). Does the ledger have \`alarms\`, and does what it sends arrive? \`glassgate ledger test-alarms DIR\` tries it.`;
  return { ...about, expected: "shown", seen, ok, ...(ok ? {} : { finding }), calls: [] };
}

/** One grant for each gateway and repetition, all at once: each is a first use of its own. */
export async function playAlerts({ setting, stages, source, say }: CommandsRunning): Promise<CommandPlay> {
  const { alerts } = setting.prepared.commands;
  const { drill } = setting.prepared.source;
  const what = "whether an alarm reaches anybody";
  if (drill.ledger === undefined) return notPlayed(what, "the drill file names no ledger, which raises alarms");
  if (alerts === undefined)
    return notPlayed(what, "the drill file names no command `alerts` that shows what was received");
  const repeat = setting.isDry ? 1 : drill.repeat;
  const used: Used[] = await Promise.all(
    Array.from({ length: repeat }, () => stages)
      .flat()
      .map(async (stage) => ({ stage, call: await stage.send({ grant: await stage.grant() }), shownAt: undefined })),
  );
  const outcomes = used.map(({ stage, call }) =>
    playedOn(ALERTS, stage, { what: "a grant that is used for the first time", expected: allow, call }),
  );
  if (source === undefined) return { outcomes, samples: [], assertions: [], notProbed: [] };
  const within = withinMs(setting, "alerted", WITHIN_MS);
  const deadline = performance.now() + within;
  let last: CommandEnd = { ok: true, how: "not run", output: "" };
  for (;;) {
    await source.poll().catch(away);
    const records = used.map(({ call }) => source.records.find(call));
    if (records.some((one) => one !== undefined)) {
      last = await runGuarded(alerts, say, MOST_OUTPUT);
      for (const [i, one] of used.entries()) {
        const found = records[i];
        if (one.shownAt !== undefined || found === undefined) continue;
        const entry = source.records.firstUseOf(found)?.entry;
        if (shows(last.output, found.record.grant_sha256, entry)) one.shownAt = Math.max(Date.now(), ended(one.call));
      }
    }
    if (used.every(({ shownAt }) => shownAt !== undefined) || performance.now() > deadline) break;
    await sleep(POLL_MS);
  }
  const how = `its last run: ${last.how} of: ${shownCommand(alerts)}`;
  return {
    outcomes,
    samples: used.flatMap(({ stage, call, shownAt }) =>
      shownAt === undefined ? [] : [{ name: "alerted", ms: shownAt - ended(call), gateway: stage.gateway.id }],
    ),
    assertions: used.map((one) => heard(one, within, how)),
    notProbed: [],
  };
}

/** The first uses of these: of a grant that was asked for, approved and completed, or used to be heard of. */
const FIRST_USES: ReadonlySet<string> = new Set(["opens", ALERTS]);
/** Longer than a ledger holds back a sum of many alarms at once. */
const RAISED_MS = 75_000;

interface Raised {
  readonly played: PlayedOutcome;
  readonly found: FoundRecord;
}

/** Those of whose record the ledger is known to have an entry. */
const enteredOf = (outcomes: readonly PlayedOutcome[], { records }: RecordSource): Raised[] =>
  outcomes.flatMap((played) => {
    const found = FIRST_USES.has(played.case.name) ? records.find(played.outcome.call) : undefined;
    return found?.entered === undefined || found.record.verdict !== "allow" ? [] : [{ played, found }];
  });

/** Waits for what the ledger has not said yet. */
export async function awaitAlarms(outcomes: readonly PlayedOutcome[], source: RecordSource): Promise<void> {
  for (const deadline = performance.now() + RAISED_MS; performance.now() < deadline; await sleep(POLL_MS)) {
    const isRaised = ({ found }: Raised): boolean => source.records.firstUseOf(found) !== undefined;
    if (enteredOf(outcomes, source).every(isRaised)) return;
    await source.poll().catch(away);
  }
}

function raisedOf({ played: { gateway }, found }: Raised, use: FirstUse | undefined, drill: string): Assertion {
  const { entered } = found;
  const isTold = use?.says.includes(`in the drill ${drill} `) === true;
  const finding =
    use === undefined
      ? `The ledger has the record of a grant that was used on ${gateway.id} for the first time (entry ${entered?.entry}), and raised no alarm of it: nobody would hear of a real one. Is this ledger's process of this version? \`glassgate ledger verify\` judges the log anew.`
      : `The ledger's alarm of a grant that was used on ${gateway.id} (entry ${use.entry}) does not say that it was a drill: whoever gets it takes it for an emergency.`;
  return {
    ...{ case: ALERTS, gateway: gateway.id, what: "the ledger's alarm of a grant's first use" },
    expected: "first_use, with the drill's name",
    seen: use === undefined ? "none" : `first_use in entry ${use.entry}`,
    ok: isTold,
    ...(isTold ? {} : { finding }),
    calls: [],
  };
}

/** What the ledger itself says, by its own clock. */
export function judgeAlarms(
  outcomes: readonly PlayedOutcome[],
  source: RecordSource,
  drill: string,
): { assertions: readonly Assertion[]; samples: readonly Sample[] } {
  const all = enteredOf(outcomes, source).map((one) => ({ ...one, use: source.records.firstUseOf(one.found) }));
  return {
    assertions: all.map(({ use, ...one }) => raisedOf(one, use, drill)),
    samples: all.flatMap(({ use, played: { gateway, outcome } }) =>
      use === undefined
        ? []
        : [{ name: "alarmed", ms: Math.max(0, use.received - ended(outcome.call)), gateway: gateway.id }],
    ),
  };
}
