/**
 * What a rotation, its writer and a crash do between any two file operations of the follower: in the end each line that stands in any of
 * the files was handed in. The file operations are the real ones; only their turn is chosen here.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Tail } from "../../control/ledger/follow/tail.js";

const turns = vi.hoisted(() => ({ before: (): void => {}, opened: [] as { close(): Promise<void> }[] }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return {
    ...real,
    readdir: (path: string) => {
      turns.before();
      return real.readdir(path);
    },
    open: async (path: string, flags: number) => {
      turns.before();
      const handle = await real.open(path, flags);
      turns.opened.push(handle);
      for (const name of ["stat", "read"] as const) {
        const own = handle[name].bind(handle) as (...args: unknown[]) => unknown;
        Object.defineProperty(handle, name, {
          value: (...args: unknown[]) => {
            turns.before();
            return own(...args);
          },
        });
      }
      return handle;
    },
  };
});

class Crash extends Error {}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-turns-"));
});
afterEach(() => {
  turns.before = () => {};
  rmSync(folder, { recursive: true, force: true });
});

/** What writes to the log and rotates it. */
class Logs {
  private readonly logs: string;
  private readonly file: string;
  private readonly state: string;
  private seq = 0;
  private time = Date.now() / 1000;

  /** @param tick of the file system's clock, from one step to the next */
  constructor(
    name: string,
    private readonly tick: number,
  ) {
    this.logs = join(folder, name);
    this.file = join(this.logs, "audit.log");
    this.state = join(folder, `${name}.json`);
    mkdirSync(this.logs);
  }

  /** @param lingerMs how long the writer may go on with a file that was renamed */
  tail(told: string[], lingerMs: number): Tail {
    const log = { path: this.file, format: "plain" as const, mixed: false };
    return new Tail({ log, positionFile: this.state, say: (sentence) => told.push(sentence), lingerMs });
  }

  do(step: string): void {
    this.time += this.tick;
    const { file } = this;
    const first = `${file}.1`;
    switch (step) {
      case "write":
        this.write(1);
        break;
      case "much":
        this.write(30);
        break;
      case "old": // By a writer that does not know of the renaming yet.
        this.write(1, existsSync(first) ? first : file);
        break;
      case "shift":
        for (const i of [3, 2, 1]) if (existsSync(`${file}.${i}`)) renameSync(`${file}.${i}`, `${file}.${i + 1}`);
        break;
      case "copy":
        copyFileSync(file, first);
        this.touch(first);
        break;
      case "half":
        writeFileSync(first, readFileSync(file).subarray(0, 70));
        this.touch(first);
        break;
      case "rest":
        appendFileSync(first, readFileSync(file).subarray(70));
        this.touch(first);
        break;
      case "cut":
        truncateSync(file, 0);
        this.touch(file);
        break;
      case "rename":
        renameSync(file, first);
        break;
      case "new":
        writeFileSync(file, "");
        this.touch(file);
        break;
      default:
        throw new Error(step);
    }
  }

  /** Of all files there are. */
  lines(): string[] {
    const texts = readdirSync(this.logs).map((name) => readFileSync(join(this.logs, name), "latin1"));
    return texts.flatMap((text) => text.split("\n")).filter((line) => line !== "");
  }

  private write(lines: number, file = this.file): void {
    for (let i = 0; i < lines; i++)
      appendFileSync(file, `{"v":1,"vm":"gateway-1/1/3","seq":${this.seq++},"path":"/"}\n`);
    this.touch(file);
  }

  private touch(file: string): void {
    utimesSync(file, this.time, this.time);
  }
}

/** At the so-manieth operation, counted from the first: a step of the writer's, or the end of the follower's process. */
type Turns = ReadonlyMap<number, readonly string[]>;

/** @returns the lines that are in a file and were not handed in, and how many operations there were */
async function run(
  logs: Logs,
  before: readonly string[],
  at: Turns,
): Promise<{ missing: string[]; operations: number }> {
  const handed = new Set<string>();
  const told: string[] = [];
  let operations = 0;
  for (const step of before) logs.do(step);
  turns.before = () => {
    const steps = at.get(operations++) ?? [];
    let isKilled = false;
    for (const step of steps)
      if (step === "kill") isKilled = true;
      else logs.do(step);
    if (isKilled) throw new Crash();
  };
  const last = Math.max(...at.keys());
  const lingerMs = [...at.values()].flat().includes("old") ? 60_000 : 0;
  let tail = logs.tail(told, lingerMs);
  const rounds = async (): Promise<void> => {
    for (let quiet = 0, count = 0; quiet < 3 || operations <= last; count++) {
      if (count > 1000) throw new Error(`it comes to no end: ${JSON.stringify([...at])} ${told.join()}`);
      try {
        const lines = await tail.next();
        for (const line of lines) handed.add(line.toString("latin1"));
        turns.before(); // Handed in, and the position not yet moved.
        tail.taken();
        quiet = lines.length === 0 && !tail.isBehind ? quiet + 1 : 0;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        tail = logs.tail(told, lingerMs);
      }
    }
  };
  await rounds();
  const all = operations;
  logs.do("write"); // What a clock that stands still hid is seen now.
  await rounds();
  turns.before = () => {};
  for (const handle of turns.opened.splice(0)) await handle.close();
  return { missing: logs.lines().filter((line) => !handed.has(line)), operations: all };
}

const COPY = ["write", "copy", "cut"];
const SCRIPTS: readonly (readonly string[])[] = [
  [...COPY, "write"],
  [...COPY, "much"],
  [...COPY],
  ["write", "half", "rest", "cut", "much"],
  ["write", "copy", "write", "cut", "write"],
  [...COPY, "write", "shift", ...COPY, "write"],
  [...COPY, "much", "shift", "rename", "new", "write"],
  ["rename", "old", "new", "write", "old"],
  ["write", "rename", "new", "write", "shift", "rename", "new", "write"],
  ["rename", "new", "write", "shift", ...COPY, "write", "shift"],
];
const BEGINNINGS: readonly (readonly string[])[] = [["new"], ["new", "write"], ["new", "much"]];

async function judge(name: string, tick: number, before: readonly string[], at: Turns): Promise<number> {
  const { missing, operations } = await run(new Logs(name, tick), before, at);
  expect(missing, JSON.stringify({ tick, before, at: [...at] })).toEqual([]);
  rmSync(join(folder, name), { recursive: true });
  return operations;
}

it("a whole rotation before any operation, also just after a crash", async () => {
  let count = 0;
  for (const script of SCRIPTS.slice(0, 1))
    for (const before of BEGINNINGS)
      for (const kills of ["none", "before"])
        for (let turn = 0; turn < 16; turn++) {
          const kill = ["kill"];
          const steps = kills === "before" ? [[...kill], script] : [script, []];
          const at = new Map([
            [turn, steps[0] ?? []],
            [turn + 5, steps[1] ?? []],
          ]);
          await judge(String(count), count++ % 2 === 0 ? 0.01 : 0, before, at);
        }
});

/** The same numbers each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    yield x / 2 ** 32;
  }
}

it("each step of a rotation at a turn of its own, with crashes", async () => {
  const random = numbers(7);
  const below = (bound: number): number => Math.floor(random.next().value * bound);
  for (let i = 0; i < 50; i++) {
    const at = new Map<number, string[]>();
    let turn = below(20);
    for (const step of SCRIPTS[below(SCRIPTS.length)] ?? []) {
      at.set(turn, [...(at.get(turn) ?? []), step]);
      if (below(2) === 0) turn += below(8);
    }
    for (let kills = below(3); kills > 0; kills--) {
      const when = below(turn + 6);
      at.set(when, [...(at.get(when) ?? []), "kill"]);
    }
    await judge(`random-${i}`, below(3) === 0 ? 0 : 0.01, BEGINNINGS[below(BEGINNINGS.length)] ?? [], at);
  }
});
