/** `glassgate drill undo` beside journals that no drill of this user's wrote: what stands in one runs as whoever undoes it. */
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { appendLine } from "../../control/drill/faults/journal.js";
import { type ProcessName, thisProcess } from "../../control/ledger/log/process.js";
import { inside } from "../cli/inside.js";
import { atTerminal, type Ran } from "../cli/run.js";

let folder: string;
let journal: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-undo-"));
  journal = join(folder, "drill.yaml.faults");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const undo = (): Promise<Ran> => inside(["drill", "undo"], { cwd: folder });
const isDone = (): boolean => existsSync(join(folder, "done"));

/** A journal with one fault that is not undone, of a drill that was that process. */
function left(change: Partial<ProcessName> = {}): void {
  const at = new Date().toISOString();
  appendLine(journal, { type: "drill", v: 1, at, process: { ...thisProcess(), started: "1", ...change } });
  const argv = ["sh", "-c", "touch done; echo '\u001b[2J'"];
  const about = { n: 0, at, name: "away\u202e", on: ["gateway-1"], until: at };
  appendLine(journal, { type: "fault", ...about, undo: { kind: "command", argv, cwd: folder } });
}

it("says what it runs of a drill's own journal, and runs it", async () => {
  left();
  const { code, stderr } = await undo();
  expect(stderr).toContain(`Undoing away\\u{202e} on gateway-1: cd ${folder} && sh -c 'touch done; echo `);
  expect(stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect({ code, isDone: isDone() }).toEqual({ code: 0, isDone: true });
  expect(existsSync(journal)).toBe(false);
});

it("names the folder where it found nothing to undo", async () => {
  const { code, stderr } = await undo();
  expect(code).toBe(0);
  expect(stderr).toContain(`There is nothing to undo. In ${folder} is no journal of faults (*.faults)`);
});

it.each([0o644, 0o620, 0o606])("runs nothing of one that others may read or write (%o)", async (mode) => {
  left();
  chmodSync(journal, mode);
  const { code, stderr, stdout } = await undo();
  expect({ code, stdout, isDone: isDone() }).toEqual({ code: 2, stdout: "", isDone: false });
  expect(stderr).toMatch(/No drill of yours has left drill\.yaml\.faults so: .*away.* on gateway-1: cd \S+ && sh -c/s);
});

it("runs nothing of another machine's without a person who has seen it", async () => {
  left({ host: "elsewhere\u001b[2J", boot: "another" });
  const alone = await undo();
  expect(alone).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("needs a person at a terminal") });
  expect(isDone()).toBe(false);
  const options = { cwd: folder, columns: 200 };
  const line = "npx glassgate drill undo";
  const no = await atTerminal(line, [[/stop: $/, "no"]], options);
  expect(no.stdout).toContain("elsewhere\\u{1b}[2J, or in another container: nobody here knows whether it is over");
  expect({ code: no.code, isDone: isDone() }).toEqual({ code: 1, isDone: false });
  const yes = await atTerminal(line, [[/stop: $/, "yes"]], options);
  expect({ code: yes.code, isDone: isDone() }).toEqual({ code: 0, isDone: true });
});
