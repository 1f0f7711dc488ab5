/**
 * Seen on a real Envoy: a bundle that one root had signed came to govern a listener that asks for two, by pushing A, B and A
 * again. Envoy's canary knows A by then, so nobody asks whether it is older than B.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { afterAll, expect, it } from "vitest";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { HOST, World } from "../kit/world.js";

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

it("A, B and A again while a stream is open under A: Envoy takes A's context as it is, and what B revoked stays revoked", async () => {
  let held = 0;
  const upstream = createServer((request, response) => {
    if (request.headers["x-hold"] === undefined) response.end("here\n");
    else held += 1;
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const address = upstream.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const test = await startTestEnvoy(world, { concurrency: 1, render: { upstream: { host: "127.0.0.1", port } } });
  try {
    const grant = world.alone();
    const ask = async (): Promise<string> => {
      const { status, body } = await send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant } });
      return /"code":"(\w+)"/.exec(body)?.[1] ?? String(status);
    };
    const stat = async (name: string): Promise<number> =>
      (await test.envoy.admin.stats(`glassgate\\.${name}$`)).values().next().value ?? 0;
    const a = world.configuration();
    await test.configure(a);
    const socket = connect(test.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(`GET /orders/7 HTTP/1.1\r\nhost: ${HOST}\r\nx-hold: 1\r\nx-break-glass: ${grant}\r\n\r\n`);
    await expect.poll(() => held, { timeout: 60_000 }).toBe(1);
    await test.configure(world.configuration({ bundle: world.bundleClaims({ revoked: { sub: ["rita"] } }) }));
    expect(await ask()).toBe("revoked");
    const before = await stat("config_reload");
    test.offer(a);
    await expect.poll(() => stat("config_reload"), { timeout: 60_000 }).toBe(before + 1);
    // Every thread has it once this one's requests come under it: whichever it is, the newest bundle decides.
    for (let i = 0; i < 20; i++) expect(await ask()).toBe("revoked");
    socket.destroy();
    expect(await ask()).toBe("revoked");
  } finally {
    await test.stop();
    upstream.closeAllConnections();
    upstream.close();
  }
});
