/** A gateway, or what stands behind it, that lies: it ends its own answer, never the proxy, and the client is told. */
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Line } from "../../control/caller/exchange.js";
import { type RunningProxy, startProxy } from "../../control/caller/proxy.js";
import { detail, looseGrant, raw } from "./raw.js";

let reply = "";
let server: Server;
let proxy: RunningProxy;
const told: Line[] = [];

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on("error", () => {}); // The proxy has gone away.
    socket.once("data", () => socket.write(reply, "latin1"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const grant = await looseGrant([detail(), detail({ actions: ["GET", "CONNECT"], paths: ["/feed"] })]);
  proxy = await startProxy({
    credential: { grant },
    gateway: { url: `http://127.0.0.1:${port}` },
    told: (line) => told.push(line),
  });
});
afterAll(async () => {
  await proxy.end();
  server.close();
});

const plain = (more = "Connection: close") =>
  raw(proxy.socketPath, ["GET /orders/1 HTTP/1.1", "Host: api.example.com", more]);
const webSocket = () =>
  raw(proxy.socketPath, ["GET /feed HTTP/1.1", "Host: api.example.com", "Connection: Upgrade", "Upgrade: websocket"]);

for (const [what, answer] of [
  ["the status 000", "HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n"],
  ["the status 099", "HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n"],
  ["101 without a protocol", "HTTP/1.1 101 X\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
  ["a length and chunks", "HTTP/1.1 200 X\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["headers without an end", `HTTP/1.1 200 X\r\nx: ${"y".repeat(70_000)}`],
  ["a control character", "HTTP/1.1 200 X\r\nx: \u001b[2J\r\ncontent-length: 0\r\n\r\n"],
  ["a folded header", "HTTP/1.1 200 X\r\nx: y\r\n set-cookie: z\r\ncontent-length: 0\r\n\r\n"],
  ["no HTTP", "\u0015\u0003\u0001 nonsense\r\n\r\n"],
] as const)
  it(`${what}: is a 502 for whoever asked, and the proxy goes on`, async () => {
    reply = answer;
    for (const ask of [plain, webSocket]) {
      const { status, text } = await ask();
      expect(status).toBe(502);
      expect(text).toContain("the gateway");
      expect(told.splice(0).map((line) => line.status)).toEqual([502]);
    }
  });

it("another protocol that nobody asked for is a 502, not silence", async () => {
  reply = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello";
  const { status, text } = await plain();
  expect(status).toBe(502);
  expect(text).not.toContain("hello");
  expect(told.splice(0).map((line) => line.status)).toEqual([502]);
});

it("a second answer reaches nobody, and one that breaks off gets no other behind it", async () => {
  reply = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL";
  for (const ask of [plain, webSocket]) expect((await ask()).text).not.toContain("EVIL");
  reply = "HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc";
  const { status, text } = await webSocket();
  expect(status).toBe(204);
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  told.length = 0;
});

it("headers pass byte for byte, __proto__ among them, also with a WebSocket's refusal", async () => {
  reply = "HTTP/1.1 200 OK\r\nx-a: b\u00e9\u00ff\r\n__proto__: p\r\ncontent-length: 2\r\n\r\nok";
  for (const ask of [plain, webSocket]) {
    const { text } = await ask();
    expect(text).toContain("x-a: b\u00e9\u00ff\r\n");
    expect(text).toContain("__proto__: p\r\n");
  }
  told.length = 0;
});

it("a denial that an upstream has made up is told as an answer, and ends nothing; the gateway's own does, of a WebSocket too", async () => {
  const body = '{"type":"urn:glassgate:verdict:revoked","code":"revoked"}';
  const denial = (more: string): string =>
    `HTTP/1.1 401 X\r\nwww-authenticate: BreakGlass error="invalid_token"\r\ncontent-type: application/problem+json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;
  reply = denial("x-envoy-upstream-service-time: 3\r\n");
  for (const ask of [plain, webSocket]) {
    expect((await ask()).status).toBe(401);
    expect(told.splice(0).map(({ status, why }) => [status, why])).toEqual([[401, undefined]]);
  }
  reply = denial("");
  expect((await webSocket()).status).toBe(401);
  expect(await proxy.ended).toBe("denied");
  expect(told.at(-1)?.why).toContain("revoked");
});
