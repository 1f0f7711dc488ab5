/** How a gateway that a fault stops was started: as whom, with which environment, and that nobody is shown what stands there. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { appendLine } from "../../control/drill/faults/journal.js";
import { restartable } from "../../control/drill/faults/started.js";
import { performUndo, shownUndo, type Undo } from "../../control/drill/faults/undo.js";
import { processOf } from "../../control/ledger/log/process.js";

let folder: string;
let config: string;
let running: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-started-"));
  config = join(folder, "gateway.yaml");
  mkdirSync(join(folder, "logs"));
});
afterEach(() => {
  running?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** What looks like `gateway run --background`. */
async function start(env: Record<string, string>, uid?: number): Promise<void> {
  const log = openSync(join(folder, "logs", "gateway.log"), "a");
  const args = ["-e", "setInterval(() => {}, 1000)", "gateway", "run", "gateway.yaml", "--demo-upstream"];
  running = spawn(process.execPath, args, {
    ...{ cwd: folder, env, stdio: ["ignore", log, log, "ipc"] },
    ...(uid === undefined ? {} : { uid, cwd: "/" }),
  });
  writeFileSync(`${config}.pid`, `${running.pid}\n`);
  await vi.waitFor(() => expect(readFileSync(`/proc/${running?.pid}/cmdline`, "utf8")).toContain("gateway"));
}

const own = { FOO: "own", ENVOY_BIN: "/own/envoy", PATH: "/usr/bin:/bin", EMPTY: "", TOKEN: "a=b\nsecret" };
function undoOf(env: Readonly<Record<string, string>>): Undo & { kind: "start" } {
  const was = { ...processOf(process.pid), started: "1" };
  return { kind: "start", config: join(folder, "other.yaml"), args: ["gateway", "run"], cwd: folder, env, was };
}

it("has all of its environment, less the passphrase, and less the channel to whoever started it", async () => {
  await start({ ...own, GLASSGATE_PASSPHRASE: "correct horse" });
  expect(restartable(config)).toMatchObject({
    cwd: folder,
    args: ["gateway", "run", "gateway.yaml", "--demo-upstream", "--background"],
  });
  expect(restartable(config).env).toEqual(own);
});

it.skipIf(process.getuid?.() !== 0)("is left alone where it is another user's", async () => {
  await start(own, 65534);
  expect(() => restartable(config)).toThrow("it runs as another user or with other groups than this drill");
});

it("gets its own environment back, and nothing of the drill's", async () => {
  const script = join(folder, "self.mjs");
  writeFileSync(
    script,
    `import { writeFileSync } from "node:fs";\nwriteFileSync("env", JSON.stringify(process.env));\n`,
  );
  vi.stubEnv("OF_THE_DRILL", "secret");
  const ended = await performUndo(undoOf(own), [process.execPath, script]);
  vi.unstubAllEnvs();
  expect(ended).toMatchObject({ ok: true });
  const got = JSON.parse(readFileSync(join(folder, "env"), "utf8"));
  expect(got).toMatchObject(own);
  expect(got).not.toHaveProperty("OF_THE_DRILL");
});

it("stands in a journal for nobody else to read, and nobody is shown it", () => {
  const journal = join(folder, "drill.yaml.faults");
  const undo = undoOf(own);
  const before = process.umask(0);
  const at = new Date().toISOString();
  appendLine(journal, { type: "fault", n: 0, at, name: "gateway-restarted", on: [], until: at, undo });
  process.umask(before);
  expect(statSync(journal).mode & 0o777).toBe(0o600);
  expect(readFileSync(journal, "utf8")).toContain("secret");
  expect(shownUndo(undo, journal)).toBe(`cd ${folder} && env ENVOY_BIN=/own/envoy glassgate gateway run`);
});
