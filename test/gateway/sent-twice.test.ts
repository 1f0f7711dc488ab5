/**
 * Envoy sends some requests more than once by itself: retries, mirrors, redirects that it follows. What of a grant and its proof
 * goes with them, and a WebSocket under a bound grant.
 */
import { createServer, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { proofOf } from "../kit/proofs.js";
import { newSigner } from "../kit/token.js";
import { HOST as API, World } from "../kit/world.js";
import { Denied, OPENERS } from "./streams-kit.js";
import { all, edited, HOST, MANAGER, set } from "./verify/files.js";

const world = new World(Math.floor(Date.now() / 1000));
const key = newSigner("Ed25519");
const scope = [world.detail({ actions: ["GET", "CONNECT"], paths: ["/orders/*"] })];
const grant = world.alone({ claims: { ent: "wide", cnf: { jkt: key.kid }, authorization_details: scope } });
const claims = world.bundleClaims({
  entitlements: [world.entitlement("wide", { approvals: [], authorization_details: scope })],
});

type Seen = Pick<IncomingMessage, "url" | "headers">;
const seen: Seen[] = [];
const mirrored: Seen[] = [];
let flaky = 0;
const upstream = createServer((request, response) => {
  seen.push(request);
  if (request.url === "/orders/moves") response.writeHead(302, { location: `http://${API}/orders/7` }).end();
  else if (request.url === "/orders/leaves") response.writeHead(302, { location: `http://${API}/admin` }).end();
  else if (request.url === "/orders/flaky" && flaky++ === 0) response.writeHead(503).end();
  else response.end("served");
});
upstream.on("upgrade", (request, socket) => {
  seen.push(request);
  socket.on("error", () => socket.destroy());
  socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  socket.pipe(socket);
});
const mirror = createServer((request, response) => {
  mirrored.push(request);
  response.end();
});
const listen = (server: typeof mirror): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    }),
  );
let test: TestEnvoy;

beforeAll(async () => {
  const [port, mirrorPort] = [await listen(upstream), await listen(mirror)];
  const endpoint = { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: mirrorPort } } } };
  const route = (path: string, more: object) => ({ match: { path }, route: { cluster: "upstream", ...more } });
  const follow = { internal_redirect_policy: { redirect_response_codes: [302] } };
  test = await startTestEnvoy(world, {
    concurrency: 2,
    render: { upstream: { host: "127.0.0.1", port } },
    edit: (config) =>
      edited(
        config,
        all(
          set([...MANAGER, "upgrade_configs"], [{ upgrade_type: "websocket" }]),
          set(
            [...HOST, "routes"],
            [
              route("/orders/moves", follow),
              route("/orders/leaves", follow),
              route("/orders/flaky", { retry_policy: { retry_on: "5xx", num_retries: 2 } }),
              route("/orders/mirrored", { request_mirror_policies: [{ cluster: "mirror" }] }),
              { match: { prefix: "/" }, route: { cluster: "upstream" } },
            ],
          ),
          set(["static_resources", "clusters", 1], {
            name: "mirror",
            type: "STATIC",
            load_assignment: { cluster_name: "mirror", endpoints: [{ lb_endpoints: [endpoint] }] },
          }),
        ),
      ),
    initial: world.configuration({ bundle: claims }),
  });
  // A new VM takes no proof from before its start.
  for (;;) {
    const { status } = await ask("/orders/ready");
    if (status === 200) break;
  }
  seen.length = 0;
});
afterAll(async () => {
  await test?.stop();
  for (const server of [upstream, mirror]) {
    server.closeAllConnections();
    server.close();
  }
});

const proofFor = (path: string): string => proofOf(key, { grant, claims: { htu: `https://${API}${path}` } });
const ask = (path: string) =>
  send({ port: test.port, path, headers: { "x-break-glass": grant, dpop: proofFor(path) } });
const withGrant = ({ headers }: Seen): boolean => "x-break-glass" in headers || "dpop" in headers;

it("a redirect that Envoy follows itself runs without the grant: it is the normal authentication's, in scope or not", async () => {
  for (const path of ["/orders/moves", "/orders/leaves"]) {
    const { status } = await ask(path);
    expect(status, path).toBe(401);
    expect(seen.splice(0).map(({ url }) => url)).toEqual([path]);
  }
});

it("a retry by the router needs no second proof", async () => {
  expect(await ask("/orders/flaky")).toMatchObject({ status: 200, body: "served" });
  expect(seen.map(({ url }) => url)).toEqual(["/orders/flaky", "/orders/flaky"]);
  expect(seen.splice(0).some(withGrant)).toBe(false);
});

it("a mirror gets neither grant nor proof, and the attestation as the upstream does", async () => {
  expect(await ask("/orders/mirrored")).toMatchObject({ status: 200 });
  for (let tries = 0; mirrored.length === 0 && tries < 6000; tries++) await new Promise((done) => setTimeout(done, 10));
  const [copy] = mirrored;
  expect(copy?.headers["x-break-glass-grant"]).toBe(seen.splice(0)[0]?.headers["x-break-glass-grant"]);
  expect(copy?.headers["x-break-glass-grant"]).toContain('sub="');
  expect(mirrored.splice(0).some(withGrant)).toBe(false);
});

it("a WebSocket under a bound grant: a proof for its GET, once, and it flows", async () => {
  const path = "/orders/feed";
  const open = (dpop: string) => OPENERS.websocket(test.port, path, { "x-break-glass": grant, dpop });
  const denied = (error: unknown) => (error instanceof Denied ? error.status : error);
  const proof = proofFor(path);
  const socket = await open(proof);
  await socket.flows();
  expect(seen.map(({ url, headers }) => [url, headers.upgrade])).toEqual([[path, "websocket"]]);
  expect(seen.splice(0).some(withGrant)).toBe(false);
  expect(await open(proof).catch(denied)).toBe(401);
  const forConnect = proofOf(key, { grant, claims: { htm: "CONNECT", htu: `https://${API}${path}` } });
  expect(await open(forConnect).catch(denied)).toBe(401);
  expect(await OPENERS.websocket(test.port, path, { "x-break-glass": grant }).catch(denied)).toBe(401);
  const other = await open(proofOf(key, { grant, claims: { htu: `wss://${API}:443${path}` } }));
  await other.flows();
  for (const one of [socket, other]) one.close();
  expect(seen.splice(0).map(({ url }) => url)).toEqual([path]);
});
