/** The standard drill on a fleet of real Envoys with a ledger: green where all is well, and nothing of its scratch gateways stays. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caseNames, cases } from "../../control/drill/cases/index.js";
import type { Report } from "../../control/drill/model.js";
import { glassgate, quickMain, type Ran } from "../cli/run.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";
import { checkpointSize, leafOf, verifies } from "./proofs.js";

const scratch = cases.flatMap(({ name, where }) => (where === "scratch" ? [name] : []));
let fleet: Fleet;
/** Of the drills alone. */
let temporary = "";
let env: Readonly<Record<string, string>> = {};
const drill = (...args: string[]): Promise<Ran> => glassgate(["drill", ...args], { cwd: fleet.folder, env });

beforeAll(async () => {
  fleet = await startFleet({ gateways: 3 });
  temporary = join(fleet.folder, "temporary");
  mkdirSync(temporary);
  env = { GLASSGATE_PASSPHRASE: PASSPHRASE, TMPDIR: temporary };
});
afterAll(() => fleet.stop());

describe("a drill on a fleet where all is well", () => {
  it("init writes a file that runs, and names what it found", async () => {
    const ran = await drill("init");
    expect(ran.stderr).toContain(
      "orders-drill, asked for by drill-rita, approved by drill-adam, drill-anna, on 3 gateways",
    );
    expect(ran).toMatchObject({ code: 0, stdout: "drill.yaml\n" });
  });

  it("the dry run lists each request, asks for no key and sends nothing", async () => {
    const before = readFileSync(join(fleet.folder, "gateway-1", "audit.log"), "utf8");
    const ran = await glassgate(["drill", "run", "drill.yaml", "--dry-run"], { cwd: fleet.folder });
    expect(ran.code).toBe(0);
    for (const gateway of ["gateway-1", "gateway-2", "gateway-3"])
      expect(ran.stdout).toContain(
        `${gateway}  expired: GET api.example.com/drill/orders, a grant that has expired -> expired`,
      );
    // In words, where it is no verdict.
    expect(ran.stdout).toMatch(/ normal-caller: .*, a normal caller -> not refused$/m);
    expect(ran.stdout).not.toMatch(/-> (?:normal|shut|one_reading|unauthenticated|allow|cut)$/m);
    expect(ran.stderr).toContain("Next: glassgate drill run drill.yaml");
    expect(readFileSync(join(fleet.folder, "gateway-1", "audit.log"), "utf8")).toBe(before);
  });

  it("is green, with each case on each gateway, and each record proved", async () => {
    const file = join(fleet.folder, "drill.yaml");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(
        /^# stream: .*$/m,
        'stream: { path: /drill/orders, headers: { x-drip-ms: "100" } }',
      ),
    );
    const ran = await drill("run", "drill.yaml");
    expect(ran.stdout + ran.stderr).toContain(", 0 not, ");
    expect(ran.code, ran.stdout).toBe(0);
    const [folder = ""] = readdirSync(join(fleet.folder, "drills"));
    const report: Report = JSON.parse(readFileSync(join(fleet.folder, "drills", folder, "report.json"), "utf8"));
    const skipped = [
      ...["plain-bearer", "ledger", "former-key", "second-route", "revoked-everywhere", "pushed"],
      ...scratch,
    ];
    for (const name of caseNames.filter((one) => !skipped.includes(one)))
      expect(
        [...new Set(report.assertions.filter((one) => one.case === name).map(({ gateway }) => gateway))],
        name,
      ).toEqual(expect.arrayContaining(["gateway-1", "gateway-2", "gateway-3"]));
    // Where a machine allows nobody a network namespace of his own, that case says so.
    const unplayed = report.notProbed.some(({ why }) => why.startsWith("no network namespace")) ? ["channel-away"] : [];
    for (const name of scratch.filter((one) => !unplayed.includes(one)))
      expect(report.assertions.map((one) => one.case)).toContain(name);
    const [flood] = report.assertions.filter((one) => one.case === "flood");
    expect(flood?.seen).toMatch(/(\d+) sent, \1 answered \(.*\), \d+ recorded and \d+ counted as left out$/);
    await expect.poll(() => readdirSync(temporary), { timeout: 60_000 }).toEqual([]);
    // No judgement: machines differ, and this one may be busy.
    const seconds = (Date.parse(report.ended) - Date.parse(report.began)) / 1000;
    process.stdout.write(`The standard drill on three gateways took ${seconds} s.\n`);
    const proved = report.assertions
      .filter((one) => !scratch.includes(one.case))
      .flatMap(({ calls }) => calls)
      .filter(({ verdict }) => verdict !== undefined);
    expect(proved.length).toBeGreaterThan(100);
    for (const { entry = -1, bytes = "", leaf, proof = [] } of proved) {
      expect(leafOf(bytes)).toBe(leaf);
      expect(verifies(leaf ?? "", entry, proof, report.checkpoint?.text ?? "")).toBe(true);
    }
    expect(checkpointSize(report.checkpoint?.text ?? "")).toBeGreaterThan(proved.length);
    expect(report.measures.map(({ name }) => name)).toEqual([
      "quorum",
      "grant",
      "first_allowed",
      "expired",
      "recorded",
      "alarmed",
      "scratch_revoked",
      "scratch_pushed",
    ]);
    // Each repetition on each gateway.
    for (const { name, samples, slowest } of report.measures) {
      const wanted = name === "scratch_revoked" ? 4 : name === "scratch_pushed" ? 2 : 9;
      if (name !== "recorded") expect(samples.length, name).toBe(wanted);
      const isLocal = wanted < 9 || name === "quorum" || name === "grant";
      if (!isLocal) expect(slowest, name).toMatch(/^gateway-[123]$/);
    }
  });

  it("has a report that verifies offline record by record, and counts as held", async () => {
    const output = join(fleet.folder, "drills");
    const [name = ""] = readdirSync(output);
    const ran = await drill("verify", join(output, name), "--key", "ledger.vkey");
    expect(ran.stdout + ran.stderr).toMatch(
      /drill-rita signed exactly this report.*\d{3} records of its calls are in/s,
    );
    expect(ran.code).toBe(0);
    expect(await drill("due", output)).toMatchObject({ code: 0, stderr: "" });
  });

  it("leaves nothing of its scratch gateways when it is killed", async () => {
    const only = scratch.flatMap((name) => ["--only", name]);
    const child = spawn(process.execPath, [quickMain, "drill", "run", "drill.yaml", ...only], {
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
});
