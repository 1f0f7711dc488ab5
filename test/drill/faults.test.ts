/** Faults of commands that the drill file names, on real Envoys: judged, counted from outside, and undone whatever becomes of the drill. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { findKeyFile, readTrusted } from "../../control/cli/context.js";
import { planFaults } from "../../control/drill/faults/plan.js";
import { readDrill } from "../../control/drill/file.js";
import type { Report } from "../../control/drill/model.js";
import { prepare } from "../../control/drill/prepare.js";
import { sha256Hex } from "../../control/signer/sign.js";
import type { Ran } from "../cli/run.js";
import { tryCommands } from "./faults-commands.js";
import { type FaultsFleet, startFaultsFleet } from "./faults-fleet.js";
import type { Fleet } from "./fleet.js";

let whole: FaultsFleet;
let fleet: Fleet;
let good: string;
const at = (...path: string[]): string => join(fleet.folder, ...path);
const drill = (...args: string[]): Promise<Ran> => whole.glassgate("drill", ...args);

/** As proc(5) has it: T is stopped. */
const isFrozen = (): boolean => / T /.test(readFileSync(`/proc/${fleet.pids[0]}/stat`, "utf8"));
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 120_000; !isSo(); await sleep(50))
    if (Date.now() > deadline) throw new Error(`not within two minutes: ${what}`);
}

beforeAll(async () => {
  whole = await startFaultsFleet();
  fleet = whole.fleet;
  if (!whole.hasDisks) process.stderr.write("Not tried: full disks: there is no user namespace (unshare -Urm).\n");
  if (!whole.hasClock) process.stderr.write("Not tried: a clock that is off: there is no C compiler.\n");
  expect(await drill("init")).toMatchObject({ code: 0 });
  const { services } = whole;
  good = whole.withLedger(readFileSync(at("drill.yaml"), "utf8"));
  await vi.waitFor(() => expect(existsSync(join(services, "receipts.sock"))).toBe(true), { timeout: 60_000 });
  const [pid] = fleet.pids;
  writeFileSync(at("freeze.sh"), `kill -STOP ${pid}\n`);
  writeFileSync(at("thaw.sh"), `test ! -e broken || { echo "no \u001b[31mway" >&2; exit 7; }\nkill -CONT ${pid}\n`);
});
afterAll(() => whole?.stop());
afterEach(() => {
  process.kill(fleet.pids[0] ?? 0, "SIGCONT");
});

const fault = (more: string, name = "frozen"): string =>
  `{ name: ${name}, do: [sh, freeze.sh], undo: [sh, thaw.sh], gateways: [gateway-1], ${more} }`;
function write(...faults: string[]): void {
  writeFileSync(at("drill.yaml"), `${good}\nfaults:\n${faults.map((one) => `  - ${one}\n`).join("")}`);
}
function lastReport(): Report {
  const last = readdirSync(at("drills")).toSorted().at(-1) ?? "";
  return JSON.parse(readFileSync(at("drills", last, "report.json"), "utf8"));
}

describe("a fault", () => {
  it("that a gateway stands still in: nothing opens there, all goes on elsewhere, nothing is lost, and it opens again", async () => {
    write(fault("expect: denied"));
    const dry = await drill("run", "drill.yaml", "--dry-run", "--only", "frozen");
    expect(dry.stdout).toContain("sh freeze.sh");
    expect(dry.stdout).toMatch(/undone by: cd \S+ && sh thaw\.sh/);
    const ran = await drill("run", "drill.yaml", "--only", "frozen");
    const [seen] = lastReport().faults;
    expect(ran.code, `${seen?.finding}\n${ran.stderr}`).toBe(0);
    expect(seen).toMatchObject({
      ...{ name: "frozen", ok: true, gateways: ["gateway-1"] },
      does: expect.stringMatching(/^cd \S+ && sh freeze\.sh$/),
      undo: expect.stringMatching(/^cd \S+ && sh thaw\.sh$/),
    });
    expect(ran.stdout).toMatch(/^ok {4}frozen .*made by: cd \S+ && sh freeze\.sh; undone by: cd \S+ && sh thaw\.sh$/m);
    expect(lastReport().drillFile).toBe(sha256Hex(readFileSync(at("drill.yaml"), "utf8")));
    const [, judged, recorded, entered] =
      /of (\d+) that the filter judged (\d+) on record, (\d+) entered/.exec(seen?.seen ?? "") ?? [];
    expect(Number(judged)).toBeGreaterThan(10);
    expect([recorded, entered]).toEqual([judged, judged]);
    expect(seen?.calls?.every(({ proof }) => proof !== undefined)).toBe(true);
    expect(existsSync(at("drill.yaml.faults"))).toBe(false);
    expect(isFrozen()).toBe(false);
  });

  it("that does not hold what is expected, cannot be made, or cannot be undone, is a finding", async () => {
    write(
      fault("expect: allowed, within: 1", "not-held"),
      "{ name: not-made, do: [sh, gone.sh], undo: [sh, thaw.sh], expect: allowed }",
      "{ name: harmless, do: ['true'], undo: [sh, -c, 'touch broken; sh thaw.sh'], expect: allowed }",
      "{ name: not-tried, do: ['true'], undo: ['true'], expect: allowed }",
    );
    const names = ["not-held", "not-made", "harmless", "not-tried"].flatMap((name) => ["--only", name]);
    const ran = await drill("run", "drill.yaml", ...names);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/harmless on gateway-1, gateway-2 is NOT undone: exit code 7 of: cd \S+ && sh -c /);
    expect(ran.stderr).toContain("It said: no \\u{1b}[31mway");
    const report = lastReport();
    const [held, made, harmless] = report.faults;
    expect(held?.finding).toMatch(/While it held: gateway-1 /);
    expect(made?.finding).toMatch(/could not be made: exit code \d+ of: cd \S+ && sh gone\.sh/);
    expect(harmless?.finding).toMatch(/NOT undone: exit code 7/);
    expect(report.faults).toHaveLength(3);
    expect(report.notProbed).toContainEqual({
      what: "the fault not-tried",
      why: "a fault before it could not be undone",
    });
    rmSync(at("broken"));
    // Its watchdog goes on trying: whoever comes first.
    writeFileSync(at("drill.yaml.faults"), readFileSync(at("drill.yaml.faults"), "utf8").replace("touch broken; ", ""));
    expect(await drill("undo")).toMatchObject({ code: 0 });
    expect(existsSync(at("drill.yaml.faults"))).toBe(false);
  });
});

/** As the command plans them. */
async function planned(isChosen: (name: string) => boolean = () => true): ReturnType<typeof planFaults> {
  const source = readDrill(at("drill.yaml"));
  const trusted = await readTrusted({ anchors: at("anchors.json"), bundle: at("bundle.jws") });
  const kidOf = (name: string): string => findKeyFile(at("keys"), name).public.kid;
  return planFaults(prepare(source, { bundle: trusted.claims, kidOf }), isChosen);
}

describe("refused before anything is sent, with its line", () => {
  const own = "name: own, do: [sh, freeze.sh], undo: [sh, thaw.sh], expect: denied";
  const gone = "{ name: own, do: ['true'], undo: [./gone.sh], expect: denied }";
  it.each<[string, string, RegExp]>([
    ["an undo that is not there", gone, /no command \.\/gone\.sh/],
    ["a gateway of nobody", `{ ${own}, gateways: [gateway-9] }`, /gateway-9 is no gateway of this file/],
    ["a name that is taken", `{ ${own.replace("own", "ledger-down")} }`, /a fault that glassgate makes by itself/],
    ["an unknown member", `{ ${own}, wihtin: 3 }`, /within/],
    ["a fault that is none", "gateway-restartet", /did you mean gateway-restarted\?/],
  ])("%s", async (_, line, says) => {
    write(line);
    const error = await planned().catch((thrown: unknown) => thrown);
    if (!(error instanceof UserError)) throw new Error("it was not refused");
    expect(error.message).toMatch(says);
    expect(error.message).toMatch(/drill\.yaml:\d+:\d+: /);
    expect(error.exitCode).toBe(2);
  });

  it("by the command as well", async () => {
    write(gone);
    const ran = await drill("run", "drill.yaml", "--dry-run");
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr.replaceAll(/\s+/g, " ")).toMatch(/drill\.yaml:\d+:\d+: .*no command \.\/gone\.sh/);
  });

  it("and what cannot be made here is not probed", async () => {
    write("gateway-restarted", "upstream-silent", "ledger-down");
    writeFileSync(at("drill.yaml"), readFileSync(at("drill.yaml"), "utf8").replace(/^ledger: .*$/m, ""));
    const { faults, notProbed } = await planned((name) => name !== "upstream-silent");
    expect(faults).toEqual([]);
    expect(notProbed.map(({ what, why }) => `${what}: ${why}`)).toEqual([
      "the fault gateway-restarted on gateway-1: `gateway run` did not start it here",
      "the fault gateway-restarted on gateway-2: `gateway run` did not start it here",
      "the fault ledger-down: the drill file names no ledger's folder on this machine",
    ]);
  });
});

/** Ends what a test that failed has left. */
let leave = (): void => {};
afterEach(() => leave());

/** A drill that holds its fault until it is killed. */
async function held(): Promise<{ pid: number; watchdog: number; ended: Promise<unknown>; said: () => string }> {
  write(fault("expect: allowed, within: 10m"));
  const [program, ...argv] = whole.command("drill", "run", "drill.yaml", "--only", "frozen");
  const child = spawn(program, argv, {
    env: { ...process.env, ...whole.env },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise((settle) => child.once("close", settle));
  leave = () => void child.kill("SIGKILL");
  await until("the gateway stands still", isFrozen);
  const watchdog = readdirSync("/proc").find((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes("watch") && words.includes(at("drill.yaml.faults"));
  });
  return { pid: child.pid ?? 0, watchdog: Number(watchdog), ended, said: () => stderr };
}

describe("a drill that is killed in the middle of a fault", () => {
  it("is undone by its watchdog, and the next one says so and runs", async () => {
    const { pid, ended } = await held();
    process.kill(-pid, "SIGKILL");
    await ended;
    await until("the gateway goes on", () => !isFrozen());
    await until("the journal says so", () => readFileSync(at("drill.yaml.faults"), "utf8").includes('"by":"watchdog"'));
    write(fault("expect: denied"));
    const ran = await drill("run", "drill.yaml", "--only", "expired");
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(
      /The last drill was ended in the middle of frozen on gateway-1; its watchdog undid that at /,
    );
  });

  it("by Ctrl-C undoes it itself, and says so", async () => {
    const { pid, ended, said } = await held();
    process.kill(pid, "SIGINT");
    expect(await ended).toBe(130);
    expect(said()).toContain("The fault frozen on gateway-1 is undone.");
    expect(isFrozen()).toBe(false);
    expect(existsSync(at("drill.yaml.faults"))).toBe(false);
  });

  it("or stands still past its time is undone by its watchdog, and says so when it goes on", async () => {
    const { pid, ended } = await held();
    process.kill(pid, "SIGSTOP");
    const journal = at("drill.yaml.faults");
    const past = readFileSync(journal, "utf8").replace(/"until":"[^"]+"/, `"until":"${new Date(0).toISOString()}"`);
    writeFileSync(`${journal}.new`, past);
    renameSync(`${journal}.new`, journal);
    await until("the gateway goes on", () => !isFrozen());
    await until("the journal says so", () => readFileSync(journal, "utf8").includes('"by":"watchdog"'));
    process.kill(pid, "SIGCONT");
    expect(await ended).toBe(1);
    expect(lastReport().faults[0]?.finding).toMatch(/Its watchdog undid it at \S+: the drill stood still/);
    expect(existsSync(journal)).toBe(false);
  });

  it("with its watchdog: the next one refuses, and names the fault and the command; `drill undo` mends it", async () => {
    const { pid, watchdog, ended } = await held();
    process.kill(watchdog, "SIGKILL");
    process.kill(-pid, "SIGKILL");
    await ended;
    const refused = await drill("run", "drill.yaml");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/has left a fault, frozen on gateway-1, .*drill\.yaml\.faults says .* not undone/s);
    expect(refused.stderr).toMatch(/glassgate drill undo \S+ .*cd \S+ && sh thaw\.sh/s);
    expect(isFrozen()).toBe(true);
    writeFileSync(at("broken"), "");
    const failed = await drill("undo");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/NOT undone: exit code 7 of: cd \S+ && sh thaw\.sh/);
    rmSync(at("broken"));
    const undone = await drill("undo", "drill.yaml.faults");
    expect(undone.stderr).toContain("Undone: frozen on gateway-1, since ");
    expect(undone.code).toBe(0);
    expect(isFrozen()).toBe(false);
    expect((await drill("undo")).stderr).toContain("There is nothing to undo.");
  });
});

// `npm run test:weaknesses` tries all that are another than they say.
tryCommands(
  () => whole,
  () => good,
  { isPage: true, lies: ["opens"] },
);
