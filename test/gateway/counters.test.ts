/** On a real Envoy no decision is lost to the counters: neither to a rotation nor to a change of VMs right behind it. */
import { afterAll, expect, it } from "vitest";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const ROUNDS = 12;
const REQUESTS = 5;

const world = new World(Math.floor(Date.now() / 1000));
const gateway = startTestEnvoy(world, { concurrency: 2 });
afterAll(async () => (await gateway).stop());

it("counts every decision exactly once, over rotations and new VMs", async () => {
  const test = await gateway;
  await test.configure(world.configuration());
  const ask = async (grant: string): Promise<number> =>
    (await send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant } })).status;
  const counted = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      [...(await test.envoy.admin.stats("glassgate.decisions"))]
        .filter(([, value]) => value !== 0)
        .map(([name, value]) => [name.split("=").at(-1) ?? "", value]),
    );
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < REQUESTS; i++) {
      expect(await ask(world.alone())).toBe(200);
      expect(await ask("garbage")).toBe(401);
    }
    // At once, so that most of it was not yet handed over by a tick.
    await test.configure(world.configuration(), `vm-${Math.floor(round / 2)}`);
  }
  expect(await ask(world.alone())).toBe(200);
  const wanted = { allow: ROUNDS * REQUESTS + 1, malformed: ROUNDS * REQUESTS };
  // The last one comes with a tick, within half a second.
  await expect.poll(counted, { timeout: 60_000 }).toEqual(wanted);
});
