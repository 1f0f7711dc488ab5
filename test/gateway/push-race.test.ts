/**
 * What no lock can prevent: one push is stopped between its look and its rename (or its heal), while the command, in a process of
 * its own, brings in a newer version. Whoever comes next puts the newer one back; killed pushes are repaired by any later one.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readEcds } from "../../control/gateway/ecds.js";
import { type PushOptions, type PushStep, push } from "../../control/gateway/push.js";
import { goodPath } from "../../control/gateway/push-files.js";
import { quickMain } from "../cli/run.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
let rendered = "";
let folder: string;
let base = 100;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-race-"));
  test = await startTestEnvoy(world, {
    concurrency: 2,
    edit: (config) => {
      rendered = config;
      return config;
    },
  });
  writeFileSync(join(folder, "gateway.yaml"), rendered);
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(test.anchors));
});
beforeEach(async () => {
  base += 100;
  await push(target(base));
});
afterAll(async () => {
  await test.stop();
  rmSync(folder, { recursive: true, force: true });
});

const bundles = new Map<number, string>();
function bundleOf(version: number): string {
  const text = bundles.get(version) ?? world.bundle(world.bundleClaims({ version }));
  bundles.set(version, text);
  return text;
}
const target = (version: number): PushOptions => ({
  filter: test.filter,
  anchors: test.anchors,
  admin: test.envoy.admin,
  bundle: { text: bundleOf(version), version },
  configuration: { strip: ["x-jwt-payload"] },
  courtesyMs: 50,
});

/** The command in a process of its own, this one standing still meanwhile. */
function commandPushes(version: number): string {
  writeFileSync(join(folder, "bundle.jws"), bundleOf(version));
  rmSync(`${test.filter.ecdsPath}.lock`, { force: true }); // As if its ten seconds of courtesy were over.
  return execFileSync(process.execPath, [quickMain, "push", "--admin", test.envoy.admin.address], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const deployed = () => readEcds(readFileSync(test.filter.ecdsPath, "utf8"));

async function expectServes(version: number): Promise<void> {
  await expect.poll(async () => (await test.state()).bundleVersion, { timeout: 10_000 }).toBe(version);
  expect(deployed()?.bundle?.version).toBe(version);
  expect(deployed()?.configuration.min_version).toBeGreaterThanOrEqual(version);
  expect(readEcds(readFileSync(goodPath(test.filter.ecdsPath), "utf8"))?.bundle?.version).toBe(version);
}

/** Resolves when a push gets to that step, and never lets it go on: as SIGKILL would. */
function killAt(version: number, at: PushStep, before: Partial<Record<PushStep, () => void>> = {}): Promise<void> {
  return new Promise((resolve) => {
    const step = (name: PushStep): Promise<void> | void => {
      before[name]?.();
      if (name !== at) return undefined;
      resolve();
      return new Promise(() => {});
    };
    void push({ ...target(version), step });
  });
}

describe("a push that is stopped in the very moment of its rename", () => {
  it("finds the newer one afterwards, puts it back and ends overtaken", async () => {
    const [older, newer] = [base + 1, base + 2];
    let said = "";
    const step = (name: PushStep): void => {
      if (name === "writing" && said === "") said = commandPushes(newer);
    };
    await expect(push({ ...target(older), step })).rejects.toMatchObject({
      outcome: "overtaken",
      message: `Version ${older} was overtaken by version ${newer}.`,
      standings: { serving: newer, restart: newer },
    });
    expect(said).toMatch(new RegExp(`^applied: version ${newer} on all 3 VMs`));
    await expectServes(newer);
  });

  it("and is killed right after it: any later push puts the newer one back", async () => {
    const [older, newer] = [base + 1, base + 2];
    let said = "";
    await killAt(older, "written", {
      writing: () => {
        said ||= commandPushes(newer);
      },
    });
    expect(said).toContain(`applied: version ${newer}`);
    expect(deployed()?.bundle?.version).toBe(older); // What a restart would serve until somebody pushes.
    expect((await test.state()).bundleVersion).toBe(newer); // The filter holds the line.
    await expect(push(target(older))).rejects.toMatchObject({ outcome: "overtaken" });
    await expectServes(newer);
  });
});

describe("two pushes, one stopped after its write", () => {
  it("the stopped one ends overtaken and heals nothing", async () => {
    const [older, newer] = [base + 1, base + 2];
    const before = deployed()?.vmId;
    let hasStopped = false;
    const step = (name: PushStep): void => {
      if (name === "written" && !hasStopped) {
        hasStopped = true;
        commandPushes(newer);
      }
    };
    await expect(push({ ...target(older), step })).rejects.toMatchObject({ outcome: "overtaken", exitCode: 1 });
    await expectServes(newer);
    expect(deployed()?.vmId).toBe(before);
  });
});

describe("a push that was killed", () => {
  for (const at of ["looked", "begun", "ready", "written", "served", "kept"] as const) {
    it(`at "${at}" is repaired by the next push, whichever it is`, async () => {
      const killed = base + 2;
      await killAt(killed, at);
      const isBegun = at !== "looked";
      const next = push(target(base + 1));
      if (isBegun) await expect(next).rejects.toMatchObject({ outcome: "overtaken", standings: { serving: killed } });
      else expect(await next).toMatchObject({ version: base + 1 });
      await expectServes(isBegun ? killed : base + 1);
    });
  }
});

it("the same bundle again is no second bundle of that version: it serves already", async () => {
  const text = readFileSync(test.filter.ecdsPath, "utf8");
  expect(await push(target(base))).toMatchObject({ version: base, unchanged: true });
  expect(readFileSync(test.filter.ecdsPath, "utf8")).toBe(text);
  expect(commandPushes(base)).toMatch(
    new RegExp(
      `^applied: version ${base} serves already on all 3 VMs\\. Version ${base} serves now; a restart would serve version ${base}\\.\n$`,
    ),
  );
});

it("another bundle of the version that serves is refused, and nothing is written", async () => {
  const text = readFileSync(test.filter.ecdsPath, "utf8");
  const other = world.bundle(world.bundleClaims({ version: base, exp: world.now + 5000 }));
  await expect(push({ ...target(base), bundle: { text: other, version: base } })).rejects.toMatchObject({
    message: `The gateway has another bundle of version ${base}.`,
    standings: { serving: base, restart: base },
  });
  expect(readFileSync(test.filter.ecdsPath, "utf8")).toBe(text);
});
