/** After whatever went wrong, the last words of a push say what serves and what a restart would serve, and it is so. */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { defaultConfiguration, ecdsText, readEcds, writeEcds } from "../../control/gateway/ecds.js";
import { type PushOptions, push } from "../../control/gateway/push.js";
import { goodPath } from "../../control/gateway/push-files.js";
import { wasmPath } from "../../control/host/wasm.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
let folder: string;
let wasm: string;
/** The version that serves as a test begins: `v(1)`. */
let first = 1;
const v = (nth: number): number => first + nth - 1;

async function start(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "glassgate-faults-"));
  wasm = join(folder, "glassgate.wasm");
  copyFileSync(wasmPath, wasm);
  test = await startTestEnvoy(world, { concurrency: 1, render: { wasmPath: wasm } });
}
async function stop(): Promise<void> {
  await test.stop();
  rmSync(folder, { recursive: true, force: true });
}

const bundles = new Map<number, string>();
function target(nth: number): PushOptions {
  const version = v(nth);
  const text = bundles.get(version) ?? world.bundle(world.bundleClaims({ version }));
  bundles.set(version, text);
  const { filter, anchors, envoy } = test;
  return { filter, anchors, admin: envoy.admin, bundle: { text, version }, timeoutMs: 2500 };
}
const UNNOTICED =
  "the gateway did not take up the ECDS file: it may have lost sight of its folder (deleted and made again?)";
const deployed = () => readEcds(readFileSync(test.filter.ecdsPath, "utf8"));
const besideFolder = (): string => dirname(goodPath(test.filter.ecdsPath));

describe("a gateway that sees its files", () => {
  beforeAll(async () => {
    await start();
    first = 1;
  });
  afterAll(stop);
  // As after a first push: nothing stands beside the ECDS file but what that push has left there.
  beforeEach(async () => {
    copyFileSync(wasmPath, wasm);
    rmSync(besideFolder(), { recursive: true, force: true });
    rmSync(test.filter.ecdsPath, { recursive: true, force: true });
    first += 10;
    await push(target(1));
  });

  it("the copy of the good one cannot be written: applied all the same, with a warning", async () => {
    const good = goodPath(test.filter.ecdsPath);
    rmSync(good);
    mkdirSync(join(good, "in-the-way"), { recursive: true });
    expect(await push(target(2))).toMatchObject({
      version: v(2),
      standings: { serving: v(2), restart: v(2) },
      warnings: [expect.stringContaining("the copy for the next push cannot be kept")],
    });
  });

  it("no record can be kept: applied all the same, with a warning", async () => {
    const record = goodPath(test.filter.ecdsPath).replace(/good$/, "pushed");
    rmSync(record, { recursive: true });
    copyFileSync(wasm, record);
    const { warnings } = await push(target(2));
    expect(warnings).toEqual([expect.stringContaining("no record of this push can be kept")]);
  });

  describe("the files were lost, and the gateway rejects what is pushed", () => {
    beforeEach(() => {
      rmSync(test.filter.ecdsPath);
      rmSync(dirname(goodPath(test.filter.ecdsPath)), { recursive: true });
    });

    it("another bundle of the version that serves: only the version is claimed", async () => {
      const text = world.bundle(world.bundleClaims({ version: v(1), exp: world.now + 5000 }));
      await expect(push({ ...target(1), bundle: { text, version: v(1) } })).rejects.toMatchObject({
        message: expect.stringMatching(
          new RegExp(
            `^Version ${v(1)} serves, and whether it is this very bundle cannot be seen: see the gateway's log`,
          ),
        ),
        hint: expect.stringContaining(`Build and sign one with a version above ${v(1)}.`),
      });
      expect(deployed()?.bundle).toBeUndefined();
    });

    it("a newer one does not stay", async () => {
      rmSync(wasm);
      await expect(push({ ...target(2), configuration: { leeway: 7 } })).rejects.toMatchObject({
        message: expect.stringMatching(/Nothing older is known here: the ECDS file holds no bundle now\.$/),
        standings: { serving: v(1), restart: "none" },
      });
    });
  });

  it("the bundle that serves is rejected with other options: what every worker served is put back", async () => {
    rmSync(wasm);
    await expect(push({ ...target(1), configuration: { leeway: 7 } })).rejects.toMatchObject({
      standings: { serving: v(1), restart: v(1) },
    });
    expect(deployed()?.configuration.leeway).not.toBe(7);
  });

  it("the ECDS file cannot be written: what serves goes on, and the last words say what a restart would do", async () => {
    rmSync(test.filter.ecdsPath);
    mkdirSync(join(test.filter.ecdsPath, "in-the-way"), { recursive: true });
    await expect(push(target(2))).rejects.toMatchObject({
      message: expect.stringContaining("Cannot write"),
      hint: expect.stringMatching(
        new RegExp(
          `Version ${v(1)} serves now; a restart would fail, as the ECDS file is missing or cannot be read\\.$`,
        ),
      ),
    });
  });

  it("the filter's own file is missing: that is said, not that the bundle is bad", async () => {
    rmSync(wasm);
    await expect(push({ ...target(2), configuration: { leeway: 7 } })).rejects.toMatchObject({
      message: expect.stringContaining(`its filter's file ${wasm} does not exist`),
      standings: { serving: v(1), restart: v(1) },
    });
    copyFileSync(wasmPath, wasm);
    expect(await push(target(3))).toMatchObject({ version: v(3), standings: { serving: v(3), restart: v(3) } });
  });

  it("a damaged ECDS file is replaced", async () => {
    copyFileSync(wasm, test.filter.ecdsPath);
    expect(await push(target(2))).toMatchObject({ standings: { serving: v(2), restart: v(2) } });
  });

  it("a newer text that is no bundle of these roots counts for nothing", async () => {
    const forged = world.bundle(world.bundleClaims({ version: v(9) }), [world.stranger, world.stranger]);
    test.offer(JSON.stringify({ ...JSON.parse(world.configuration()), bundle: forged }));
    expect(await push(target(2))).toMatchObject({ standings: { serving: v(2), restart: v(2) } });
  });

  it("the gateway cannot be seen after the write: nothing is put back, and nothing is claimed", async () => {
    const step = (name: string): void => {
      if (name === "written") process.kill(test.envoy.pid, "SIGSTOP");
    };
    try {
      await expect(push({ ...target(2), timeoutMs: 100, step })).rejects.toMatchObject({
        outcome: "unreached",
        exitCode: 1,
        message: expect.stringMatching(
          new RegExp(`^Version ${v(2)} was written, and whether it serves cannot be seen: `),
        ),
        hint: expect.stringMatching(
          new RegExp(`What serves now cannot be seen; a restart would serve version ${v(2)}\\.$`),
        ),
      });
    } finally {
      process.kill(test.envoy.pid, "SIGCONT");
    }
    expect(deployed()?.bundle?.version).toBe(v(2));
    expect(await push(target(2))).toMatchObject({ version: v(2), standings: { serving: v(2), restart: v(2) } });
  }, 60_000);

  it("a generation far ahead of the clock is not followed, and none is taken from a gauge", async () => {
    const far = Number.MAX_SAFE_INTEGER - 1;
    await test.configure(
      world.configuration({ bundle: world.bundleClaims({ version: v(2) }), configuration: { generation: far } }),
    );
    const started = Date.now();
    const { generation } = await push(target(3));
    expect(generation).toBeGreaterThanOrEqual(started);
    expect(generation).toBeLessThan(started + 86_400_000);
  });
});

describe("a gateway that has lost sight of its files", () => {
  const kept = (): string => join(folder, "kept");
  beforeAll(async () => {
    await start();
    first = 1;
    await push(target(1));
    for (const path of [dirname(test.filter.ecdsPath), besideFolder()])
      cpSync(path, join(kept(), basename(path)), { recursive: true });
  });
  afterAll(stop);
  // As after that push, for whoever looks: Envoy watches a folder that is no more since the first test.
  beforeEach(() => {
    for (const path of [dirname(test.filter.ecdsPath), besideFolder()]) {
      rmSync(path, { recursive: true, force: true });
      cpSync(join(kept(), basename(path)), path, { recursive: true });
    }
  });

  it("the ECDS folder was lost: the identical bundle serves already, and a newer one is not claimed", async () => {
    rmSync(dirname(test.filter.ecdsPath), { recursive: true });
    const again = await push(target(1));
    expect(again).toMatchObject({ version: 1, standings: { serving: 1, restart: 1 } });
    expect(again.warnings).toEqual([expect.stringContaining("Restart the gateway before the next push")]);
    expect(deployed()?.bundle?.version).toBe(1);
    await expect(push(target(2))).rejects.toMatchObject({
      outcome: "refused",
      exitCode: 1,
      message: `The gateway does not serve version 2: ${UNNOTICED}. What was there before was put back.`,
      hint: "Restart the gateway; it then serves version 1. Then push again. Version 1 serves now; a restart would serve version 1.",
      standings: { serving: 1, restart: 1 },
    });
    expect(deployed()?.bundle?.version).toBe(1);
  });

  it("the ECDS folder was lost, and a newer one is pushed: the good copy is put back, and a restart is asked for", async () => {
    rmSync(dirname(test.filter.ecdsPath), { recursive: true });
    await expect(push(target(2))).rejects.toMatchObject({
      message: `The gateway does not serve version 2: ${UNNOTICED}. What last served on all workers was put back.`,
      hint: "Restart the gateway; it then serves version 1. Then push again. Version 1 serves now; a restart would serve version 1.",
    });
    expect(deployed()?.bundle?.version).toBe(1);
  });

  describe("the ECDS folder and the folder beside it were lost", () => {
    beforeEach(() => {
      rmSync(dirname(test.filter.ecdsPath), { recursive: true });
      rmSync(dirname(goodPath(test.filter.ecdsPath)), { recursive: true });
    });

    it("the identical bundle stays in the file, again and again, and nothing is claimed of what serves but its version", async () => {
      for (let times = 0; times < 2; times++) {
        await expect(push({ ...target(1), timeoutMs: 500 })).rejects.toMatchObject({
          outcome: "refused",
          exitCode: 1,
          message: `Version 1 serves, and whether it is this very bundle cannot be seen: ${UNNOTICED}. It stays in the ECDS file.`,
          hint: "Restart the gateway; it then serves version 1. Version 1 serves now; a restart would serve version 1.",
        });
        expect(deployed()?.bundle?.text).toBe(target(1).bundle.text);
      }
    });

    it("a newer one stays in the file, also over one that is older than what serves", async () => {
      const unnoticed = (version: number) => ({
        message: `The gateway does not serve version ${version}: ${UNNOTICED}. It stays in the ECDS file.`,
        hint: `Restart the gateway; it then serves version ${version}. Version 1 serves now; a restart would serve version ${version}.`,
        standings: { serving: 1, restart: version },
      });
      await expect(push({ ...target(2), timeoutMs: 500 })).rejects.toMatchObject(unnoticed(2));
      expect(deployed()?.bundle?.version).toBe(2);
      rmSync(dirname(goodPath(test.filter.ecdsPath)), { recursive: true });
      writeEcds(test.filter.ecdsPath, ecdsText(test.filter, defaultConfiguration(test.filter), undefined, "0"));
      await expect(push({ ...target(3), timeoutMs: 500 })).rejects.toMatchObject(unnoticed(3));
      expect(deployed()?.bundle?.version).toBe(3);
    });

    it("one that another push began and that was newer is named, and stays", async () => {
      await expect(push({ ...target(3), timeoutMs: 500 })).rejects.toMatchObject({ standings: { restart: 3 } });
      rmSync(test.filter.ecdsPath);
      await expect(push({ ...target(2), timeoutMs: 500 })).rejects.toMatchObject({
        outcome: "overtaken",
        message: expect.stringContaining(`The gateway does not serve version 3: ${UNNOTICED}`),
        standings: { serving: 1, restart: 3 },
      });
      expect(deployed()?.bundle?.version).toBe(3);
    });
  });
});
