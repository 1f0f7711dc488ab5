/** The scratch gateway: what needs root keys, or a flood, is found there, and nothing of it stays. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cases } from "../../control/drill/cases/index.js";
import type { Report } from "../../control/drill/model.js";
import { glassgate } from "../cli/run.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";

const names = cases.flatMap(({ name, where }) => (where === "scratch" ? [name] : []));
const only = names.flatMap((name) => ["--only", name]);

let fleet: Fleet;
let temporary = "";
let env: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  fleet = await startFleet({ gateways: 1 });
  temporary = join(fleet.folder, "temporary");
  mkdirSync(temporary);
  env = { GLASSGATE_PASSPHRASE: PASSPHRASE, TMPDIR: temporary };
  expect(await glassgate(["drill", "init"], { cwd: fleet.folder, env })).toMatchObject({ code: 0 });
});
afterAll(() => fleet?.stop());

it("finds an honest build honest, and leaves nothing", async () => {
  const ran = await glassgate(["drill", "run", "drill.yaml", "--json", ...only], { cwd: fleet.folder, env });
  const report: Report = JSON.parse(ran.stdout);
  expect(report.assertions.flatMap(({ finding }) => finding ?? [])).toEqual([]);
  expect([...new Set(report.assertions.map((one) => one.case))]).toEqual(names);
  expect(report.notProbed.map(({ what }) => what)).toEqual(["all other cases"]);
  expect(ran.code, ran.stderr).toBe(0);
  await expect.poll(() => readdirSync(temporary), { timeout: 60_000 }).toEqual([]);
});

it("leaves nothing when the drill is killed", async () => {
  const main = join(import.meta.dirname, "../../dist/cli/main.js");
  const child = spawn(process.execPath, [main, "drill", "run", "drill.yaml", ...only], {
    cwd: fleet.folder,
    env: { ...process.env, ...env },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const isRunning = (): boolean =>
    readdirSync(temporary).some((one) => existsSync(join(temporary, one, "admin-address")));
  for (const deadline = Date.now() + 120_000; Date.now() < deadline && !isRunning(); ) await sleep(20);
  expect(isRunning()).toBe(true);
  child.kill("SIGKILL");
  await ended;
  await expect.poll(() => readdirSync(temporary), { timeout: 60_000 }).toEqual([]);
});
