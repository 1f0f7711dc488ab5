/** What is broken opens nothing and stops nobody: a worker without filter, a VM that traps, no filter at all, an expired bundle at start. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { type Answer, send } from "../../control/gateway/client.js";
import { readEcds } from "../../control/gateway/ecds.js";
import { type PushOptions, type PushStep, push } from "../../control/gateway/push.js";
import { startTestEnvoy, type TestEnvoy, type TestEnvoyOptions } from "../kit/envoy.js";
import { compileFixture } from "../kit/fixture.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
afterEach(() => test.stop());
/** Compiled once: it takes as long as several of these tests. */
const flawed = compileFixture("flawed");

const start = async (options: TestEnvoyOptions = {}): Promise<void> => {
  test = await startTestEnvoy(world, { concurrency: 2, ...options });
};
/** Requests on connections of their own, so that they spread over the workers. */
const many = (headers: Record<string, string>, count = 24): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, () => send({ port: test.port, path: "/orders/7", headers })));
const statuses = (answers: readonly Answer[]): number[] => [...new Set(answers.map(({ status }) => status))].sort();
const normal = async (): Promise<number[]> =>
  statuses(await many({ authorization: `Bearer ${await test.normalToken()}` }));
const withGrant = async (): Promise<number[]> => statuses(await many({ "x-break-glass": world.alone() }));

/** The configuration without the filter, as if it had been forgotten. */
function withoutFilter(config: string): string {
  const document = parseDocument(config);
  const path = [
    "static_resources",
    "listeners",
    0,
    "filter_chains",
    0,
    "filters",
    0,
    "typed_config",
    "http_filters",
    0,
  ];
  expect(document.getIn([...path, "name"])).toBe("glassgate");
  document.deleteIn(path);
  return document.toString();
}

describe("a worker that cannot configure", () => {
  it("opens nothing, normal callers go on, and push heals it with a new VM", async () => {
    await start({ render: { wasmPath: await flawed } });
    await test.configure(world.configuration());
    expect(await withGrant()).toEqual([200]);

    test.offer(world.configuration({ configuration: { leeway: 59 } }));
    await expect
      .poll(() => test.envoy.log(), { timeout: 60_000 })
      .toContain("Failed to configure thread-local Wasm plugin");
    const answers = await many({ "x-break-glass": world.alone() });
    const unjudged = answers.filter(({ status }) => status === 401);
    // A dead worker's requests reached jwt_authn, unjudged by the filter, and no further.
    expect(unjudged.length).toBeGreaterThan(0);
    expect(unjudged.every(({ body }) => body.startsWith("Jwt is missing"))).toBe(true);
    expect(await normal()).toEqual([200]);

    const version = Date.now() + 1000;
    const pushed = await push({
      filter: test.filter,
      anchors: test.anchors,
      admin: test.envoy.admin,
      bundle: { text: world.bundle(world.bundleClaims({ version })), version },
    });
    expect(pushed).toMatchObject({ healed: true, servingVms: 3, version });
    expect(await withGrant()).toEqual([200]);
    expect(await normal()).toEqual([200]);
  });
});

it("a VM that trapped counts no longer once its silence shows it, and its successor counts from the start", async () => {
  await start({ render: { wasmPath: await flawed } });
  const ask = (headers: Record<string, string>) => send({ port: test.port, path: "/orders/7", headers });
  await test.configure(world.configuration());
  expect(await test.state()).toMatchObject({ servingVms: 3 });
  expect((await ask({ "x-trap": "1", "x-break-glass": "any" })).status).toBe(503);
  // Replaced at the next request after a second; the dead one's word still stands, so they are four for a while.
  await expect
    .poll(
      async () =>
        (await Promise.all([ask({ "x-break-glass": world.alone() }), ask({ "x-break-glass": world.alone() })])).map(
          ({ status }) => status,
        ),
      { timeout: 60_000, interval: 20 },
    )
    .toEqual([200, 200]);
  expect((await test.state()).servingVms).toBeGreaterThanOrEqual(3);
  await expect.poll(async () => (await test.state()).servingVms, { timeout: 90_000, interval: 200 }).toBe(3);
});

describe("a heal, while another push brings in a newer bundle", () => {
  /** The older push makes workers fail (leeway 59), so that it heals; the newer one comes in just then, `at` its step. */
  async function race(at: PushStep, visit: number): Promise<void> {
    await start({ render: { wasmPath: await flawed } });
    const { filter, anchors, envoy } = test;
    const target = (version: number): PushOptions => ({
      filter,
      anchors,
      admin: envoy.admin,
      bundle: { text: world.bundle(world.bundleClaims({ version })), version },
      courtesyMs: 10,
    });
    await push(target(1));
    const newer = target(3);
    let visits = 0;
    let pushed: Promise<unknown> | undefined;
    const step = async (name: PushStep): Promise<void> => {
      if (name !== at) return;
      visits += 1;
      if (visits !== visit) return;
      pushed = push(newer);
      await pushed;
    };
    await expect(push({ ...target(2), configuration: { leeway: 59 }, step })).rejects.toMatchObject({
      message: "Version 2 was overtaken by version 3.",
      standings: { serving: 3, restart: 3 },
    });
    expect(await pushed).toMatchObject({ version: 3, healed: true });
    expect(await test.state()).toMatchObject({ bundleVersion: 3, servingVms: 3 });
    const now = readEcds(readFileSync(filter.ecdsPath, "utf8"));
    expect(now?.configuration).toMatchObject({ min_version: 3 });
    expect(now?.configuration.leeway).toBeUndefined();
  }

  it("is none, as the file is no longer its own", () => race("healing", 1));
  it("and in the moment before its rename", () => race("ready", 2));
});

describe("without the filter", () => {
  it("a grant opens nothing, a forged attestation does not reach the upstream, normal callers go on", async () => {
    await start({ edit: withoutFilter });
    expect(await withGrant()).toEqual([401]);
    const token = await test.normalToken();
    const answer = await send({
      port: test.port,
      path: "/orders/7",
      headers: { authorization: `Bearer ${token}`, "x-break-glass-grant": 'sub="admin"' },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain("x-break-glass-grant");
  });

  it("a listener that demands grants is closed", async () => {
    await start({ render: { require: true }, edit: withoutFilter });
    expect(statuses(await many({}))).toEqual([403]);
    expect(await withGrant()).toEqual([403]);
  });
});

describe("with the filter", () => {
  it("a normal caller's forged attestation does not reach the upstream", async () => {
    await start({ initial: world.configuration() });
    const authorization = `Bearer ${await test.normalToken()}`;
    const answer = await send({
      port: test.port,
      path: "/orders/7",
      headers: { authorization, "x-break-glass-grant": ['sub="admin"', 'sub="root"'] },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain("x-break-glass-grant");
    expect(answer.body).toContain("x-jwt-payload");
  });
});

describe("`require`", () => {
  it("answers no_grant without a grant, and lets the granted through", async () => {
    await start({ render: { require: true } });
    await test.configure(world.configuration({ configuration: { require: true } }));
    const answer = await send({ port: test.port, path: "/orders/7" });
    expect(answer).toMatchObject({
      status: 401,
      headers: {
        "www-authenticate": "BreakGlass",
        "content-type": "application/problem+json",
        "cache-control": "no-store",
      },
    });
    expect(JSON.parse(answer.body)).toMatchObject({ code: "no_grant" });
    expect(await withGrant()).toEqual([200]);
    expect(
      (await send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": world.alone() } })).headers[
        "cache-control"
      ],
    ).toBe("no-store");
    expect(statuses(await many({ "x-break-glass": "nonsense" }))).toEqual([401]);
  });
});

describe("at start", () => {
  for (const [name, times] of [
    ["an expired bundle", { iat: world.now - 100, exp: world.now - 1 }],
    ["a clock that is behind the bundle", { iat: world.now + 5000, exp: world.now + 9000 }],
  ] as const) {
    it(`${name} denies grants and stops nobody`, async () => {
      await start({ initial: world.configuration({ bundle: world.bundleClaims(times) }) });
      expect((await test.state()).bundleVersion).toBeDefined();
      expect(await normal()).toEqual([200]);
      expect(await withGrant()).toEqual([503]);
    });
  }
});
