/** A command of the drill file ends with the drill, by whatever that is ended: nothing of it goes on behind the person's back. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { isSurelyGone, processOf } from "../../control/ledger/log/process.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-guarded-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dist = (path: string): string => new URL(`../../dist/${path}`, import.meta.url).href;
/** As the command line runs it. */
const script = (): string => `
  import { stopOnSignals } from ${JSON.stringify(dist("cli/ending.js"))};
  import { runGuarded } from ${JSON.stringify(dist("drill/commands/guarded.js"))};
  stopOnSignals([]);
  const argv = ["sh", "-c", "sleep 600 & echo $! > child; echo $$ > whole; mv whole pid; wait"];
  await runGuarded({ argv, cwd: ${JSON.stringify(folder)} }, (line) => process.stderr.write(line + "\\n"));
`;

it.each<[NodeJS.Signals, number | null]>([
  ["SIGINT", 130],
  ["SIGTERM", 130],
  ["SIGKILL", null],
])("%s", async (signal, code) => {
  const drill = spawn(process.execPath, ["--input-type=module", "-e", script()], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  drill.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<number | null>((settle) => drill.once("exit", settle));
  await vi.waitFor(() => expect(existsSync(join(folder, "pid")), said).toBe(true), { timeout: 60_000 });
  const running = ["pid", "child"].map((name) => processOf(Number(readFileSync(join(folder, name), "utf8"))));
  expect(running.map(isSurelyGone)).toEqual([false, false]);
  drill.kill(signal);
  expect(await ended).toBe(code);
  await vi.waitFor(() => expect(running.map((one) => isSurelyGone(one))).toEqual([true, true]), { timeout: 60_000 });
  if (code !== null)
    expect(said).toMatch(
      /^Stopping: ended in the middle, so see what it has done: cd \S+ && sh -c .*\nerror: Stopped\./,
    );
});
