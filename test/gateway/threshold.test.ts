/**
 * Seen on a real Envoy: a bundle that one root had signed came to govern a listener that asks for two, by pushing A, B and A
 * again. Envoy's canary knows A by then, so nobody asks whether it is older than B.
 */
import { afterAll, expect, it } from "vitest";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const gateway = startTestEnvoy(world, { concurrency: 2 });
afterAll(async () => (await gateway).stop());

it("A, B and A again: no thread judges by the bundle that one root signed where two are asked for", async () => {
  const test = await gateway;
  const claims = world.bundleClaims();
  const principals = Array.isArray(claims.principals) ? claims.principals : [];
  const stranger = { id: "stranger", roles: ["oncall"], keys: [world.stranger.jwk] };
  const a = world.configuration();
  const b = world.configuration({
    bundle: world.bundleClaims({ principals: [...principals, stranger] }),
    signedBy: [world.roots[0]],
    configuration: { threshold: 1 },
  });
  /** On connections of their own, so that they spread over the workers. */
  const codes = async (): Promise<ReadonlySet<string>> => {
    const grant = world.alone({ by: world.stranger, claims: { sub: "stranger" } });
    const answers = await Promise.all(
      Array.from({ length: 24 }, () =>
        send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant } }),
      ),
    );
    return new Set(answers.map(({ status, body }) => /"code":"(\w+)"/.exec(body)?.[1] ?? String(status)));
  };
  await test.configure(a);
  expect(await codes()).not.toContain("200");
  await test.configure(b);
  expect(await codes()).toEqual(new Set(["200"]));
  const refused = async (): Promise<number> =>
    (await test.envoy.admin.stats("glassgate\\.refused")).values().next().value ?? 0;
  test.offer(a);
  // Each of the three threads ignores the older bundle, and may not take the thinly signed one in its place.
  await expect.poll(refused, { timeout: 60_000 }).toBe(3);
  expect(await codes()).toEqual(new Set(["no_trust"]));
});
