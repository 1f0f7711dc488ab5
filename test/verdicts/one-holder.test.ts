/** What the holder of one valid grant can do to the log and the cache of a real Envoy, at full rate. */
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { keepAlive, send } from "../../control/gateway/client.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { shuffled } from "../kit/spellings.js";
import { World } from "../kit/world.js";

/** As in assembly/filter/denials.ts. */
const MAX_PROVEN = 100;
const SOCKETS = 16;
const REQUESTS = 4000;
const recordSchema = z.looseObject({
  ts: z.string(),
  verdict: z.string(),
  cached: z.boolean(),
  evidence: z.string().optional(),
});

const world = new World(Math.floor(Date.now() / 1000));
const gateway = startTestEnvoy(world);
const agent = keepAlive(SOCKETS);
let requests = 0;
afterAll(async () => {
  agent.destroy();
  await (await gateway).stop();
});

/** Sends them over connections that stay open, and waits for their lines. The records that they left, with their evidence. */
async function ask(grants: readonly string[], path = "/orders/7") {
  const test = await gateway;
  const before = new Set(test.audits().keys());
  const left = [...grants];
  const statuses: number[] = [];
  const work = async (): Promise<void> => {
    for (let grant = left.shift(); grant !== undefined; grant = left.shift()) {
      statuses.push((await send({ port: test.port, path, headers: { "x-break-glass": grant }, agent })).status);
    }
  };
  await Promise.all(Array.from({ length: SOCKETS }, work));
  requests += grants.length;
  await test.logLines(requests);
  const audits = [...test.audits()].filter(([id]) => !before.has(id)).map(([, audit]) => audit);
  const records = audits.map(({ record }) => recordSchema.parse(JSON.parse(record)));
  return { statuses: new Set(statuses), records, evidence: audits.flatMap(({ evidence }) => evidence ?? []) };
}

it("200 orders of eight approvals: one evidence, and other people's grants stay cached", async () => {
  await (await gateway).configure(world.configuration());
  const others = Array.from({ length: 63 }, () => world.alone());
  expect((await ask(others)).evidence).toHaveLength(63);
  const grant = world.grant({ claims: { ent: "everyone" }, approvals: world.crowd.slice(0, 8).map((by) => ({ by })) });
  const { statuses, records, evidence } = await ask([...shuffled(grant, 200)]);
  expect([...statuses]).toEqual([200]);
  expect(records).toHaveLength(200);
  expect(evidence).toHaveLength(1);
  const again = await ask(others);
  expect(again.records.filter(({ cached }) => cached)).toHaveLength(63);
  expect(again.evidence).toEqual([]);
});

it("thousands of denials of one key: a bounded number of records a second, and the others are counted", async () => {
  const test = await gateway;
  const dropped = async (): Promise<number> => {
    const stats = await test.envoy.admin.stats("glassgate.records_dropped");
    return [...stats.values()].reduce((sum, value) => sum + value, 0);
  };
  const grant = world.alone();
  const { statuses, records } = await ask(new Array<string>(REQUESTS).fill(grant), "/elsewhere");
  expect([...statuses]).toEqual([403]);
  const seconds = records.map(({ ts }) => ts.slice(0, 19));
  for (const second of new Set(seconds)) {
    expect(seconds.filter((other) => other === second).length).toBeLessThanOrEqual(MAX_PROVEN);
  }
  expect(records.every(({ verdict }) => verdict === "scope_path")).toBe(true);
  // What was not recorded was counted; it is handed over with a tick.
  await expect.poll(dropped, { timeout: 60_000 }).toBe(REQUESTS - records.length);
  expect(records.length).toBeLessThan(REQUESTS);
  // What is let in is always recorded, and with the next second so is a denial.
  expect((await ask([world.alone()])).records).toHaveLength(1);
  await expect.poll(async () => (await ask([grant], "/elsewhere")).records.length, { timeout: 60_000 }).toBe(1);
});
