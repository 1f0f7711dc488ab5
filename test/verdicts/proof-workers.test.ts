/** A proof is used once in the whole of a real Envoy: two workers, many connections, a rotation, a new vm_id. */
import { Agent } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { proofOf } from "../kit/proofs.js";
import { newSigner } from "../kit/token.js";
import { World } from "../kit/world.js";

const CONNECTIONS = 16;
const recordSchema = z.looseObject({ vm: z.string(), verdict: z.string() });
const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const world = new World(nowSeconds());
const gateway = startTestEnvoy(world, { concurrency: 2 });
/** Each is one connection, which stays with its worker. */
const agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
const key = newSigner("Ed25519");
const grant = world.alone({ claims: { cnf: { jkt: key.kid } } });
let sent = 0;

async function ask(agent: Agent | undefined, proof: string): Promise<number> {
  sent += 1;
  const headers = { "x-break-glass": grant, dpop: proof };
  return (
    await send({ port: (await gateway).port, path: "/orders/7", headers, ...(agent === undefined ? {} : { agent }) })
  ).status;
}

async function untilTheNextSecond(): Promise<void> {
  const second = nowSeconds();
  while (nowSeconds() <= second) await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeAll(async () => {
  await (await gateway).configure(world.configuration());
  await untilTheNextSecond();
});
afterAll(async () => {
  for (const agent of agents) agent.destroy();
  await (await gateway).stop();
});

/** Records so far, of requests that were answered. */
async function records() {
  const test = await gateway;
  await test.logLines(sent);
  return [...test.audits().values()].map(({ record }) => recordSchema.parse(JSON.parse(record)));
}

it("by exactly one of sixteen connections that send it at the same time, whichever worker has them", async () => {
  for (let round = 0; round < 20; round++) {
    const proof = proofOf(key, { grant });
    const statuses = await Promise.all(agents.map((agent) => ask(agent, proof)));
    expect(statuses.sort()).toEqual([200, ...Array.from({ length: CONNECTIONS - 1 }, () => 401)]);
  }
  const seen = await records();
  expect(new Set(seen.map(({ vm }) => vm)).size).toBe(2);
  expect(seen.filter(({ verdict }) => verdict === "allow")).toHaveLength(20);
  // A hundred denials a second and VM are recorded.
  expect(new Set(seen.map(({ verdict }) => verdict))).toEqual(new Set(["allow", "proof"]));
});

it("and each of many proofs at the same time opens one request", async () => {
  const proofs = Array.from({ length: 20 * CONNECTIONS }, () => proofOf(key, { grant }));
  const statuses = await Promise.all(proofs.map((proof, i) => ask(agents[i % CONNECTIONS], proof)));
  expect(new Set(statuses)).toEqual(new Set([200]));
});

it("is remembered over a rotation, and a new vm_id takes none from before its start", async () => {
  const test = await gateway;
  const used = proofOf(key, { grant });
  expect(await ask(undefined, used)).toBe(200);
  await test.configure(world.configuration());
  for (let i = 0; i < 8; i++) expect(await ask(undefined, used)).toBe(401);
  expect(await ask(undefined, proofOf(key, { grant }))).toBe(200);
  const unused = proofOf(key, { grant });
  await test.configure(world.configuration(), "another");
  for (let i = 0; i < 8; i++) for (const proof of [used, unused]) expect(await ask(undefined, proof)).toBe(401);
  await untilTheNextSecond();
  expect(await ask(undefined, proofOf(key, { grant }))).toBe(200);
});
