/** Grants bound to networks on a real Envoy: whose word it takes for where a client is (docs/operator-guide.md, "Where a client is"). */
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { systemCode } from "../../control/base/errors.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { MANAGER, withListeners } from "../kit/listeners.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const inside = (...net: readonly string[]): string => world.alone({ claims: { net } });
const office = inside("192.0.2.0/24", "2001:db8::/32");
const here = inside("127.0.0.0/8");

const googleType = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`;
let test: TestEnvoy;
let socketPath = "";
beforeAll(async () => {
  test = await startTestEnvoy(world, {
    edit: (text) => {
      socketPath = join(/path: (.*)\/ecds\/glassgate\.json/.exec(text)?.[1] ?? "", "gateway.sock");
      return withListeners(text, {
        believing: (listener) => listener.setIn([...MANAGER, "use_remote_address"], false),
        "one-proxy": (listener) => listener.setIn([...MANAGER, "xff_num_trusted_hops"], 1),
        "one-hop-too-many": (listener) => listener.setIn([...MANAGER, "xff_num_trusted_hops"], 2),
        mapped: (listener) => listener.setIn([...MANAGER, "represent_ipv4_remote_address_as_ipv4_mapped_ipv6"], true),
        "proxy-protocol": (listener) =>
          listener.set("listener_filters", [
            {
              name: "proxy-protocol",
              typed_config: { "@type": googleType("filters.listener.proxy_protocol.v3.ProxyProtocol") },
            },
          ]),
        unix: (listener) => listener.set("address", { pipe: { path: socketPath } }),
      });
    },
  });
  await test.configure(world.configuration());
}, 60_000);
afterAll(() => test?.stop());

const problem = z.object({ code: z.string() });
/** `allow`, or the code of the denial. */
function verdictOf(
  where: { readonly port: number } | { readonly socketPath: string },
  grant: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = { host: "api.example.com", "x-break-glass": grant, ...headers };
    const outgoing = httpRequest(
      { host: "127.0.0.1", path: "/orders/7", agent: false, headers: lines, ...where },
      (incoming) => {
        let body = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          body += chunk;
        });
        incoming.on("end", () => resolve(incoming.statusCode === 200 ? "allow" : problem.parse(JSON.parse(body)).code));
      },
    );
    outgoing.setTimeout(30_000, () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}
const by = (listener: string, forwarded?: string, grant = office): Promise<string> =>
  verdictOf(
    { port: test.envoy.ports[listener] ?? 0 },
    grant,
    forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
  );

describe("nothing in front, as rendered", () => {
  it("the connection says where the client is, and no header does, cached or not", async () => {
    for (let round = 0; round < 2; round++) {
      expect(await by("api", undefined, here)).toBe("allow");
      expect(await by("api", "203.0.113.9", here)).toBe("allow");
      for (const forged of [
        "192.0.2.7",
        "192.0.2.7, 192.0.2.8",
        "127.0.0.1, 192.0.2.7",
        "2001:db8::1",
        "::ffff:192.0.2.7",
      ])
        expect(await by("api", forged), forged).toBe("network");
    }
    for (const name of ["x-real-ip", "x-envoy-external-address", "true-client-ip", "x-client-ip", "forwarded"])
      expect(
        await verdictOf({ port: test.port }, office, { [name]: name === "forwarded" ? "for=192.0.2.7" : "192.0.2.7" }),
        name,
      ).toBe("network");
  });
});

describe("one proxy in front, and xff_num_trusted_hops: 1", () => {
  it("the address is the one that the proxy appended, whatever stood before it", async () => {
    expect(await by("one-proxy", "192.0.2.7")).toBe("allow");
    expect(await by("one-proxy", "2001:db8::1")).toBe("allow");
    expect(await by("one-proxy", "203.0.113.9")).toBe("network");
    expect(await by("one-proxy", "192.0.2.7, 203.0.113.9")).toBe("network");
    expect(await by("one-proxy", "203.0.113.9, 192.0.2.7")).toBe("allow");
  });
});

describe("what opens: then a client names its own network", () => {
  it("use_remote_address is not set", async () => {
    expect(await by("believing", "192.0.2.7")).toBe("allow");
    expect(await by("believing", "203.0.113.9, 192.0.2.7")).toBe("allow");
  });

  it("a trusted hop more than there are proxies", async () => {
    expect(await by("one-hop-too-many", "192.0.2.7, 203.0.113.9")).toBe("allow");
    expect(await by("one-hop-too-many", "203.0.113.9, 192.0.2.7")).toBe("network");
  });

  it("a listener that clients reach past the proxy", async () => {
    expect(await by("one-proxy", "192.0.2.7")).toBe("allow");
  });
});

it("PROXY protocol says where the client is, and a connection without it is none", async () => {
  const port = test.envoy.ports["proxy-protocol"] ?? 0;
  const answer = (first: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      let text = "";
      socket.setEncoding("latin1");
      socket.on("data", (chunk: string) => {
        text += chunk;
      });
      socket.on("error", (error) => (systemCode(error) === "ECONNRESET" ? resolve(text) : reject(error)));
      socket.on("close", () => resolve(text));
      const lines = [
        "GET /orders/7 HTTP/1.1",
        "host: api.example.com",
        `x-break-glass: ${office}`,
        "connection: close",
      ];
      socket.write(`${first}${lines.join("\r\n")}\r\n\r\n`);
    });
  expect(await answer("PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n")).toMatch(/^HTTP\/1\.1 200/);
  expect(await answer("PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n")).toMatch(/"code":"network"/);
  expect(await answer("")).toBe("");
});

it("an IPv4 address that is written as a mapped one is IPv4", async () => {
  for (const mapped of ["::ffff:192.0.2.7", "::ffff:c000:207"]) {
    expect(await by("one-proxy", mapped), mapped).toBe("allow");
    expect(await by("one-proxy", mapped, inside("::/0")), mapped).toBe("network");
  }
});

it("a client without an address is in no network", async () => {
  expect(await verdictOf({ socketPath }, office)).toBe("network");
  expect(await verdictOf({ socketPath }, inside("0.0.0.0/0", "::/0"))).toBe("network");
  expect(await verdictOf({ socketPath }, world.alone())).toBe("allow");
});
