/** A flood of forged grants: the network that it comes from waits, and nobody else. */
import { afterAll, expect, it } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import { send } from "../../control/gateway/client.js";
import { FilterHost, type Outcome } from "../../control/host/host.js";
import { startTestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);
/** As in assembly/filter/failures.ts. */
const MAX_FAILED = 32;
const WINDOW = 10;

const bend = (grant: string): string => `${grant.slice(0, -10)}${grant.at(-10) === "A" ? "B" : "A"}${grant.slice(-9)}`;

async function setUp(configuration: Readonly<Record<string, unknown>> = {}) {
  const world = new World(start);
  const clock = { seconds: start };
  const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
  host.configure(world.configuration({ configuration }));
  const request = (grant: string, sourceAddress: string): Outcome =>
    host.request({
      headers: [
        [":method", "GET"],
        [":path", "/orders/7"],
        [":authority", "api.example.com"],
        ["x-break-glass", grant],
      ],
      sourceAddress,
    });
  const ask = (grant: string, source: string): string =>
    request(grant, source).filterState.get("wasm.glassgate.verdict") ?? "";
  const forged = bend(world.alone());
  const fail = (source: string, times: number): void => {
    for (let i = 0; i < times; i++) expect(ask(forged, source)).toBe("signature");
  };
  return { world, clock, host, request, ask, forged, fail };
}

it("is busy after 32 failures from the same /24, says when to come back, and ends by itself", async () => {
  const { world, clock, request, ask, forged, fail } = await setUp();
  fail("203.0.113.9:1000", MAX_FAILED / 2);
  fail("203.0.113.77:2000", MAX_FAILED / 2);
  const { reply } = request(forged, "203.0.113.200:3");
  expect(reply?.status).toBe(429);
  expect(Object.fromEntries(reply?.headers ?? [])).toMatchObject({ "retry-after": String(WINDOW) });
  // Good grants from there wait as well: their signatures would have to be checked first.
  expect(ask(world.alone(), "203.0.113.1:4")).toBe("busy");
  clock.seconds += WINDOW;
  expect(ask(world.alone(), "203.0.113.1:4")).toBe("allow");
});

it("never locks out another network, nor a grant that was accepted before", async () => {
  const { world, ask, fail } = await setUp();
  const accepted = world.alone();
  expect(ask(accepted, "203.0.113.9:1000")).toBe("allow");
  fail("203.0.113.9:1000", MAX_FAILED);
  expect(ask(world.alone(), "203.0.113.9:1000")).toBe("busy");
  expect(ask(accepted, "203.0.113.9:1000")).toBe("allow");
  expect(ask(world.alone(), "203.0.112.9:1000")).toBe("allow");
  expect(ask(world.alone(), "[2001:db8::1]:1000")).toBe("allow");
});

it("counts only failed signatures: of requesters and of approvers", async () => {
  const { world, ask } = await setUp();
  const source = "198.51.100.1:1";
  const unknown = world.alone({ by: world.stranger });
  for (let i = 0; i < 2 * MAX_FAILED; i++) {
    expect(ask("garbage", source)).toBe("malformed");
    expect(ask(unknown, source)).toBe("key_unknown");
    expect(ask(world.alone({ claims: { reason: "boredom" } }), source)).toBe("reason");
  }
  for (let i = 0; i < MAX_FAILED; i++) {
    const grant = bend(world.grant());
    expect(ask(grant, source)).toBe("approval_signature");
  }
  expect(ask(world.alone(), source)).toBe("busy");
});

it("takes IPv6 by /56, IPv4 in IPv6 as IPv4, and no address as never busy", async () => {
  const { world, ask, fail } = await setUp();
  fail("[2001:db8:1:ff00::1]:5", MAX_FAILED / 2);
  fail("[2001:db8:1:ffff:a:b:c:d]:5", MAX_FAILED / 2);
  expect(ask(world.alone(), "[2001:db8:1:ff77::9]:5")).toBe("busy");
  expect(ask(world.alone(), "[2001:db8:1:fe00::9]:5")).toBe("allow");
  fail("[::ffff:192.0.2.1]:5", MAX_FAILED);
  expect(ask(world.alone(), "192.0.2.200:5")).toBe("busy");
  expect(ask(world.alone(), "192.0.3.200:5")).toBe("allow");
  fail("/run/gateway.sock", 3 * MAX_FAILED);
  expect(ask(world.alone(), "/run/gateway.sock")).toBe("allow");
});

it("keeps a flood in mind while a thousand other networks fail, and none of those is busy before its own time", async () => {
  const { world, ask, forged, fail } = await setUp();
  fail("203.0.113.9:1000", MAX_FAILED);
  for (let i = 0; i < 1000; i++) expect(ask(forged, `10.${i >> 8}.${i & 255}.1:1`)).toBe("signature");
  expect(ask(forged, "203.0.113.9:1000")).toBe("busy");
  for (let i = 0; i < 1000; i += 50) expect(ask(world.alone(), `10.${i >> 8}.${i & 255}.1:1`)).toBe("allow");
});

it("in shadow is recorded, and changes nothing", async () => {
  const { world, request } = await setUp({ mode: "shadow" });
  const forged = bend(world.alone());
  const verdicts = Array.from({ length: MAX_FAILED + 1 }, () => {
    const { reply, filterState } = request(forged, "203.0.113.9:1");
    expect(reply).toBeUndefined();
    return JSON.parse(readAuditLines(filterState.get("wasm.glassgate.audit") ?? "{}").record).verdict;
  });
  expect(verdicts.at(-2)).toBe("signature");
  expect(verdicts.at(-1)).toBe("busy");
});

const world = new World(start);
const gateway = startTestEnvoy(world);
afterAll(async () => (await gateway).stop());

it("on Envoy: 429 for one network of senders, 200 for another", async () => {
  const test = await gateway;
  await test.configure(world.configuration());
  const ask = async (grant: string, from: string): Promise<number> =>
    (await send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant }, from })).status;
  const forged = bend(world.alone());
  for (let i = 0; i < MAX_FAILED; i++) expect(await ask(forged, "127.0.9.1")).toBe(401);
  expect(await ask(forged, "127.0.9.2")).toBe(429);
  expect(await ask(world.alone(), "127.0.9.3")).toBe(429);
  expect(await ask(world.alone(), "127.0.10.1")).toBe(200);
});
