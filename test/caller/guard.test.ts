/** The proxy is nobody's deputy: not for others on the machine, not for web pages, not for names that were made to lead to it. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Line } from "../../control/caller/exchange.js";
import { type RunningProxy, startProxy } from "../../control/caller/proxy.js";
import { detail, looseGrant, raw, type Stub, startStub } from "./raw.js";

let stub: Stub;
let proxy: RunningProxy;
let grant: string;
let port: number;
let secret: string;
const lines: Line[] = [];
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
const OTHER = detail({ locations: ["other.example.com"], actions: ["GET", "CONNECT"], paths: ["/feed/**"] });

beforeAll(async () => {
  stub = await startStub((request) =>
    request.url === "/orders/moved"
      ? {
          status: 302,
          headers: {
            location: "https://api.example.com/orders/2",
            "access-control-allow-origin": "*",
            "set-cookie": ["glassgate=stolen", "mine=1; Domain=api.example.com; Path=/"],
            "clear-site-data": '"cookies"',
            connection: "x-hop",
            "x-hop": "1",
          },
        }
      : {},
  );
  grant = await looseGrant([detail(), OTHER]);
  proxy = await startProxy({ credential: { grant }, gateway: { url: stub.url }, told: (line) => lines.push(line) });
  const url = new URL(proxy.url);
  port = Number(url.port);
  secret = `${url.username}:${url.password}`;
});
afterAll(async () => {
  await proxy.end();
  await stub.stop();
});

const GET = "GET /orders/1 HTTP/1.1";
/** As a script asks by the base URL. */
const script = (more: readonly string[] = [], line = GET): readonly string[] => [
  line,
  `Host: 127.0.0.1:${port}`,
  `Authorization: ${basic(secret)}`,
  "Connection: close",
  ...more,
];
const headersOf = (rawHeaders: readonly string[]): Map<string, string> => {
  const found = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2)
    found.set((rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? "");
  return found;
};
const taken = () => stub.seen.splice(0);

/** Nothing went on, and the grant is not in the answer. */
async function refused(request: readonly string[], status: number, body = "", where: number | string = port) {
  const answer = await raw(where, request, body);
  expect(answer.status, request.join("\n")).toBe(status);
  expect(answer.text).not.toContain(grant);
  expect(answer.text.toLowerCase()).not.toContain("access-control");
  expect(taken()).toEqual([]);
}

describe("a script with the secret", () => {
  it("is let in by the base URL, and what is ours does not go on", async () => {
    const { status, text } = await raw(
      port,
      script([
        "x-break-glass: mine",
        "DPoP: mine",
        "x-break-glass-grant: mine",
        "Cookie: a=1; glassgate=x; b=2",
        "X-Mine: 1",
      ]),
    );
    expect(status).toBe(200);
    expect(text).toContain("from the upstream");
    expect(text.toLowerCase()).toContain("cache-control: no-store");
    const [seen, ...more] = taken();
    expect(more).toEqual([]);
    const headers = headersOf(seen?.rawHeaders ?? []);
    expect(headers.get("x-break-glass")).toBe(grant);
    expect(headers.get("host")).toBe("api.example.com");
    expect(headers.get("cookie")).toBe("a=1; b=2");
    expect(headers.get("x-mine")).toBe("1");
    for (const name of ["authorization", "dpop", "x-break-glass-grant"]) expect(headers.has(name)).toBe(false);
    expect(lines.at(-1)).toEqual({ method: "GET", host: "api.example.com", path: "/orders/1", status: 200 });
  });

  it("is let in as a proxy's client, for each of the grant's hosts", async () => {
    for (const [host, path] of [
      ["api.example.com", "/orders/1?x=http://y/"],
      ["other.example.com", "/feed/a/b"],
    ]) {
      const request = [`GET http://${host}${path} HTTP/1.1`, `Host: ${host}`, "Connection: close"];
      await refused(request, 407);
      expect((await raw(port, [...request, `Proxy-Authorization: ${basic(secret)}`])).status).toBe(200);
      const [seen] = taken();
      expect(seen?.url).toBe(path);
      const headers = headersOf(seen?.rawHeaders ?? []);
      expect(headers.get("host")).toBe(host);
      expect(headers.has("proxy-authorization")).toBe(false);
    }
  });

  it("is let in by the socket, which only this user reaches", async () => {
    expect(statSync(proxy.socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(proxy.socketPath)).mode & 0o777).toBe(0o700);
    const request = [GET, "Host: api.example.com", "Connection: close"];
    expect((await raw(proxy.socketPath, request)).status).toBe(200);
    expect(taken()).toHaveLength(1);
    await refused([GET, "Host: evil.example", "Connection: close"], 403, "", proxy.socketPath);
  });

  it("gets a redirect to the grant's host by the way that it came", async () => {
    const { text } = await raw(port, script([], "GET /orders/moved HTTP/1.1"));
    expect(text).toContain(`location: http://127.0.0.1:${port}/orders/2\r\n`);
    expect(text.toLowerCase()).not.toContain("access-control");
    expect(text.toLowerCase()).not.toContain("x-hop");
    taken();
  });
});

describe("others on this machine", () => {
  it("get nothing without the secret, with another, or with a part of it", async () => {
    const without = [GET, `Host: 127.0.0.1:${port}`, "Connection: close"];
    await refused(without, 401);
    for (const wrong of [
      "glassgate:",
      `glassgate:${"A".repeat(43)}`,
      secret.slice(0, -1),
      `${secret}x`,
      "",
      `x${secret.slice(1)}`,
    ])
      await refused([...without, `Authorization: ${basic(wrong)}`], 401);
    await refused([...without, `Authorization: Bearer ${secret}`], 401);
    await refused([...without, `Cookie: glassgate=${secret}`], 401);
    await refused([...without, `Proxy-Authorization: ${basic(secret)}`], 401);
  });

  it("cannot use the browser's way either", async () => {
    const [site] = proxy.openingUrls();
    const { host } = new URL(site?.url ?? "");
    const request = [GET, `Host: ${host}`, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Connection: close"];
    await refused(request, 401);
    await refused([...request, "Cookie: glassgate=x"], 401);
    await refused([...request, `Authorization: ${basic(secret)}`], 401);
    await refused([`GET /.glassgate/${"A".repeat(43)} HTTP/1.1`, ...request.slice(1)], 401);
  });
});

describe("web pages, and names that were made to lead here", () => {
  it("no Host but ours is answered, whatever credentials come with it", async () => {
    const [site] = proxy.openingUrls();
    const own = new URL(site?.url ?? "").host;
    for (const host of [
      `evil.example:${port}`,
      "127.0.0.1",
      `localhost:${port}`,
      `127.0.0.1:${port + 1}`,
      `127.0.0.1.:${port}`,
      `0x7f.1:${port}`,
      `[::1]:${port}`,
      `x${own}`,
      own.toUpperCase(),
      `evil.localhost:${port}`,
      "api.example.com",
    ])
      await refused([GET, `Host: ${host}`, `Authorization: ${basic(secret)}`, "Connection: close"], 421);
    await refused([GET, `Host: 127.0.0.1:${port}`, "Host: evil.example", "Connection: close"], 400);
    await refused(["GET /orders/1 HTTP/1.1", "Connection: close"], 400);
    await refused(
      [
        "GET http://api.example.com/orders/1 HTTP/1.1",
        "Host: evil.example",
        `Proxy-Authorization: ${basic(secret)}`,
        "Connection: close",
      ],
      400,
    );
  });

  it("a page's request is refused even with the secret", async () => {
    for (const mark of [
      "Origin: https://evil.example",
      "Origin: null",
      "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-Site: none",
    ]) {
      await refused(script([mark]), 403);
      await refused(
        [
          "GET http://api.example.com/orders/1 HTTP/1.1",
          "Host: api.example.com",
          `Proxy-Authorization: ${basic(secret)}`,
          mark,
          "Connection: close",
        ],
        403,
      );
    }
    await refused(
      [
        "GET http://api.example.com/orders/1 HTTP/1.1",
        "Host: api.example.com",
        `Proxy-Authorization: ${basic(secret)}`,
        "User-Agent: Mozilla/5.0",
        "Connection: close",
      ],
      403,
    );
  });
});

describe("a browser", () => {
  it("is let in by the one-time URL, once, and then by its cookie from its own pages alone", async () => {
    const [site] = proxy.openingUrls();
    const { host, pathname } = new URL(site?.url ?? "");
    const own = `http://${host}`;
    const opening = (more: readonly string[]) => [
      `GET ${pathname} HTTP/1.1`,
      `Host: ${host}`,
      "Connection: close",
      ...more,
    ];
    await refused(opening([]), 403); // Says nothing of where it comes from.
    await refused(opening(["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"]), 403);
    await refused(opening(["Sec-Fetch-Site: none", "Sec-Fetch-Mode: no-cors"]), 403);
    const typed = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"];
    await refused(opening([...typed, "Sec-Purpose: prefetch"]), 403);
    const opened = await raw(port, opening(typed));
    expect(opened.status).toBe(303);
    expect(opened.text).toContain("location: /start\r\n");
    const cookie =
      /set-cookie: (glassgate=[\w-]{43}); Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict\r\n/.exec(opened.text)?.[1] ??
      "";
    expect(cookie).not.toBe("");
    await refused(opening(typed), 401);
    expect(proxy.openingUrls().map((one) => one.host)).toEqual(["other.example.com"]);

    const page = (more: readonly string[], line = GET, cookies = cookie) => [
      line,
      `Host: ${host}`,
      `Cookie: theme=dark; ${cookies}`,
      "Connection: close",
      ...more,
    ];
    for (const mark of [typed, ["Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: same-origin", `Origin: ${own}`]])
      expect((await raw(port, page([...mark, `Referer: ${own}/start`]))).status).toBe(200);
    for (const { rawHeaders } of taken()) {
      const headers = headersOf(rawHeaders);
      expect(headers.get("cookie")).toBe("theme=dark");
      expect(headers.has("referer")).toBe(false);
      expect([undefined, "https://api.example.com"]).toContain(headers.get("origin"));
    }
    for (const mark of [
      [],
      ["Sec-Fetch-Site: cross-site"],
      ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
      ["Sec-Fetch-Site: same-site"],
      ["Sec-Fetch-Site: none"],
      ["Sec-Fetch-Site: same-origin", "Origin: https://evil.example"],
      ["Origin: null"],
      [`Origin: http://${host}.evil.example`],
      [`Origin: https://${host}`],
      ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
    ])
      await refused(page(mark), 403);
    const same = ["Sec-Fetch-Site: same-origin"];
    await refused(page(same, GET, `${cookie}x`), 401);
    await refused(page(same, GET, cookie.slice(0, -1)), 401);
    // The cookie of one host opens no other, and none of the scripts' ways.
    const [other] = proxy.openingUrls();
    const otherHost = new URL(other?.url ?? "").host;
    await refused([GET, `Host: ${otherHost}`, `Cookie: ${cookie}`, ...same, "Connection: close"], 401);
    await refused([GET, `Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`, "Connection: close"], 401);
    // What comes back stays here: the redirect, the cookies, and nothing in the browser's cache.
    const { text } = await raw(port, page(same, "GET /orders/moved HTTP/1.1"));
    expect(text).toContain(`location: ${own}/orders/2\r\n`);
    expect(text).toContain("set-cookie: mine=1; Path=/\r\n");
    expect(text).not.toContain("glassgate=stolen");
    expect(text).not.toContain("clear-site-data");
    expect(text).toContain("referrer-policy: same-origin\r\n");
    taken();
  });
});

describe("what the grant does not cover", () => {
  it("is not sent on, and the person is told", async () => {
    for (const [line, verdict] of [
      ["DELETE /orders/1 HTTP/1.1", "scope_method"],
      ["GET /admin HTTP/1.1", "scope_path"],
      ["GET /orders/1/../2 HTTP/1.1", "path_ambiguous"],
      ["GET /orders/%2e%2e HTTP/1.1", "path_ambiguous"],
      ["GET /orders/1;x HTTP/1.1", "path_ambiguous"],
      ["OPTIONS /orders/1 HTTP/1.1", "scope_method"],
    ] as const) {
      await refused(script([], line), 403);
      expect(lines.at(-1)?.why).toContain(verdict);
    }
    await refused(script([], "OPTIONS * HTTP/1.1"), 400);
    await refused(
      [
        "GET http://evil.example/orders/1 HTTP/1.1",
        "Host: evil.example",
        `Proxy-Authorization: ${basic(secret)}`,
        "Connection: close",
      ],
      403,
    );
    // A WebSocket needs CONNECT.
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
    await refused(
      script(upgrade).filter((one) => one !== "Connection: close"),
      403,
    );
    await refused(
      [...script().slice(0, 3), "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"],
      400,
    );
    await refused(
      ["CONNECT api.example.com:443 HTTP/1.1", "Host: api.example.com:443", `Proxy-Authorization: ${basic(secret)}`],
      405,
    );
  });

  it("no second request hides in a first one", async () => {
    const hidden = "GET /orders/hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    const length = `Content-Length: ${hidden.length}`;
    for (const framing of [
      [length, "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
      ["Transfer-Encoding: gzip, chunked"],
      ["Transfer-Encoding: xchunked"],
      [length, "Content-Length: 3"],
      ["Content-Length: +3"],
      [" Folded: x"],
      ["Transfer-Encoding : chunked"],
    ]) {
      const { status } = await raw(port, script(framing, "POST /orders/1 HTTP/1.1"), `0\r\n\r\n${hidden}`);
      expect([400, 0], framing.join()).toContain(status);
      expect(taken()).toEqual([]);
    }
    // A client that has its length taken off on the way does not make its body a request.
    for (const method of ["GET", "POST"]) {
      const tokens = script([length, "Connection: content-length"], `${method} /orders/1 HTTP/1.1`).filter(
        (line) => line !== "Connection: close",
      );
      const { status } = await raw(port, tokens, hidden, (text) => text.includes("from the upstream"));
      expect(status).toBe(200);
      const all = taken();
      expect(all.map(({ url }) => url)).toEqual(["/orders/1"]);
      expect(all[0]?.body).toBe(hidden);
    }
  });

  it("bodies pass whole, with a length and in chunks", async () => {
    const big = "x".repeat(300_000);
    expect((await raw(port, script([`Content-Length: ${big.length}`], "POST /orders/1 HTTP/1.1"), big)).status).toBe(
      200,
    );
    expect(taken()[0]?.body.length).toBe(big.length);
    const chunk = `${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`;
    expect((await raw(port, script(["Transfer-Encoding: chunked"], "POST /orders/1 HTTP/1.1"), chunk)).status).toBe(
      200,
    );
    expect(taken()[0]?.body.length).toBe(big.length);
  });
});
