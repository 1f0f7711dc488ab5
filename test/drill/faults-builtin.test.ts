/** The faults that need no command of the user's, on a gateway of `gateway run --background` with a ledger beside it. */
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { faultNames } from "../../control/drill/faults/names.js";
import type { Report } from "../../control/drill/model.js";
import { findEnvoy } from "../../control/gateway/find.js";
import { freePort, glassgate, type Ran } from "../cli/run.js";
import { command, newLedgerFolder, type Running } from "../ledger/whole.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";

let fleet: Fleet;
let ledger: Running;
const at = (...path: string[]): string => join(fleet.folder, ...path);
const run = (...args: string[]): Promise<Ran> => runWith({}, ...args);
const runWith = (env: Record<string, string>, ...args: string[]): Promise<Ran> =>
  glassgate(args, { cwd: fleet.folder, env: { GLASSGATE_PASSPHRASE: PASSPHRASE, ...env } });
/** The operator's own, which the drill's environment does not name. */
const envoy = (): string => at("own-envoy");
/** The Envoy that `gateway run` started, as it was started. */
function runningEnvoys(): string[] {
  const pid = readFileSync(at("gateway.yaml.pid"), "utf8").trim();
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return children.map((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0")[0] ?? "");
}

/** Its own environment, less what the shells on the way set. */
function environment(): string[] {
  const pid = readFileSync(at("gateway.yaml.pid"), "utf8").trim();
  const passing = /^(?:PWD|OLDPWD|SHLVL|_|NODE_CHANNEL_\w+)=/;
  const words = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((one) => one !== "");
  return words.filter((one) => !passing.test(one)).toSorted();
}

beforeAll(async () => {
  fleet = await startFleet({ gateways: 0 });
  const [port, admin, upstream] = [await freePort(), await freePort(), await freePort()];
  const places = ["--port", String(port), "--admin-port", String(admin), "--upstream", `127.0.0.1:${upstream}`];
  const rendered = await run("gateway", "render", "--demo-idp", ...places, "--output", "gateway.yaml");
  expect(rendered, rendered.stderr).toMatchObject({ code: 0 });
  const [binary = ""] = (await findEnvoy()).command;
  symlinkSync(binary, envoy());
  const started = ["gateway.yaml", "--background", "--demo-upstream", "--concurrency", "1"];
  const up = await runWith({ ENVOY_BIN: envoy(), FOO: "own" }, "gateway", "run", ...started);
  expect(up, up.stderr).toMatchObject({ code: 0 });
  const pushed = await run("push", "--gateway", "gateway.yaml");
  expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
  const audit = at("logs", "audit.log");
  expect(existsSync(audit)).toBe(true);
  const own = await newLedgerFolder(at("keys"), `gateways:\n  - { id: gateway-1, audit: ${audit} }\n`);
  writeFileSync(at("own.vkey"), `${own.vkey}\n`);
  ledger = command("follow", own.folder);
  await vi.waitFor(() => expect(existsSync(at("keys", "ledger", "lock")), ledger.told()).toBe(true), {
    timeout: 60_000,
  });
  writeFileSync(
    at("drill.yaml"),
    `name: nightly
every: 1d
people: { requester: drill-rita, approvers: [drill-adam, drill-anna] }
entitlement: orders-drill
gateways: [{ id: gateway-1, url: "http://127.0.0.1:${port}", config: gateway.yaml }]
ledger: { at: keys/ledger, key: own.vkey }
faults: [${faultNames.join(", ")}]
`,
  );
});
afterAll(async () => {
  await run("gateway", "stop", "gateway.yaml");
  ledger?.kill("SIGKILL");
  await ledger?.ended;
  await fleet?.stop();
});

it("open nothing, lose nothing, and leave all as it was", async () => {
  const before = {
    ...{ pid: readFileSync(at("gateway.yaml.pid"), "utf8"), ecds: readdirSync(at("ecds")) },
    environment: environment(),
  };
  expect(before.environment).toContain("FOO=own");
  const ecds = at("ecds", before.ecds[0] ?? "");
  const text = readFileSync(ecds, "utf8");
  const only = faultNames.flatMap((name) => ["--only", name]);
  const dry = await run("drill", "run", "drill.yaml", "--dry-run", ...only);
  expect(dry.stdout).toMatch(
    /fault gateway-restarted on gateway-1: glassgate gateway stop \S+\n {2}undone by: cd \S+ && env ENVOY_BIN=\S+own-envoy glassgate gateway run gateway\.yaml --concurrency 1 --demo-upstream --background\n/,
  );
  expect(dry.stdout).toMatch(/fault ledger-down on gateway-1: kill -STOP \d+ .*\n {2}undone by: kill -CONT \d+\n/);
  expect(readFileSync(ecds, "utf8")).toBe(text);
  const ran = await runWith({ OF_THE_DRILL: "secret" }, "drill", "run", "drill.yaml", ...only);
  const last = readdirSync(at("drills")).toSorted().at(-1) ?? "";
  const report: Report = JSON.parse(readFileSync(at("drills", last, "report.json"), "utf8"));
  expect(report.faults.map(({ name, ok, finding }) => [name, ok, finding])).toEqual(
    faultNames.map((name) => [name, true, undefined]),
  );
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  // How each was made and undone, and nothing of the environment in which a gateway was started.
  const made = report.faults.map(({ name, does, undo }) => `${name}: ${does} | ${undo}`).join("\n");
  expect(made).toMatch(
    /^gateway-restarted: glassgate gateway stop \S+ \| cd \S+ && glassgate gateway run gateway\.yaml .*--background$/m,
  );
  expect(made).toMatch(/^ecds-corrupted: .* \| what stood in \S+ is put back$/m);
  expect(made).toMatch(/^ledger-down: kill -STOP \d+ .* \| kill -CONT \d+ /m);
  expect(JSON.stringify(report)).not.toContain("own-envoy");
  for (const { seen } of report.faults) {
    const [, judged, recorded, entered] =
      /of (\d+) that the filter judged (\d+) on record, (\d+) entered in the ledger$/.exec(seen) ?? [];
    expect(Number(judged), seen).toBeGreaterThan(4);
    expect([recorded, entered]).toEqual([judged, judged]);
  }
  expect(readFileSync(at("gateway.yaml.pid"), "utf8")).not.toBe(before.pid);
  expect(runningEnvoys()).toEqual([envoy()]);
  expect(environment()).toEqual(before.environment);
  expect(readFileSync(ecds, "utf8")).toBe(text);
  expect(existsSync(at("drill.yaml.faults"))).toBe(false);
  // Of two drills at once the second would take the first one's damage for what has to be put back. Envoy sees renames alone.
  writeFileSync(ecds, text.slice(0, text.length / 2));
  const second = await run("drill", "run", "drill.yaml", "--dry-run", "--only", "ecds-corrupted");
  writeFileSync(ecds, text);
  expect(second.stdout).toMatch(
    /not probed: the fault ecds-corrupted on gateway-1: its ECDS file \S+ is damaged already/,
  );
});
