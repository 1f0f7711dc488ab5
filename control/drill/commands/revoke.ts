/** A grant that is taken back at every gateway at once: until each denies it, and again over other connections, and after a push. */
import { setTimeout as sleep } from "node:timers/promises";
import { REVOKED } from "../cases/index.js";
import { allow, verdict } from "../cases/kit.js";
import type { Command, CommandEnd } from "../faults/command.js";
import { isServed, isTold } from "../judge.js";
import type { Sample } from "../measures.js";
import type { Assertion, Call, MadeGrant, Stage } from "../model.js";
import type { PlayedOutcome } from "../play.js";
import { runGuarded } from "./guarded.js";
import { type CommandPlay, type CommandsRunning, endOf, FAILED_MS, notPlayed, playedOn, withinMs } from "./kit.js";

const POLL_MS = 150;
/** An answer that takes longer is none. */
const PATIENCE_MS = 4000;
/** How long after the command a gateway may still let it in, where the file has no limit: then it has not arrived. */
const WITHIN_MS = 15_000;
/** So many denials one after the other are no single worker's. */
const CALM = 3;
/** Each over a connection of its own, which any worker may take: enough that the last worker is not missed. */
const REPLAYS_A_WORKER = 3;
const LEAST_REPLAYS = 6;
const MOST_REPLAYS = 48;

export interface Revocations extends CommandPlay {
  /** The last grant that was taken back, and the gateways that deny it. */
  readonly last: { readonly grant: MadeGrant; readonly exp: number; readonly stages: readonly Stage[] } | undefined;
}

interface Watched {
  readonly stage: Stage;
  readonly call: Call;
  /** From the command's start to the first denial of those that went on; undefined where it is not denied. */
  readonly deniedMs: number | undefined;
}

async function watch(stage: Stage, grant: MadeGrant, began: number, deadline: () => number): Promise<Watched> {
  let deniedMs: number | undefined;
  for (let denials = 0; ; ) {
    const isLast = performance.now() > deadline();
    const call = await stage.send({ grant, patienceMs: PATIENCE_MS });
    const isDenied = isTold(call, "revoked");
    denials = isDenied ? denials + 1 : 0;
    deniedMs = isDenied ? (deniedMs ?? performance.now() - began) : undefined;
    if (denials >= CALM || isLast) return { stage, call, deniedMs };
    await sleep(POLL_MS);
  }
}

/** As long as a drill's grants live; a push and a replay after it fit in. */
const LIFE_SECONDS = 120;

/** Whose name no command takes for an option. */
async function nameable(stage: Stage): Promise<{ readonly grant: MadeGrant; readonly exp: number }> {
  for (;;) {
    const iat = stage.now();
    const exp = iat + Math.min(stage.entitlement.max_ttl, LIFE_SECONDS);
    const grant = await stage.grant({ claims: { iat, exp } });
    if (!grant.jti.startsWith("-")) return { grant, exp };
  }
}

/** The same grant once more, on each of them. */
export async function replay(
  stages: readonly Stage[],
  grant: MadeGrant,
  what: string,
  workers: CommandsRunning["workers"],
): Promise<PlayedOutcome[]> {
  const all = await Promise.all(
    stages.map(async (stage) => {
      const wanted = REPLAYS_A_WORKER * (workers.get(stage.gateway.id) ?? 0);
      const own: PlayedOutcome[] = [];
      for (let n = 0; n < Math.min(Math.max(wanted, LEAST_REPLAYS), MOST_REPLAYS); n++) {
        const call = await stage.send({ grant });
        own.push(playedOn(REVOKED, stage, { what, expected: verdict("revoked"), call }));
      }
      return own;
    }),
  );
  return all.flat();
}

interface Round {
  readonly outcomes: readonly PlayedOutcome[];
  readonly grant: MadeGrant;
  readonly exp: number;
  readonly denying: readonly Stage[];
  readonly end: CommandEnd;
  readonly command: Command;
  /** Where all denied it. */
  readonly sample: Sample | undefined;
}

async function playRound(
  revoke: (jti: string) => Command,
  { setting, stages, workers, say }: CommandsRunning,
  isFirst: boolean,
): Promise<Round> {
  const [first] = stages;
  if (first === undefined) throw new Error("a drill has gateways");
  const { grant, exp } = await nameable(first);
  const opened = await Promise.all(stages.map(async (stage) => ({ stage, call: await stage.send({ grant }) })));
  // Where it does not open nothing can be taken back: that is found already.
  const open = opened.filter(({ call }) => setting.isDry || isServed(call)).map(({ stage }) => stage);
  const command = revoke(grant.jti);
  const within = withinMs(setting, "revoked", WITHIN_MS);
  const began = performance.now();
  let deadline = setting.isDry ? 0 : Number.POSITIVE_INFINITY;
  const running = setting.isDry
    ? Promise.resolve({ ok: true, how: "", output: "" })
    : runGuarded(command, say).then((end) => {
        deadline = performance.now() + (end.ok ? within : FAILED_MS);
        return end;
      });
  const watched = await Promise.all(open.map((stage) => watch(stage, grant, began, () => deadline)));
  const end = await running;
  const denying = watched.filter(({ deniedMs }) => setting.isDry || deniedMs !== undefined).map(({ stage }) => stage);
  const [slowest] = watched.toSorted((a, b) => (b.deniedMs ?? 0) - (a.deniedMs ?? 0));
  return {
    ...{ grant, exp, denying, end, command },
    outcomes: [
      ...opened.map(({ stage, call }) =>
        playedOn(REVOKED, stage, { what: "a grant before it is taken back", expected: allow, call }),
      ),
      ...watched.map(({ stage, call }) =>
        playedOn(REVOKED, stage, { what: "the same grant when it was taken back", expected: verdict("revoked"), call }),
      ),
      ...(isFirst ? await replay(denying, grant, "the same grant once more, over another connection", workers) : []),
    ],
    sample:
      denying.length < stages.length || slowest?.deniedMs === undefined
        ? undefined
        : { name: "revoked", ms: slowest.deniedMs, gateway: slowest.stage.gateway.id },
  };
}

const WHAT = "a revocation at every gateway, and replays after it";

export async function playRevocations(running: CommandsRunning): Promise<Revocations> {
  const { setting } = running;
  const { revoke } = setting.prepared.commands;
  if (revoke === undefined)
    return {
      ...notPlayed(WHAT, "the drill file names no command `revoke`, and a drill's people may take nothing back"),
      last: undefined,
    };
  const repeat = setting.isDry ? 1 : setting.prepared.source.drill.repeat;
  const rounds: Round[] = [];
  for (let n = 0; n < repeat; n++) {
    const round = await playRound(revoke, running, n === 0);
    rounds.push(round);
    // One that does not arrive once arrives no better the next time.
    if (!round.end.ok || round.denying.length < running.stages.length) break;
  }
  const last = rounds.at(-1);
  const ends: Assertion[] = rounds.map(({ command, end }) =>
    endOf(REVOKED, "revoke", command, end, "In an emergency nothing would be taken back by it."),
  );
  return {
    outcomes: rounds.flatMap(({ outcomes }) => outcomes),
    samples: rounds.flatMap(({ sample }) => sample ?? []),
    assertions: setting.isDry ? [] : ends,
    notProbed: [],
    last: last && { grant: last.grant, exp: last.exp, stages: last.denying },
  };
}
