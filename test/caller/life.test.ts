/** Streams pass as they come, and end with the grant; the way to the gateway is verified. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { nowSeconds } from "../../control/base/time.js";
import { breakGlassFetch } from "../../control/caller/fetch.js";
import { certificateThumbprint } from "../../control/caller/gateway.js";
import { type ProxyOptions, type RunningProxy, startProxy } from "../../control/caller/proxy.js";
import { newKey } from "../../control/signer/jwk.js";
import { detail, looseGrant, raw, startStub } from "./raw.js";

const SOCKET_DETAIL = detail({ actions: ["GET", "CONNECT"], paths: ["/feed"] });

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 3000) throw new Error("it never came to be");
    await sleep(10);
  }
}

const isClosed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

/** A connection by the proxy's socket, with the request sent. */
function request(proxy: RunningProxy, lines: readonly string[]): Socket {
  const socket = connect(proxy.socketPath);
  socket.on("error", () => {}); // What matters is that it closes.
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return socket;
}

const DOWNLOAD = ["GET /orders/endless HTTP/1.1", "Host: api.example.com"];
const UPLOAD = ["POST /orders/1 HTTP/1.1", "Host: api.example.com", "Transfer-Encoding: chunked"];
const WEBSOCKET = ["GET /feed HTTP/1.1", "Host: api.example.com", "Connection: Upgrade", "Upgrade: websocket"];

describe("streams", () => {
  let stub: Awaited<ReturnType<typeof startStub>>;
  let open = 0;
  let produced = 0;
  let isBlocked = false;
  let isHeld = true;
  const proxies: RunningProxy[] = [];
  const start = async (ttl: number, options: Partial<ProxyOptions> = {}): Promise<RunningProxy> => {
    const grant = await looseGrant([detail(), SOCKET_DETAIL], { ttl });
    const proxy = await startProxy({ credential: { grant }, gateway: { url: stub.url }, ...options });
    proxies.push(proxy);
    return proxy;
  };

  beforeAll(async () => {
    stub = await startStub();
    stub.server.prependListener("request", (incoming, response) => {
      open += 1;
      incoming.socket.once("close", () => {
        open -= 1;
      });
      if (incoming.url === "/orders/breaks") {
        response.writeHead(200, { "content-length": "100" });
        response.write("ten bytes!", () => incoming.socket.destroy());
      }
      if (incoming.url !== "/orders/endless") return;
      const chunk = Buffer.alloc(64 * 1024, "x");
      const write = (): void => {
        isBlocked = false;
        for (let more = true; more && !response.destroyed; produced += chunk.length) more = response.write(chunk);
        isBlocked = true;
      };
      response.on("drain", write);
      write();
    });
    stub.server.on("upgrade", (_incoming, socket: Socket, early: Buffer) => {
      open += 1;
      socket.once("close", () => {
        open -= 1;
      });
      socket.on("error", () => {});
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\nhello ",
      );
      socket.write(early);
      socket.pipe(socket);
    });
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.end()));
    await stub.stop();
  });

  for (const [name, options, why] of [
    ["runs out", { clock: () => nowSeconds() + (isHeld ? 0 : 600) }, "expired"],
    ["is given back", { isHeld: () => isHeld }, "returned"],
  ] as const) {
    it(`a download, an upload and a WebSocket end when the grant ${name}, and nothing is left`, async () => {
      isHeld = true;
      const proxy = await start(600, options);
      const sockets = [DOWNLOAD, UPLOAD, WEBSOCKET].map((lines) => request(proxy, lines));
      let echoed = "";
      sockets[2]?.on("data", (chunk: Buffer) => {
        echoed += chunk.toString();
      });
      sockets[2]?.write("there");
      sockets[0]?.resume();
      const closed = Promise.all(sockets.map(isClosed));
      await until(() => echoed.includes("hello there") && produced > 0 && open === 3);
      expect(echoed).toContain("sec-websocket-accept: a\r\n");
      isHeld = false;
      await closed;
      expect(await proxy.ended).toBe(why);
      await until(() => open === 0);
      expect(existsSync(proxy.socketPath)).toBe(false);
      await expect(raw(Number(new URL(proxy.url).port), ["GET / HTTP/1.1"])).rejects.toThrow("ECONNREFUSED");
    });
  }
  it("after the end the port of a command that goes on stays the proxy's, and refuses all, until the command has ended", async () => {
    isHeld = true;
    const proxy = await start(600, { isHeld: () => isHeld, keepsPort: true });
    const { port, username, password } = new URL(proxy.url);
    const ask = async (): Promise<number> => {
      const authorization = `Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
      const lines = ["GET /orders/1 HTTP/1.1", `Host: 127.0.0.1:${port}`, authorization, "Connection: close"];
      return (await raw(Number(port), lines)).status;
    };
    expect(await ask()).toBe(200);
    isHeld = false;
    expect(await proxy.ended).toBe("returned");
    expect(existsSync(proxy.socketPath)).toBe(false);
    stub.seen.length = 0;
    expect(await ask()).toBe(503);
    expect(stub.seen).toEqual([]);
    await proxy.end();
    await expect(ask()).rejects.toThrow("ECONNREFUSED");
  });

  it("a slow reader slows the sender, and what the proxy holds stays small", async () => {
    const proxy = await start(600);
    produced = 0;
    const socket = request(proxy, DOWNLOAD);
    socket.pause();
    let quiet = 0;
    let before = -1;
    await until(() => {
      quiet = isBlocked && produced === before ? quiet + 1 : 0;
      before = produced;
      return quiet > 50;
    });
    expect(produced).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
    await until(() => open === 0); // A client that leaves ends the way to the gateway.
  });

  it("an answer that breaks off does not look whole, and a gateway that is not there is a 502", async () => {
    const proxy = await start(600);
    const broken = await raw(proxy.socketPath, ["GET /orders/breaks HTTP/1.1", "Host: api.example.com"]);
    expect(broken.text).toContain("content-length: 100\r\n");
    expect(broken.text.endsWith("ten bytes!")).toBe(true);
    const grant = await looseGrant();
    const none = await startProxy({ credential: { grant }, gateway: { url: "http://127.0.0.1:1" } });
    proxies.push(none);
    const { status, text } = await raw(none.socketPath, ["GET /orders/1 HTTP/1.1", "Host: api.example.com"]);
    expect(status).toBe(502);
    expect(text).toContain("nobody listens there");
  });

  it("a gateway's denial is told, and one that says that the grant is no more ends all", async () => {
    const told: string[] = [];
    let code = "quorum";
    const gateway = await startStub(() => ({
      status: 401,
      headers: { "www-authenticate": 'BreakGlass error="invalid_token"', "content-type": "application/problem+json" },
      body: JSON.stringify({ type: `urn:glassgate:verdict:${code}`, code }),
    }));
    const proxy = await startProxy({
      credential: { grant: await looseGrant() },
      gateway: { url: gateway.url },
      told: ({ status, why }) => told.push(`${status} ${why}`),
    });
    const once = () => raw(proxy.socketPath, ["GET /orders/1 HTTP/1.1", "Host: api.example.com", "Connection: close"]);
    expect((await once()).text).toContain('"code":"quorum"');
    expect((await once()).status).toBe(401);
    code = "revoked";
    expect((await once()).text).toContain('"code":"revoked"');
    expect(await proxy.ended).toBe("denied");
    expect(told.map((line) => line.split(":", 2).join(":"))).toEqual([
      "401 the gateway: quorum",
      "401 the gateway: quorum",
      "401 the gateway: revoked",
    ]);
    await gateway.stop();
  });

  it("a grant that has ended, a wrong key, a key too many: refused before anything listens", async () => {
    const proofKey = newKey("Ed25519");
    const bound = await looseGrant([detail()], { cnf: { jkt: proofKey.kid } });
    const loose = await looseGrant();
    await expect(startProxy({ credential: { grant: bound } })).rejects.toThrow("the key is not here");
    await expect(startProxy({ credential: { grant: bound, proofKey: newKey("Ed25519") } })).rejects.toThrow(
      "is not the one",
    );
    await expect(startProxy({ credential: { grant: loose, proofKey } })).rejects.toThrow("bound to no proof key");
    const short = await looseGrant([detail()], { ttl: 1 });
    await sleep(1100);
    await expect(startProxy({ credential: { grant: short } })).rejects.toThrow(
      /The grant has ended: .*, by this machine/,
    );
    const later = await breakGlassFetch({ grant: short });
    await expect(later("https://api.example.com/orders/1")).rejects.toThrow(/The grant has ended: .*, by this machine/);
  });
});

it("the socket's folder is one that can be used, of this user, and with a name that is not cut off", async () => {
  const grant = await looseGrant();
  const { XDG_RUNTIME_DIR: runtime, TMPDIR: temporary } = process.env;
  const short = mkdtempSync("/tmp/glassgate-t-");
  const long = join(short, "x".repeat(100));
  mkdirSync(long);
  const put = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  try {
    put("TMPDIR", short);
    for (const unusable of [join(short, "none"), "relative", long, "/proc"]) {
      put("XDG_RUNTIME_DIR", unusable);
      const proxy = await startProxy({ credential: { grant } });
      expect(proxy.socketPath.startsWith(`${short}/glassgate-`), proxy.socketPath).toBe(true);
      expect(existsSync(proxy.socketPath)).toBe(true);
      await proxy.end();
    }
    put("XDG_RUNTIME_DIR", "");
    put("TMPDIR", long);
    await expect(startProxy({ credential: { grant } })).rejects.toThrow("too long for a socket");
    expect(readdirSync(long)).toEqual([]);
    expect(readdirSync(short)).toEqual(["x".repeat(100)]);
  } finally {
    put("XDG_RUNTIME_DIR", runtime);
    put("TMPDIR", temporary);
    rmSync(short, { recursive: true });
  }
});

describe("the way to the gateway", () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-tls-"));
  const file = (name: string): string => join(folder, name);
  const pem = (name: string): string => readFileSync(file(name), "utf8");
  let url = "";
  let server: ReturnType<typeof createTlsServer>;
  const shown: string[] = [];
  let asked = 0;

  beforeAll(async () => {
    const make = (name: string, more: readonly string[]): void => {
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(`${name}.key`)];
      const args = ["req", "-x509", ...key, "-out", file(`${name}.pem`), "-days", "1", "-subj", `/CN=${name}`, ...more];
      execFileSync("openssl", args, { stdio: "ignore" });
    };
    make("gateway", ["-addext", "subjectAltName=DNS:api.example.com"]);
    make("client", []);
    make("other", []);
    server = createTlsServer(
      { key: pem("gateway.key"), cert: pem("gateway.pem"), requestCert: true, rejectUnauthorized: false },
      (incoming, response) => {
        asked += 1;
        if (incoming.socket instanceof TLSSocket)
          shown.push(incoming.socket.getPeerX509Certificate()?.fingerprint256 ?? "");
        response.end("over TLS");
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function through(options: ProxyOptions): Promise<{ status: number; text: string }> {
    const proxy = await startProxy(options);
    const [host = ""] = proxy.hosts;
    const answer = await raw(proxy.socketPath, ["GET /orders/1 HTTP/1.1", `Host: ${host}`, "Connection: close"]);
    await proxy.end();
    return answer;
  }

  it("is verified, by the grant's host; nothing is sent to another", async () => {
    const grant = await looseGrant();
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect((await through({ credential: { grant }, gateway: { url } })).status).toBe(502);
      const other = await looseGrant([detail({ locations: ["other.example.com"] })]);
      expect((await through({ credential: { grant: other }, gateway: { url, ca: pem("gateway.pem") } })).status).toBe(
        502,
      );
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(asked).toBe(0);
    const answer = await through({ credential: { grant }, gateway: { url, ca: pem("gateway.pem") } });
    expect(answer.text).toContain("over TLS");
  });

  it("is verified for a program's fetch as well, whatever the environment makes of it", async () => {
    const { host, port } = new URL(url);
    const plain = await startStub();
    const clear = new URL(plain.url);
    const locations = [host, `localhost:${port}`, clear.host];
    const fetchWith = await breakGlassFetch({ grant: await looseGrant([detail({ locations })]) });
    const before = asked;
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    for (const other of [url, `https://localhost:${port}`])
      await expect(fetchWith(`${other}/orders/1`)).rejects.toThrow("NODE_TLS_REJECT_UNAUTHORIZED=0");
    expect(asked).toBe(before);
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", undefined);

    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    vi.stubEnv("NO_PROXY", "");
    for (const [name, value] of [
      ["NODE_USE_ENV_PROXY", "1"],
      ["NODE_OPTIONS", "--use-env-proxy"],
    ] as const) {
      vi.stubEnv(name, value);
      await expect(fetchWith(`${clear.origin}/orders/1`)).rejects.toThrow("in clear to the proxy");
      vi.stubEnv(name, undefined);
    }
    expect(plain.seen).toEqual([]);
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    vi.stubEnv("NO_PROXY", `example.com, ${clear.hostname}`);
    expect((await fetchWith(`${clear.origin}/orders/1`)).status).toBe(200);
    vi.unstubAllEnvs();
    await plain.stop();
  });

  it("shows the client certificate that the grant is bound to, and no other", async () => {
    const thumbprint = certificateThumbprint(pem("client.pem"));
    const credential = { grant: await looseGrant([detail()], { cnf: { "x5t#S256": thumbprint } }) };
    const gateway = { url, ca: pem("gateway.pem") };
    await expect(through({ credential, gateway })).rejects.toThrow("bound to a client certificate");
    const other = { cert: pem("other.pem"), key: pem("other.key") };
    await expect(through({ credential, gateway: { ...gateway, ...other } })).rejects.toThrow("is not the one");
    const own = { cert: pem("client.pem"), key: pem("client.key") };
    expect((await through({ credential, gateway: { ...gateway, ...own } })).status).toBe(200);
    expect(Buffer.from((shown.at(-1) ?? "").replaceAll(":", ""), "hex").toString("base64url")).toBe(thumbprint);
  });

  it("is never in clear but to this machine", async () => {
    const grant = await looseGrant();
    for (const clear of [
      "http://gateway.example.com",
      "http://192.0.2.1:8080",
      "http://127.0.0.1.example.com",
      "http://0.0.0.0:1",
    ])
      await expect(startProxy({ credential: { grant }, gateway: { url: clear } })).rejects.toThrow("in clear");
    for (const wrong of ["gateway", "ftp://127.0.0.1", "https://a.example.com/path", "https://u:p@a.example.com", ""])
      await expect(startProxy({ credential: { grant }, gateway: { url: wrong } })).rejects.toThrow("address");
  });
});
