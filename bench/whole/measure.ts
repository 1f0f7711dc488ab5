/** The load test from its start to the closed books. */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../control/base/errors.js";
import { type Latency, latencyOf } from "../base/statistics.js";
import { Faults } from "../evidence/faults.js";
import { countsSchema } from "./calls.js";
import { Asking, Changes } from "./changes.js";
import { type Closed, closeBooks } from "./closing.js";
import { Figures } from "./figures.js";
import { Fleet, type FleetOptions } from "./fleet.js";
import { type Spoil, spoilTraffic } from "./spoil.js";
import { type Used, watchUsage } from "./usage.js";

const PROGRESS_MS = 10_000;

export interface WholeOptions extends FleetOptions {
  readonly seconds: number;
  /** From one urgent revocation to the next. */
  readonly revokeEverySeconds: number;
  readonly spoil: Spoil | undefined;
}

export interface WholeFigures extends Closed {
  readonly seconds: number;
  readonly gateways: number;
  readonly normal: Latency;
  readonly allowed: Latency;
  readonly grants: number;
  /** Calls with a grant, and forged ones, by what was answered. */
  readonly denied: Readonly<Record<string, number>>;
  readonly forged: Readonly<Record<string, number>>;
  readonly rotations: number;
  readonly push: Latency;
  readonly revocations: { readonly grants: number; readonly people: number };
  readonly lastDenying: Latency;
  readonly applied: Latency;
  readonly untilSigned: Latency;
  readonly recordToLedger: Latency;
  readonly used: readonly Used[];
  readonly load: number;
  readonly faults: readonly string[];
}

async function tellProgress(
  parts: readonly Asking[],
  changes: Changes,
  say: (line: string) => void,
  isOver: () => boolean,
): Promise<void> {
  const began = performance.now();
  for (let next = began + PROGRESS_MS; !isOver(); await sleep(50)) {
    if (performance.now() < next) continue;
    next += PROGRESS_MS;
    const [callers, forger] = await Promise.all(
      parts.map(async (part) => countsSchema.parse(await part.ask("counts"))),
    );
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    const served = `${callers?.answered ?? 0} of ${callers?.sent ?? 0} calls answered, ${forger?.answered ?? 0} forged ones (${forger?.allowed ?? 0} let in)`;
    say(`${seconds} s: ${served}, bundle ${changes.version}, ${changes.revoked.length} revocations`);
  }
}

async function play(fleet: Fleet, options: WholeOptions, faults: Faults, say: (line: string) => void) {
  await fleet.startLoad(options);
  const { callers, forger } = fleet.load;
  if (callers === undefined || forger === undefined) throw new Error("the load has not started");
  const parts = [callers, forger].map((child) => new Asking((message) => child.ask(message)));
  const [asking] = parts;
  if (asking === undefined) throw new Error("nobody asks");
  const usage = watchUsage(fleet);
  const began = performance.now();
  let isFailed = false;
  const isDue = (): boolean => performance.now() - began > options.seconds * 1000;
  // However short or slow: each kind happens once.
  const isOver = (): boolean => isFailed || (isDue() && changes.haveHappened);
  const changes: Changes = new Changes(fleet, asking, faults, isOver);
  const half = async (): Promise<void> => {
    while (performance.now() - began < options.seconds * 500) await sleep(20);
    await spoilTraffic(fleet, parts, options.spoil);
  };
  const running = [
    changes.rotate(),
    changes.revoke(options.revokeEverySeconds * 1000),
    tellProgress(parts, changes, say, isOver),
    half(),
  ];
  for (const one of running)
    one.catch(() => {
      isFailed = true;
    });
  const ends = await Promise.allSettled(running);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(parts.map((part) => part.ask("stop")));
  return { changes, seconds, used: usage() };
}

/** @throws where a process ends by itself */
export async function measureWhole(options: WholeOptions, say: (line: string) => void): Promise<WholeFigures> {
  const faults = new Faults();
  say(`starting ${options.gateways} gateways and the ledger ...`);
  const fleet = await Fleet.start(options);
  let isKept = true;
  try {
    const { changes, seconds, used } = await play(fleet, options, faults, say);
    say("the traffic has ended; reconciling ...");
    const figures = new Figures(changes.revoked);
    const closed = await closeBooks(fleet, changes, { faults, spoil: options.spoil, onCall: figures.enter });
    const { denials } = figures;
    const people = changes.revoked.filter(({ kind }) => kind === "sub").length;
    isKept = faults.sentences.length > 0;
    return {
      ...closed,
      ...{ seconds, used, gateways: options.gateways, denied: figures.denied, forged: figures.forged },
      normal: latencyOf(figures.normal),
      allowed: latencyOf(figures.allowed),
      grants: figures.grants.size,
      rotations: changes.version - 1,
      push: latencyOf(changes.pushMs),
      revocations: { grants: changes.revoked.length - people, people },
      lastDenying: latencyOf(denials.map(({ lastDenying }) => lastDenying)),
      applied: latencyOf(denials.map(({ applied }) => applied)),
      untilSigned: latencyOf(denials.map(({ untilSigned }) => untilSigned)),
      recordToLedger: latencyOf(closed.toLedger),
      load: loadavg()[0] ?? 0,
      faults: faults.sentences,
    };
  } catch (error) {
    say(`It ended early: ${messageOf(error)}`);
    throw error;
  } finally {
    await fleet.stop(isKept);
    if (isKept) say(`All files are kept in ${fleet.folder}.`);
  }
}
