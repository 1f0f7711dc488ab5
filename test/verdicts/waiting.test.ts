/** The life of a grant begins when its quorum is there, to the second, cached or not; and networks cost a cached grant nothing. */
import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);

async function setUp(changes: Readonly<Record<string, unknown>>, world = new World(start)) {
  const clock = { seconds: start };
  const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
  const configuration = world.configuration({
    bundle: world.bundleClaims({ entitlements: [world.entitlement("repair", changes)] }),
  });
  expect(host.configure(configuration).accepted).toBe(true);
  const at = (seconds: number, grant: string, sourceAddress = "192.0.2.1:4711") => {
    clock.seconds = start + seconds;
    return host.request({ headers: headersOf([grant]), sourceAddress }).filterState.get("wasm.glassgate.verdict");
  };
  /** When the grant ends, in seconds from the start, as an allowed request tells the upstream. */
  const toldEnd = (seconds: number, grant: string) => {
    clock.seconds = start + seconds;
    const { headers } = host.request({ headers: headersOf([grant]) });
    const attestation = headers.find(([name]) => name === "x-break-glass-grant")?.[1];
    return Number(/, exp=(\d+)/.exec(String(attestation))?.[1]) - start;
  };
  return { world, at, toldEnd };
}

it("ends max_ttl after its quorum was there, not before and not after", async () => {
  const { world, at } = await setUp({ max_ttl: 300, max_wait: 600 });
  const grant = world.grant({
    claims: { exp: start + 900 },
    approvals: [
      { by: world.adam2, iat: start + 20 },
      { by: world.anna, iat: start + 120 },
      { by: world.alex, iat: start + 200 },
    ],
  });
  expect(at(205, grant)).toBe("allow");
  expect(at(419, grant)).toBe("allow");
  expect(at(420, grant)).toBe("expired");
  expect(at(899, grant)).toBe("expired");
});

it("ends at exp where that comes first", async () => {
  const { world, at } = await setUp({ max_ttl: 300, max_wait: 600 });
  const grant = world.grant({
    claims: { exp: start + 400 },
    approvals: [
      { by: world.adam2, iat: start + 200 },
      { by: world.anna, iat: start + 10 },
    ],
  });
  expect(at(399, grant)).toBe("allow");
  expect(at(400, grant)).toBe("expired");
});

it("begins anew with nobody's later approval: the same approvals in another order, or with one more, end alike", async () => {
  const { world, at } = await setUp({ max_ttl: 300, max_wait: 600 });
  const claims = { exp: start + 900 };
  const early = [
    { by: world.adam2, iat: start + 10 },
    { by: world.anna, iat: start + 50 },
  ];
  const late = { by: world.alex, iat: start + 340 };
  for (const approvals of [early, early.toReversed(), [late, ...early], [...early, late]]) {
    const grant = world.grant({ claims, approvals });
    expect(at(349, grant)).toBe("allow");
    expect(at(350, grant)).toBe("expired");
  }
});

it("counts from an approval made a little before the ask, as the approver's clock has it", async () => {
  const { world, at } = await setUp({ max_ttl: 300 });
  const both = {
    claims: { exp: start + 300 },
    approvals: [world.adam2, world.anna].map((by) => ({ by, iat: start - 4 })),
  };
  const grant = world.grant(both);
  expect(at(295, grant)).toBe("allow");
  expect(at(296, grant)).toBe("expired");
});

it("counts from the ask where no approval is needed, whoever approved", async () => {
  const { world, at } = await setUp({ approvals: [], max_ttl: 300 });
  const grant = world.grant({ claims: { exp: start + 300 }, approvals: [{ by: world.anna, iat: start + 100 }] });
  expect(at(100, grant)).toBe("allow");
  expect(at(299, grant)).toBe("allow");
  expect(at(300, grant)).toBe("expired");
});

describe("the end that the upstream is told is the one at which the grant is denied", () => {
  const world = new World(start);
  const adam = (iat: number) => ({ by: world.adam2, iat: start + iat });
  const anna = (iat: number) => ({ by: world.anna, iat: start + iat });
  const alex = (iat: number) => ({ by: world.alex, iat: start + iat });
  const cases = [
    { name: "the life begins with the last approval that was needed", by: [adam(20), anna(120)], exp: 900, end: 420 },
    { name: "not with one more", by: [adam(20), anna(120), alex(200)], exp: 900, end: 420 },
    { name: "exp, where that comes first", by: [adam(200), anna(10)], exp: 400, end: 400 },
    { name: "both at once", by: [adam(200), anna(10)], exp: 500, end: 500 },
    { name: "approvals a little before the ask", by: [adam(-4), anna(-4)], exp: 300, end: 296 },
    {
      name: "no approval is needed: from the ask",
      changes: { approvals: [], max_wait: 0 },
      by: [],
      exp: 300,
      end: 300,
    },
  ];
  it.each(cases)("$name", async ({ changes = {}, by, exp, end }) => {
    const { at, toldEnd } = await setUp({ max_ttl: 300, max_wait: 600, ...changes }, world);
    const grant = world.grant({ claims: { exp: start + exp }, approvals: by });
    for (const seconds of [210, 250, end - 1]) expect(toldEnd(seconds, grant), String(seconds)).toBe(end);
    expect(at(end, grant)).toBe("expired");
  });
});

it("judges the network of each request anew, as the gateway says it", async () => {
  const { world, at } = await setUp({});
  const grant = world.grant({ claims: { net: ["192.0.2.0/28", "2001:db8:7::/48"] } });
  const seen = (source: string) => at(1, grant, source);
  expect(seen("192.0.2.15:1")).toBe("allow");
  expect(seen("192.0.2.16:1")).toBe("network");
  expect(seen("[::ffff:192.0.2.3]:0")).toBe("allow");
  expect(seen("[::ffff:c000:203]:0")).toBe("allow");
  expect(seen("[2001:db8:7:ffff::1]:443")).toBe("allow");
  expect(seen("[2001:db8:8::]:443")).toBe("network");
  expect(seen("[::192.0.2.3]:1")).toBe("network");
  for (const nowhere of ["", "@", "/run/api.sock", "@192.0.2.3", "192.0.2", "localhost:80", "192.0.2.3.4:1"])
    expect(seen(nowhere), nowhere).toBe("network");
  expect(seen("192.0.2.15:1")).toBe("allow");
});

it("a client without an address is in no network, not even in all of a family's addresses", async () => {
  const { world, at } = await setUp({});
  for (const net of ["::/0", "0.0.0.0/0", "::/128", "0.0.0.0/32"]) {
    const grant = world.grant({ claims: { net: [net] } });
    expect(at(1, grant, "/run/api.sock"), net).toBe("network");
    expect(at(1, grant, net.startsWith("::") ? "[::]:1" : "0.0.0.0:1"), net).toBe("allow");
  }
});
