/** A process beside the drill, in a session of its own, that undoes what the journal names when the drill has died or is past its time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../base/errors.js";
import { childEnvironment } from "../../gateway/environment.js";
import { type FaultLine, readJournal } from "./journal.js";
import { mend } from "./mend.js";
import type { Self } from "./undo.js";

const READY = "watching\n";
const START_MS = 60_000;
const LOOK_MS = 1000;
/** A gateway that was killed with the drill may need a moment before it can be started again. */
const TRIES = 5;
const PAUSE_MS = 3000;

export interface Watchdog {
  readonly pid: number;
  isAlive(): boolean;
  /** The drill is done: it looks once more, and ends. @param isLeft it has something to try again: nobody waits for that */
  end(isLeft: boolean): Promise<void>;
}

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** Its standard input ends when we do, whatever ended us: that is how it knows. */
export async function startWatchdog([program, script]: Self, journal: string): Promise<Watchdog> {
  const child = spawn(program, [script, "drill", "watch", journal], {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
    env: childEnvironment(),
  });
  child.stdin.on("error", () => {}); // It has died: `isAlive` says so.
  const isReady = await Promise.race([
    once(child.stdout, "data").then(([chunk]) => String(chunk) === READY),
    once(child, "exit").then(() => false),
    once(child, "error").then(() => false),
    sleep(START_MS, false, { ref: false }),
  ]);
  child.stdout.destroy();
  if (!isReady || child.pid === undefined) {
    child.kill("SIGKILL");
    throw new UserError("The watchdog of the drill does not start: no fault is made without it.", {
      hint: "Is memory or are processes short here?",
      exitCode: 1,
    });
  }
  return {
    pid: child.pid,
    isAlive: () => isAlive(child),
    end: async (isLeft) => {
      child.stdin.end();
      if (isLeft) child.unref();
      else if (isAlive(child)) await once(child, "exit");
    },
  };
}

/** Whether a fault is past its time: by the clock, and, where that was set back meanwhile, by the time since it was first seen. */
export function lateness(): (fault: Pick<FaultLine, "n" | "at" | "until">) => boolean {
  const ends = new Map<number, number>();
  return ({ n, at, until }) => {
    const end = ends.get(n) ?? performance.now() + Date.parse(until) - Date.parse(at);
    ends.set(n, end);
    return Date.now() > Date.parse(until) || performance.now() > end;
  };
}

/** In that process. */
export async function watch(journal: string, self: Self): Promise<void> {
  let isOver = false;
  const ended = new Promise<void>((settle) => {
    process.stdin
      .once("close", settle)
      .once("end", settle)
      .once("error", () => settle());
  });
  void ended.then(() => {
    isOver = true;
  });
  process.stdin.resume();
  process.stdout.on("error", () => {}); // Nobody reads any more.
  process.stdout.write(READY);
  const say = (): void => {}; // The journal has it.
  const mending = { journal, self, by: "watchdog" as const, say };
  const isPast = lateness();
  while (!isOver) {
    await Promise.race([ended, sleep(LOOK_MS)]);
    if (!existsSync(journal)) continue;
    const isLate = readJournal(journal).open.some(({ fault }) => isPast(fault));
    if (!isOver && isLate) await mend({ ...mending, only: ({ fault }) => isPast(fault) });
  }
  for (let tries = 1; existsSync(journal) && tries <= TRIES; tries++) {
    if ((await mend(mending)).left.length === 0) return;
    await sleep(PAUSE_MS);
  }
}
