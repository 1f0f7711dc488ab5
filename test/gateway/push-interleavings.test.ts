/**
 * Pushes at the same time on a real Envoy, each delayed, stopped or killed at any of its steps: the highest version that was
 * written serves in the end, nothing falls meanwhile, and nobody says "applied" of what does not serve.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isWhole } from "../../control/gateway/admin-state.js";
import { readEcds } from "../../control/gateway/ecds.js";
import { type PushOptions, type PushStep, push } from "../../control/gateway/push.js";
import { goodPath } from "../../control/gateway/push-files.js";
import { PushFailure } from "../../control/gateway/push-outcome.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { SEED } from "../kit/seed.js";
import { World } from "../kit/world.js";

/** More than these few by `npm run soak:tests` or `GLASSGATE_ROUNDS=200`, others by `GLASSGATE_SEED` (CONTRIBUTING.md). */
const ROUNDS = Number(process.env.GLASSGATE_ROUNDS ?? 20);
const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
beforeAll(async () => {
  test = await startTestEnvoy(world, { concurrency: 2 });
});
afterAll(() => test.stop());

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = generator(SEED);
const upTo = (count: number): number => Math.floor(random() * count);
const oneOf = <T>(items: readonly [T, ...T[]]): T => items[upTo(items.length)] ?? items[0];

interface Fate {
  readonly kind: "runs" | "delayed" | "stopped" | "killed";
  readonly step: PushStep;
  /** At which visit of the step. */
  readonly visit: number;
  readonly ms: number;
}
type End = "applied" | "killed" | PushFailure;

const newFate = (): Fate => ({
  kind: oneOf(["runs", "delayed", "stopped", "stopped", "killed"]),
  step: oneOf(["looked", "begun", "ready", "written", "polled", "served", "kept"]),
  visit: 1 + upTo(2),
  ms: upTo(60),
});

const bundles = new Map<number, string>();
function target(version: number): PushOptions {
  const text = bundles.get(version) ?? world.bundle(world.bundleClaims({ version }));
  bundles.set(version, text);
  return {
    filter: test.filter,
    anchors: test.anchors,
    admin: test.envoy.admin,
    bundle: { text, version },
    courtesyMs: 20,
  };
}

const versionIn = (path: string): number => readEcds(readFileSync(path, "utf8"))?.bundle?.version ?? 0;
const deployedVersion = (): number => versionIn(test.filter.ecdsPath);

/** What fell: the version in the file, or the one that every VM served. A worker that lags may show an older one for a moment. */
const fallen: string[] = [];
async function watch(isRunning: () => boolean): Promise<void> {
  const highest = { served: 0, deployed: 0 };
  while (isRunning()) {
    const deployed = deployedVersion();
    const state = await test.state();
    const served = isWhole(state, 2) ? (state.bundleVersion ?? 0) : highest.served;
    if (deployed < highest.deployed) fallen.push(`the file from ${highest.deployed} to ${deployed}`);
    if (served < highest.served) fallen.push(`the gateway from ${highest.served} to ${served}`);
    highest.deployed = Math.max(highest.deployed, deployed);
    highest.served = Math.max(highest.served, served);
    await sleep(3);
  }
}

/** One push to its fate. The stopped go on when `resumed`; the killed never do, so that not even a `finally` of theirs runs. */
function run(version: number, fate: Fate, resumed: Promise<void>, onStop: () => void): Promise<End> {
  return new Promise((resolve, reject) => {
    let visits = 0;
    const step = (name: PushStep): Promise<void> | void => {
      if (fate.kind === "runs" || fate.step !== name) return undefined;
      visits += 1;
      if (visits !== fate.visit) return undefined;
      if (fate.kind === "delayed") return sleep(fate.ms);
      if (fate.kind === "killed") {
        resolve("killed");
        return new Promise(() => {});
      }
      onStop();
      return resumed;
    };
    push({ ...target(version), step })
      .then(
        async () => {
          expect((await test.state()).bundleVersion).toBeGreaterThanOrEqual(version);
          expect(deployedVersion()).toBeGreaterThanOrEqual(version);
          resolve("applied");
        },
        (error: unknown) => (error instanceof PushFailure ? resolve(error) : reject(error)),
      )
      .catch(reject);
  });
}

async function playRound(base: number): Promise<number> {
  const versions = Array.from({ length: 2 + upTo(3) }, () => base + 1 + upTo(4));
  const fates = versions.map(newFate);
  let resume = (): void => {};
  const resumed = new Promise<void>((resolve) => {
    resume = resolve;
  });
  // The stopped go on when the others have ended, or are stopped as well.
  let waiting = versions.length;
  const done = (): void => {
    waiting -= 1;
    if (waiting === 0) resume();
  };
  const ends = await Promise.all(
    versions.map(async (version, i) => {
      const fate = fates[i] ?? newFate();
      await sleep(upTo(30));
      let isCounted = false;
      const count = (): void => {
        if (!isCounted) done();
        isCounted = true;
      };
      const end = await run(version, fate, resumed, count);
      count();
      return end;
    }),
  );
  const play = versions.map((version, i) => `${version} ${JSON.stringify(fates[i])} -> ${String(ends[i])}`).join("\n");
  const written = deployedVersion();
  if (ends.includes("killed")) {
    // Whoever pushes next, and whatever, repairs what the killed one left.
    const next = base + 1 + upTo(5);
    const end = await run(next, { ...newFate(), kind: "runs" }, resumed, () => {});
    if (end !== "applied" && end !== "killed")
      expect(end.outcome, `${play}\nthen ${next}`).toMatch(/overtaken|refused/);
  } else expect(written, play).toBe(Math.max(...versions));
  for (const [i, end] of ends.entries()) {
    if (end === "applied" || end === "killed") continue;
    expect(end, play).toMatchObject({ outcome: "overtaken", exitCode: 1 });
    expect(end.standings.serving, play).toBeGreaterThanOrEqual(versions[i] ?? 0);
  }
  const state = await test.state();
  const now = readEcds(readFileSync(test.filter.ecdsPath, "utf8"));
  const version = now?.bundle?.version ?? 0;
  expect(version, play).toBeGreaterThanOrEqual(written);
  expect(state, play).toMatchObject({ bundleVersion: version, generation: now?.configuration.generation });
  expect(isWhole(state, 2), play).toBe(true);
  expect(now?.configuration.min_version, play).toBeGreaterThanOrEqual(version);
  expect(versionIn(goodPath(test.filter.ecdsPath)), play).toBe(version);
  return version;
}

it(`${ROUNDS} interleavings of 2 to 4 pushes end with the highest version, and nothing falls`, async () => {
  await push(target(1));
  let isRunning = true;
  const watching = watch(() => isRunning);
  let base = 1;
  try {
    for (let round = 0; round < ROUNDS; round++) base = await playRound(base);
  } finally {
    isRunning = false;
  }
  await watching;
  expect(fallen).toEqual([]);
  expect(base).toBeGreaterThan(ROUNDS);
}, 600_000);
