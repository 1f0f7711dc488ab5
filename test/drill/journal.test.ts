/** The journal of faults and what undoes them: each at its edges, without a drill. */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommand } from "../../control/drill/faults/command.js";
import { appendLine, beginJournal, endJournal, readJournal } from "../../control/drill/faults/journal.js";
import { mend, refuseOpen } from "../../control/drill/faults/mend.js";
import { playFaults } from "../../control/drill/faults/play.js";
import { performUndo, type Undo } from "../../control/drill/faults/undo.js";
import { lateness } from "../../control/drill/faults/watchdog.js";
import { takeLock } from "../../control/gateway/push-lock.js";
import { processOf, thisProcess } from "../../control/ledger/log/process.js";
import { sha256Hex } from "../../control/signer/sign.js";
import { quickMain } from "../cli/run.js";
import { players, prepared } from "./prepared.js";

const commandModule = fileURLToPath(new URL("../../dist/drill/faults/command.js", import.meta.url));
let folder: string;
let journal: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-faults-"));
  journal = join(folder, "drill.yaml.faults");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const self = [process.execPath, "none.mjs"] as const;
const command = (...argv: string[]): Undo => ({ kind: "command", argv, cwd: folder });
function enter(n: number, undo: Undo): void {
  const now = new Date().toISOString();
  appendLine(journal, { type: "fault", n, at: now, name: `fault-${n}`, on: ["gateway-1"], until: now, undo });
}
const mending = () => ({ journal, self, by: "person" as const, say: (line: string) => said.push(line) });
let said: string[] = [];
beforeEach(() => {
  said = [];
});

describe("the journal", () => {
  it("passes over a last line that broke off, also when another comes after it", () => {
    beginJournal(journal);
    enter(0, command("true"));
    appendFileSync(journal, '{"type":"fault","n":1,"at":');
    expect(readJournal(journal).open.map(({ fault }) => fault.n)).toEqual([0]);
    enter(2, command("true"));
    expect(readJournal(journal).open.map(({ fault }) => fault.n)).toEqual([2, 0]);
    endJournal(journal);
    expect(existsSync(journal)).toBe(true);
  });

  it("refuses to guess where a whole line is none of its own", () => {
    beginJournal(journal);
    appendFileSync(journal, '{"type":"done"}\n');
    expect(() => refuseOpen(folder)).toThrow(/:2: is no line of a journal of faults/);
  });

  it("of a drill that runs is left to it", () => {
    beginJournal(journal);
    enter(0, command("true"));
    expect(() => refuseOpen(folder)).toThrow(`A drill makes faults here: process ${process.pid}`);
  });

  it.each(["host", "space"] as const)(
    "of another %s is no reason to wait for ever: what is known is told",
    (member) => {
      const process = { ...thisProcess(), [member]: "another" };
      appendLine(journal, { type: "drill", v: 1, at: new Date().toISOString(), process });
      expect(() => refuseOpen(folder)).toThrow(
        /of which nobody here knows whether it is over. It names no fault; all that it names is undone/,
      );
      enter(0, command("true"));
      const refused = (() => {
        try {
          refuseOpen(folder);
        } catch (error) {
          return error;
        }
        return undefined;
      })();
      expect(refused).toMatchObject({
        message: expect.stringMatching(
          /is of a drill on another machine, .* not undone: fault-0 on gateway-1\. Nothing was sent/,
        ),
        hint: expect.stringContaining(`glassgate drill undo ${journal}`),
      });
    },
  );
  it("of a drill that runs is not begun anew by another that comes to its faults meanwhile, which keeps its report", async () => {
    const other = spawn("sleep", ["600"]);
    appendLine(journal, { type: "drill", v: 1, at: new Date().toISOString(), process: processOf(other.pid ?? 0) });
    enter(0, command("true"));
    const before = readFileSync(journal, "utf8");
    const whole = prepared();
    const own = { ...whole, source: { ...whole.source, name: join(folder, "drill.yaml") } };
    const nothing = (): void => {};
    const never = (): Promise<never> => Promise.reject(new Error("no fault is made"));
    const fault = { name: "away", on: [], expect: "normal", withinMs: 1, does: "", begin: never } as const;
    try {
      const setting = { prepared: own, players: players(), isDry: false, onCall: nothing };
      const played = await playFaults({ setting, faults: [fault], self, onFault: nothing, say: nothing });
      expect(played).toMatchObject({
        plays: [],
        left: ["away"],
        why: expect.stringMatching(/^A drill makes faults here/),
      });
    } finally {
      other.kill();
    }
    expect(readFileSync(journal, "utf8")).toBe(before);
  });

  describe("that cannot be written costs no report: each fault says so", () => {
    const nothing = (): void => {};
    type Planned = Parameters<typeof playFaults>[0]["faults"][number];
    const away = (begin: Planned["begin"]): Planned => ({
      ...{ name: "away", on: [], expect: "normal", withinMs: 1, does: "", begin },
    });
    const never = away(() => Promise.reject(new Error("no fault is made")));
    const played = (by: readonly [string, string], fault: Planned) => {
      const whole = prepared();
      const own = { ...whole, source: { ...whole.source, name: join(folder, "drill.yaml") } };
      const setting = { prepared: own, players: players(), isDry: false, onCall: nothing };
      return playFaults({ setting, faults: [fault], self: by, onFault: nothing, say: nothing });
    };
    const troubleOf = async (...given: Parameters<typeof played>): Promise<string> =>
      (await played(...given)).plays.flatMap(({ trouble }) => trouble).join("\n");

    it("where a folder has its name, or no watchdog starts", async () => {
      expect(await troubleOf(self, never)).toMatch(/The watchdog of the drill does not start/);
      expect(existsSync(journal)).toBe(false);
      mkdirSync(journal);
      expect(await troubleOf(self, never)).toMatch(/drill\.yaml\.faults is no journal of faults/);
    });

    it("where it cannot be written any more while a fault is made", async () => {
      const undo = command("true");
      const begin = async () => {
        rmSync(journal);
        mkdirSync(journal);
        return { undo, act: () => Promise.reject(new Error("it is not made")) };
      };
      const trouble = await troubleOf([process.execPath, quickMain], away(begin));
      expect(trouble).toMatch(/Cannot write the journal of faults/);
      expect(trouble).toMatch(/Whether it is undone is not known: .* `glassgate drill undo \S+` tries again/);
    });
  });

  it("is undone from the last to the first, each once, and what cannot be undone stays with its reason", async () => {
    appendLine(journal, {
      ...{ type: "drill", v: 1, at: new Date().toISOString() },
      process: { ...thisProcess(), started: "1" },
    });
    enter(0, command("sh", "-c", "echo 0 >> order"));
    enter(1, command("sh", "-c", "echo no; exit 3"));
    enter(2, command("sh", "-c", "echo 2 >> order"));
    const [first, second] = await Promise.all([mend(mending()), mend({ ...mending(), by: "watchdog" })]);
    expect(readFileSync(join(folder, "order"), "utf8")).toBe("2\n0\n");
    expect(first.undone.length + second.undone.length).toBe(2);
    expect(said[0]).toMatch(
      /^The fault fault-1 on gateway-1 is NOT undone: exit code 3 of: cd \S+ && sh -c .* It said: no\.$/,
    );
    expect(() => refuseOpen(folder)).toThrow(/fault-1 on gateway-1.*not undone \(exit code 3\)/);
  });
});

describe("a command", () => {
  it("does not outlive a drill that is killed for longer than its own time", async () => {
    const code = `const { runCommand } = await import(process.argv[1]);
    await runCommand({ argv: ["sh", "-c", "sleep 600 & echo $$ > pid; wait"], cwd: process.argv[2] }, undefined, { seconds: 1 });`;
    const drill = spawn(process.execPath, ["--input-type=module", "-e", code, "--", commandModule, folder]);
    const pidOf = (): number => Number(readFileSync(join(folder, "pid"), "utf8"));
    await vi.waitFor(() => expect(pidOf()).toBeGreaterThan(0), { timeout: 30_000 });
    drill.kill("SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(-pidOf(), 0)).toThrow("ESRCH"), { timeout: 20_000 });
  });

  it("does nothing before it is in the journal", async () => {
    const ended = await runCommand({ argv: ["touch", "done"], cwd: folder }, () => {
      throw new Error("the disk is full");
    });
    expect(ended).toMatchObject({ ok: false, how: "the disk is full" });
    await sleep(200); // It would have been made by then; nothing is judged by the time.
    expect(existsSync(join(folder, "done"))).toBe(false);
  });

  it("gets its arguments as they are, says not too much, and has its time", async () => {
    const argv = ["sh", "-c", 'yes "$1" | head -c 100000; exit 4', "sh", "a;b $(c)"];
    const ended = await runCommand({ argv, cwd: folder });
    expect(ended).toMatchObject({ ok: false, how: "exit code 4" });
    expect(ended.output).toContain("a;b $(c)");
    expect(ended.output.length).toBeLessThan(3000);
    expect(await runCommand({ argv: ["sleep", "600"], cwd: folder }, undefined, { seconds: 0.2 })).toMatchObject({
      ok: false,
      how: "no end within 0.2 s",
    });
    expect(await runCommand({ argv: ["no-such-command"], cwd: folder })).toMatchObject({ how: "exit code 127" });
  });

  it.skipIf(!existsSync("/proc/thread-self/children"))(
    "has no child that it has not made: some wait for the end of each",
    async () => {
      const children = await runCommand({ argv: ["cat", "/proc/thread-self/children"], cwd: folder });
      expect(children).toEqual({ ok: true, how: "exit code 0", output: "" });
    },
  );

  it("that still makes the fault is ended before the fault is undone", async () => {
    beginJournal(journal);
    enter(0, command("sh", "-c", "kill -0 $(cat pid) 2>/dev/null && cp pid alive; true"));
    const ended = runCommand({ argv: ["sh", "-c", "echo $$ > pid; sleep 600"], cwd: folder }, (pid) =>
      appendLine(journal, { type: "doing", n: 0, process: processOf(pid) }),
    );
    await vi.waitFor(() => expect(existsSync(join(folder, "pid"))).toBe(true), { timeout: 30_000 });
    expect((await mend(mending())).left).toEqual([]);
    expect(await ended).toMatchObject({ ok: false, how: "ended by SIGKILL" });
  });
});

it.each([
  ["an empty file of another name", "notes.txt", ""],
  ["a file of another kind", "drill.yaml.faults", "fault: none\n"],
  ["a journal without its beginning", "drill.yaml.faults", '{"type":"doing","n":0,"process":null}\n'],
])("takes %s for no journal, and leaves it", (_, name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  for (const use of [readJournal, endJournal]) expect(() => use(path)).toThrow(/no (?:line of a )?journal of faults/);
  expect(readFileSync(path, "utf8")).toBe(text);
  expect(() => endJournal("/dev/zero")).toThrow(/no journal of faults/);
});

it("a fault is past its time also where the clock is set back while it holds", async () => {
  const at = Date.now() + 3_600_000; // As if the clock had been an hour ahead when it was made.
  const fault = { n: 0, at: new Date(at).toISOString(), until: new Date(at + 50).toISOString() };
  const isPast = lateness();
  expect(isPast(fault)).toBe(false);
  await vi.waitFor(() => expect(isPast(fault)).toBe(true), { timeout: 30_000 });
  const now = new Date().toISOString();
  expect(isPast({ n: 1, at: now, until: "2020-01-01T00:00:00Z" })).toBe(true);
});

describe("a file that was damaged", () => {
  it.each([
    ["is put back", "half", "whole"],
    ["stays as it is where it was put back", "whole", "whole"],
    ["stays another's who has written since", "newer", "newer"],
  ])("%s", async (_, now, then) => {
    const path = join(folder, "ecds.json");
    writeFileSync(path, now);
    const undo: Undo = { kind: "restore", path, damaged: sha256Hex("half"), text: "whole" };
    expect(await performUndo(undo, self)).toMatchObject({ ok: true });
    expect(readFileSync(path, "utf8")).toBe(then);
  });
});

it("a file that a push is writing is put back after it, or left to it", async () => {
  const path = join(folder, "ecds.json");
  writeFileSync(path, "half");
  const release = await takeLock(path);
  const undone = performUndo({ kind: "restore", path, damaged: sha256Hex("half"), text: "whole" }, self);
  await sleep(100); // It looks only then; nothing is judged by the time.
  writeFileSync(path, "newer");
  release();
  expect(await undone).toMatchObject({ ok: true, how: "somebody has written another since" });
  expect(readFileSync(path, "utf8")).toBe("newer");
});

it("a process that has ended, or whose number another has, is left alone", async () => {
  const other = { ...processOf(process.pid), started: "1" };
  expect(await performUndo({ kind: "continue", process: other, what: "it" }, self)).toEqual({
    ...{ ok: true, how: "it has ended since", output: "" },
  });
});
