/** On a real Envoy: 300 pushes with a stream each. Nothing opens, nothing else fails, and gauges tell of it. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { HOST, World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const PATIENCE = { timeout: 60_000, interval: 20 };
let test: TestEnvoy;
afterEach(() => test.stop());

async function stat(name: string): Promise<number> {
  const all = await test.envoy.admin.stats(name.replaceAll(".", "\\."));
  return [...all].find(([key]) => key.endsWith(name))?.[1] ?? 0;
}

const ask = (headers: Record<string, string>) => send({ port: test.port, path: "/orders/7", headers });

/** Answers at once, but for requests that are to be held: those never. */
async function holdingUpstream() {
  let held = 0;
  const server = createServer((request, response) => {
    if (request.headers["x-hold"] === undefined) response.end("here\n");
    else held += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    held: () => held,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

it("300 pushes with a stream each, and the largest bundles until memory ends: denied, closed, and room comes back", async () => {
  const upstream = await holdingUpstream();
  test = await startTestEnvoy(world, {
    render: { require: true, upstream: { host: "127.0.0.1", port: upstream.port } },
    // However slow the machine.
    edit: (config) =>
      config
        .replace("stream_idle_timeout: 60s", "stream_idle_timeout: 900s")
        .replace("cluster: upstream, timeout: 30s", "cluster: upstream, timeout: 0s")
        // What is held may pass without a grant too: streams under grants end where their audience is served no more.
        .replace(
          "principals:",
          "principals:\n                              - header: { name: x-hold, present_match: true }",
        ),
  });
  const streams: Socket[] = [];
  let answered = 0;
  const openStream = (grant?: string): void => {
    const socket = connect(test.port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      answered += 1;
    });
    const header = grant === undefined ? "" : `x-break-glass: ${grant}\r\n`;
    socket.write(`GET /orders/7 HTTP/1.1\r\nhost: ${HOST}\r\nx-hold: 1\r\n${header}\r\n`);
    streams.push(socket);
  };
  let pushed = 0;
  const pushWithStream = async (configuration: string, grant?: string): Promise<void> => {
    pushed += 1;
    test.offer(configuration);
    await expect.poll(() => stat("glassgate.config_reload"), { ...PATIENCE, interval: 5 }).toBe(pushed + 1);
    openStream(grant);
    await expect.poll(() => upstream.held(), { ...PATIENCE, interval: 5 }).toBe(pushed);
  };
  while (pushed < 300) await pushWithStream(world.configuration(), world.alone());
  expect(answered).toBe(0);
  await expect.poll(() => stat("glassgate.contexts"), PATIENCE).toBeGreaterThanOrEqual(300);
  expect(await stat("glassgate.refused")).toBe(0);

  // And on with the largest bundles, to the end of memory: each of another audience, as contexts of one take over its newest bundle.
  const principals = [
    { id: "rita", roles: ["oncall"], keys: [world.rita.jwk] },
    ...Array.from({ length: 2400 }, (_, i) => ({ id: `p${i}`, roles: [..."abcdefghijkl"], keys: [] })),
  ];
  let status = 200;
  while (status === 200 && pushed < 363) {
    const audience = `region-${pushed}`;
    await pushWithStream(
      world.configuration({ bundle: world.bundleClaims({ aud: [audience], principals }), configuration: { audience } }),
    );
    status = (await ask({ "x-break-glass": world.alone({ claims: { aud: audience } }) })).status;
  }
  expect(status).toBe(503);
  expect(test.envoy.log()).toMatch(/glassgate: this VM holds \d+ of at most 65536 KiB of settings and bundles/);
  expect(test.envoy.log()).toContain("configuration refused: the bundle: this VM holds too many bundles at once");
  await expect.poll(() => stat("glassgate.refused"), PATIENCE).toBeGreaterThan(0);
  const denied = await ask({ "x-break-glass": world.alone() });
  expect(denied).toMatchObject({ status: 503, body: expect.stringContaining("no_trust") });
  // The filter lets it go on, the RBAC filter behind it does not: it demands the verdict.
  expect((await ask({})).status).toBe(403);
  expect(await test.state()).toMatchObject({ vmCount: 3 });

  for (const socket of streams) socket.destroy();
  await expect.poll(() => stat("glassgate.streams"), PATIENCE).toBe(0);
  await test.configure(world.configuration());
  expect((await ask({ "x-break-glass": world.alone() })).status).toBe(200);
  upstream.stop();
});
