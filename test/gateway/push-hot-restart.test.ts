/** A push into a real hot restart: the old Envoy's gauges are added to the new one's, until it has ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { Admin } from "../../control/gateway/admin.js";
import { readFilterState } from "../../control/gateway/admin-state.js";
import { findEnvoy } from "../../control/gateway/find.js";
import { type PushOptions, push } from "../../control/gateway/push.js";
import { domainOf } from "../../control/trust/anchors.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const children: ChildProcess[] = [];
let test: TestEnvoy;
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await test.stop();
});

/** One of the two, on one base id. @param baseId the first one is given one by Envoy */
async function start(folder: string, epoch: number, baseId: readonly string[]): Promise<Admin> {
  const [program = "", ...before] = (await findEnvoy()).command;
  const address = join(folder, `admin-${epoch}`);
  const args = ["-c", join(folder, "envoy.yaml"), "--admin-address-path", address, "--concurrency", "1"];
  const restart = ["--restart-epoch", String(epoch), "--parent-shutdown-time-s", "4", "--drain-time-s", "1"];
  children.push(spawn(program, [...before, ...args, ...restart, ...baseId, "-l", "error"], { stdio: "ignore" }));
  for (let tries = 0; tries < 1200; tries++) {
    const found = existsSync(address) ? readFileSync(address, "utf8").trim() : "";
    if (found !== "" && (await new Admin(found).isReady())) return new Admin(found);
    await sleep(50);
  }
  throw new Error("Envoy did not start");
}

it("waits until the old one has ended, takes no number from a sum, and applies", async () => {
  let config = "";
  // For its folder and its configuration: hot restart needs two of our own.
  test = await startTestEnvoy(world, {
    concurrency: 1,
    edit: (rendered) => {
      config = rendered;
      return rendered;
    },
  });
  await test.envoy.stop();
  const { filter, anchors, folder } = test;
  writeFileSync(join(folder, "envoy.yaml"), config);
  const said: string[] = [];
  const target = (version: number, admin: Admin): PushOptions => ({
    filter,
    anchors,
    admin,
    bundle: { text: world.bundle(world.bundleClaims({ version })), version },
    progress: (line) => said.push(line),
  });
  const baseIdPath = join(folder, "base-id");
  const parent = await start(folder, 0, ["--use-dynamic-base-id", "--base-id-path", baseIdPath]);
  await push(target(8, parent));
  const child = await start(folder, 1, ["--base-id", readFileSync(baseIdPath, "utf8").trim()]);
  expect(said).toEqual([]);
  const pushed = await push(target(9, child));
  expect(said).toEqual([expect.stringContaining("The gateway is in a hot restart")]);
  expect(pushed).toMatchObject({ version: 9, servingVms: 2, healed: false, standings: { serving: 9, restart: 9 } });
  expect(pushed.generation).toBeLessThan(Date.now() + 60_000);
  expect(await readFilterState(child, domainOf(anchors))).toMatchObject({ bundleVersion: 9, schema: 1 });
}, 120_000);
