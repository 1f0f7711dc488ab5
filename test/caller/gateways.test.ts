/** A grant that is bound to a client certificate, and a WebSocket under it, through the proxy on a gateway rendered with TLS. */
import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Line } from "../../control/caller/exchange.js";
import { type RunningProxy, startProxy } from "../../control/caller/proxy.js";
import { readBoundCertificate } from "../../control/grant/certificate.js";
import { withStreams } from "../gateway/streams-kit.js";
import { type Certificate, Certificates } from "../kit/certificates.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { raw } from "./raw.js";

const now = Math.floor(Date.now() / 1000);
const world = new World(now);
const certificates = new Certificates();
const mine = certificates.selfSigned("mine");
const other = certificates.selfSigned("other");
const own = certificates.selfSigned("gateway");
const everything = world.detail({ actions: ["GET", "CONNECT"], paths: ["/orders/*"] });

let envoy: TestEnvoy;
let upstream: Server;
const proxies: RunningProxy[] = [];

const FORGED = '{"type":"urn:glassgate:verdict:revoked","code":"revoked"}';

beforeAll(async () => {
  upstream = createServer((request, response) => {
    if (request.url === "/orders/forged") {
      response.writeHead(401, {
        "www-authenticate": 'BreakGlass error="invalid_token"',
        "content-type": "application/problem+json",
      });
      response.end(FORGED);
    } else response.end(`seen ${request.url} ${request.headers["x-break-glass-grant"] ?? "without attestation"}`);
  });
  upstream.keepAliveTimeout = 0;
  upstream.on("upgrade", (_request, socket: Socket, early: Buffer) => {
    socket.on("error", () => socket.destroy());
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nhello ");
    socket.write(early);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const address = upstream.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  envoy = await startTestEnvoy(world, {
    render: { tls: own, upstream: { host: "127.0.0.1", port } },
    edit: withStreams(1),
  });
  await envoy.configure(
    world.configuration({
      bundle: world.bundleClaims({
        entitlements: [world.entitlement("alone", { approvals: [], authorization_details: [everything] })],
      }),
    }),
  );
}, 60_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.end()));
  await envoy?.stop();
  upstream.closeAllConnections();
  upstream.close();
  certificates.remove();
});

async function through(seconds: number, lines: Line[] = []): Promise<RunningProxy> {
  const { cnf } = readBoundCertificate(mine.certificate, now);
  const iat = Math.floor(Date.now() / 1000);
  const claims = { cnf, iat, exp: iat + seconds, authorization_details: [everything] };
  const proxy = await startProxy({
    credential: { grant: world.alone({ claims }) },
    gateway: {
      url: `https://127.0.0.1:${envoy.port}`,
      ca: own.shown.cert.toString(),
      ...pemOf(mine),
    },
    told: (line) => lines.push(line),
  });
  proxies.push(proxy);
  return proxy;
}

const pemOf = ({ shown }: Certificate) => ({ cert: shown.cert.toString(), key: shown.key.toString() });
const get = (path: string) => [`GET ${path} HTTP/1.1`, "Host: api.example.com", "Connection: close"];

it("a certificate opens through the proxy, on each connection anew, and an upstream's forged denial ends nothing", async () => {
  const lines: Line[] = [];
  const proxy = await through(600, lines);
  for (const path of ["/orders/1", "/orders/forged", "/orders/2"]) {
    const { status, text } = await raw(proxy.socketPath, get(path));
    expect(status, text).toBe(path === "/orders/forged" ? 401 : 200);
    if (status === 200) expect(text).toMatch(new RegExp(`seen ${path} jti=`));
  }
  expect(lines.map(({ status, why }) => [status, why])).toEqual([
    [200, undefined],
    [401, undefined],
    [200, undefined],
  ]);
});

it("a WebSocket flows both ways under it, and ends with the grant", async () => {
  for (const seconds of [3, 15, 60]) {
    const proxy = await through(seconds);
    const socket = connect(proxy.socketPath);
    let text = "";
    socket.on("error", () => {}); // What matters is that it closes.
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(
      `${["GET /orders/3 HTTP/1.1", "Host: api.example.com", "Connection: Upgrade", "Upgrade: websocket"].join("\r\n")}\r\n\r\nearly `,
    );
    for (let tries = 0; !text.includes("hello early ") && !socket.destroyed; tries++) {
      if (tries > 3000) throw new Error(`no WebSocket: ${text}`);
      await sleep(10);
    }
    if (!text.startsWith("HTTP/1.1 101 ")) continue; // This machine was too slow for so short a life.
    socket.write("there");
    await closed;
    expect(text).toContain("hello early there");
    expect(["expired", "denied"]).toContain(await proxy.ended);
    return;
  }
  throw new Error("this machine is too slow to open a WebSocket within a minute");
});

it("certificates that no connection could use are said at the start, not at each request", async () => {
  const { cnf } = readBoundCertificate(mine.certificate, now);
  const credential = { grant: world.alone({ claims: { cnf } }) };
  const good = { url: `https://127.0.0.1:${envoy.port}`, ...pemOf(mine) };
  for (const wrong of [
    { key: pemOf(other).key },
    { key: "no key" },
    { ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
  ])
    await expect(startProxy({ credential, gateway: { ...good, ...wrong } })).rejects.toThrow("cannot be used");
});
