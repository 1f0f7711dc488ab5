/** A push to every gateway at once, by the file's own command: until each of their workers serves it, as their gauges say. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../base/errors.js";
import { plural } from "../../base/text.js";
import { nowSeconds } from "../../base/time.js";
import { Admin } from "../../gateway/admin.js";
import { type FilterState, isWhole, readFilterState } from "../../gateway/admin-state.js";
import { domainOf } from "../../trust/anchors.js";
import { PUSHED } from "../cases/index.js";
import { allow } from "../cases/kit.js";
import type { Sample } from "../measures.js";
import type { Assertion, NotProbed, Stage } from "../model.js";
import type { PlayedOutcome } from "../play.js";
import { runGuarded } from "./guarded.js";
import { type CommandPlay, type CommandsRunning, endOf, FAILED_MS, notPlayed, playedOn, withinMs } from "./kit.js";
import { type Revocations, replay } from "./revoke.js";

const POLL_MS = 50;
const WITHIN_MS = 15_000;
const WHAT = "a push to every gateway";

interface Arrived {
  readonly stage: Stage;
  /** From the command's start until its last worker served it; undefined where that was not seen. */
  readonly appliedMs: number | undefined;
  readonly seen: string;
}

/** Undefined where its admin interface does not say. */
async function stateOf({ gateway }: Stage, domain: string): Promise<FilterState | undefined> {
  try {
    return await readFilterState(new Admin(gateway.admin), domain);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** Every worker serves another configuration than before, and none an older bundle. */
function isApplied(before: FilterState | undefined, now: FilterState | undefined, workers: number): boolean {
  if (before === undefined || now?.generation === undefined || now.generation === before.generation) return false;
  return isWhole(now, workers) && now.revocations !== 0 && (now.bundleVersion ?? 0) >= (before.bundleVersion ?? 0);
}

interface Round {
  readonly end: Assertion;
  readonly arrived: readonly Arrived[];
}

/** @param stages those whose gauges say what serves */
async function playRound(
  { setting, workers, say }: CommandsRunning,
  stages: readonly Stage[],
): Promise<Round | undefined> {
  const { anchors, commands } = setting.prepared;
  const { push } = commands;
  if (push === undefined) return undefined;
  const domain = domainOf(anchors);
  const before = await Promise.all(stages.map((stage) => stateOf(stage, domain)));
  const within = withinMs(setting, "pushed", WITHIN_MS);
  const began = performance.now();
  let deadline = Number.POSITIVE_INFINITY;
  const running = runGuarded(push, say).then((end) => {
    deadline = performance.now() + (end.ok ? within : FAILED_MS);
    return end;
  });
  const arrived = await Promise.all(
    stages.map(async (stage, i): Promise<Arrived> => {
      for (;;) {
        const isLast = performance.now() > deadline;
        const now = await stateOf(stage, domain);
        const ms = performance.now() - began;
        if (isApplied(before[i], now, workers.get(stage.gateway.id) ?? 1))
          return { stage, appliedMs: ms, seen: `generation ${now?.generation}` };
        const seen =
          now === undefined
            ? "its admin interface does not say"
            : now.generation === before[i]?.generation
              ? "nothing new serves"
              : `on ${plural(now.servingVms, "VM")} alone`;
        if (isLast) return { stage, appliedMs: undefined, seen };
        await sleep(POLL_MS);
      }
    }),
  );
  const then = "Nobody could roll out a trust bundle by it.";
  return { end: endOf(PUSHED, "push", push, await running, then), arrived };
}

function judged({ arrived }: Round): Assertion[] {
  return arrived.map(({ stage: { gateway }, appliedMs, seen }) => {
    const ok = appliedMs !== undefined;
    const finding = `${gateway.id} was not reached by the push (${seen}): does the command \`push\` of the drill file name it, and do its workers take what is pushed? \`glassgate push --gateway FILE\` says.`;
    const about = { case: PUSHED, gateway: gateway.id, what: "a push", expected: "on every worker" };
    return { ...about, seen: ok ? `on every worker: ${seen}` : seen, ok, ...(ok ? {} : { finding }), calls: [] };
  });
}

/** Of all gateways: the last. */
function sampleOf({ arrived }: Round): Sample[] {
  const [slowest] = arrived.toSorted((a, b) => (b.appliedMs ?? 0) - (a.appliedMs ?? 0));
  const isEverywhere = arrived.every(({ appliedMs }) => appliedMs !== undefined);
  if (!isEverywhere || slowest?.appliedMs === undefined) return [];
  return [{ name: "pushed", ms: slowest.appliedMs, gateway: slowest.stage.gateway.id }];
}

/** What was taken back stays so; the grant must live for a denial to say that. */
async function stillRevoked(
  { last }: Revocations,
  { workers, setting }: CommandsRunning,
): Promise<{ outcomes: readonly PlayedOutcome[]; notProbed: readonly NotProbed[] }> {
  if (last === undefined || last.stages.length === 0) return { outcomes: [], notProbed: [] };
  const what = "a grant that was taken back, after a push";
  if (!setting.isDry && last.exp <= nowSeconds() + 1)
    return { outcomes: [], notProbed: [{ what, why: "the push took longer than that grant lives" }] };
  return { outcomes: await replay(last.stages, last.grant, what, workers), notProbed: [] };
}

export async function playPushes(running: CommandsRunning, revocations: Revocations): Promise<CommandPlay> {
  const { setting, stages, workers } = running;
  const { commands, source } = setting.prepared;
  if (commands.push === undefined)
    return notPlayed(WHAT, "the drill file names no command `push`, and a drill writes to no gateway by itself");
  const seen = stages.filter(({ gateway }) => setting.isDry || workers.has(gateway.id));
  const unseen = stages.filter((stage) => !seen.includes(stage));
  const rounds: Round[] = [];
  for (let n = 0; n < (setting.isDry ? 0 : source.drill.repeat); n++) {
    const round = await playRound(running, seen);
    if (round === undefined) break;
    rounds.push(round);
    if (!round.end.ok || round.arrived.some(({ appliedMs }) => appliedMs === undefined)) break;
  }
  const isNothingNew = rounds.every(
    ({ end, arrived }) => end.ok && arrived.every(({ appliedMs }) => appliedMs === undefined),
  );
  if (isNothingNew && !setting.isDry && seen.length > 0)
    return notPlayed(
      WHAT,
      "the command `push` changed nothing on any gateway: `glassgate push --anew` writes also what serves already",
    );
  const after = await Promise.all(
    stages.map(async (stage) =>
      playedOn(PUSHED, stage, {
        what: "a good grant after a push",
        expected: allow,
        call: await stage.send({ grant: await stage.grant() }),
      }),
    ),
  );
  const still = await stillRevoked(revocations, running);
  return {
    outcomes: [...after, ...still.outcomes],
    samples: rounds.flatMap(sampleOf),
    assertions: rounds.flatMap((round) => [round.end, ...judged(round)]),
    notProbed: [
      ...still.notProbed,
      ...unseen.map(({ gateway: { id } }) => ({
        what: `whether a push arrives on every worker of ${id}`,
        why: "no gauge of it says what its workers serve: that grants open after it is tried",
      })),
    ],
  };
}
