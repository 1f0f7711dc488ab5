/**
 * Tables of multiples speed up signature checks and change nothing else: who gets one, when it is built, how long it stays.
 * docs/decisions.md says why.
 */
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { quickSigner } from "../kit/quick.js";
import type { Signer } from "../kit/token.js";
import { type GrantSpec, World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);

async function setUp(configuration: Readonly<Record<string, unknown>> = {}) {
  const world = new World(start);
  const clock = { seconds: start };
  const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
  const configure = (): void => {
    host.configure(world.configuration({ configuration }));
  };
  configure();
  let asked = 0;
  // Another network each time: forged grants from one would soon be busy.
  const ask = (grant: string): string => {
    asked += 1;
    const headers = [
      [":method", "GET"],
      [":path", "/orders/7"],
      [":authority", "api.example.com"],
      ["x-break-glass", grant],
    ] as const;
    const sourceAddress = `10.0.${asked & 255}.1:4711`;
    return host.request({ headers, sourceAddress }).filterState.get("wasm.glassgate.verdict")?.toString() ?? "";
  };
  const tick = (times: number): void => {
    for (let i = 0; i < times; i++) host.tick();
  };
  /** Over both VMs: only the worker sees requests. */
  const built = (): number => Number(host.metrics().get("glassgate.tables_built") ?? 0);
  return { world, clock, host, configure, ask, tick, built };
}

/** The tables of both base points: room for them is kept whatever is built first. And of one key. */
const BASES_KIB = 696 + 256;
const KEY_KIB = 256;
const LEAST_KIB = BASES_KIB + KEY_KIB;
/** Enough for two base points and a dozen keys, a few rows a tick. */
const LONG = 400;
const alone = (world: World, by: Signer): string => world.alone({ by, claims: { sub: "rita" } });
const bend = (grant: string, at: number): string => {
  const i = grant.length + at;
  return `${grant.slice(0, i)}${grant[i] === "A" ? "B" : "A"}${grant.slice(i + 1)}`;
};

it("gives a table to each key that has signed well, of both algorithms, and decides as before", async () => {
  const { world, ask, tick, built } = await setUp();
  // rita's two keys, adam's and anna's.
  expect(ask(alone(world, world.rita))).toBe("allow");
  expect(ask(alone(world, world.rita2))).toBe("allow");
  const quorum = (): GrantSpec => ({ approvals: [{ by: world.adam }, { by: world.anna }] });
  expect(ask(world.grant(quorum()))).toBe("allow");
  expect(built()).toBe(0);
  tick(LONG);
  expect(built()).toBe(4);
  for (let i = 0; i < 50; i++) {
    expect(ask(alone(world, i % 2 === 0 ? world.rita : world.rita2))).toBe("allow");
    expect(ask(world.grant(quorum()))).toBe("allow");
    // By turns: failed approvals under one key make it busy.
    const by = i % 2 === 0 ? world.rita : world.rita2;
    expect(ask(bend(world.grant({ ...quorum(), by }), -10 - i))).toBe("approval_signature");
    expect(ask(bend(alone(world, i % 2 === 0 ? world.rita : world.rita2), -10 - i))).toBe("signature");
  }
  tick(LONG);
  expect(built()).toBe(4);
});

it("gives none to a key that has signed nothing well, however many grants are forged with it", async () => {
  const { world, ask, tick, built } = await setUp();
  for (let i = 0; i < 30; i++) {
    expect(ask(bend(alone(world, world.rita), -10 - i))).toBe("signature");
    // A good request, and a forged approval in adam's name.
    expect(ask(bend(world.grant({ approvals: [{ by: world.anna }, { by: world.adam }] }), -10 - i))).toBe(
      "approval_signature",
    );
  }
  tick(LONG);
  // rita's key signed the second kind of grant, anna's approved it.
  expect(built()).toBe(2);
});

it("keeps tables over a rotation", async () => {
  const { world, configure, ask, tick, built } = await setUp();
  expect(ask(alone(world, world.rita))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(1);
  configure();
  expect(ask(alone(world, world.rita))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(1);
});

it("builds none with table_memory_kib 0, and none where both base points and one key do not fit", async () => {
  for (const kib of [0, LEAST_KIB - 1]) {
    const { world, ask, tick, built } = await setUp({ table_memory_kib: kib });
    expect(ask(alone(world, world.rita))).toBe("allow");
    tick(LONG);
    expect(built()).toBe(0);
    expect(ask(alone(world, world.rita))).toBe("allow");
  }
});

it("holds as many as fit; a further key takes the place of one that was idle for a minute, and no other", async () => {
  const { world, clock, ask, tick, built } = await setUp({ table_memory_kib: LEAST_KIB + KEY_KIB });
  const approvedBy = (by: Signer): string =>
    world.grant({ claims: { ent: "leads" }, approvals: [{ by: world.anna }, { by }] });
  expect(ask(alone(world, world.rita))).toBe("allow");
  expect(ask(approvedBy(world.adam2))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(2);
  // rita and anna, or rita and adam: one of the three found no place, and asking again does not help.
  expect(ask(approvedBy(world.adam2))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(2);
  clock.seconds += 60;
  expect(ask(approvedBy(world.temp))).toBe("allow");
  tick(LONG);
  expect(built()).toBeGreaterThan(2);
});

it("counts that minute from when the table was used last, whether anything was built meanwhile or not", async () => {
  const { world, clock, ask, tick, built } = await setUp({ table_memory_kib: LEAST_KIB });
  expect(ask(alone(world, world.rita))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(1);
  // Ticks that have nothing to build.
  clock.seconds += 100;
  tick(2);
  expect(ask(alone(world, world.rita))).toBe("allow");
  clock.seconds += 59;
  expect(ask(alone(world, world.rita2))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(1);
  clock.seconds += 1;
  expect(ask(alone(world, world.rita2))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(2);
});

it("forged signatures do not keep an idle table from being given up", async () => {
  const { world, clock, ask, tick, built } = await setUp({ table_memory_kib: LEAST_KIB });
  expect(ask(alone(world, world.rita))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(1);
  clock.seconds += 59;
  tick(2);
  expect(ask(bend(alone(world, world.rita), -10))).toBe("signature");
  clock.seconds += 1;
  expect(ask(alone(world, world.rita2))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(2);
});

it.each([
  ["Ed25519", "ES256"],
  ["ES256", "Ed25519"],
])("keys of %s, however many, leave room for the base point of %s", async (first) => {
  const { world, clock, ask, tick, built } = await setUp({ table_memory_kib: LEAST_KIB + KEY_KIB });
  const [early, late] = first === "Ed25519" ? [world.rita, world.rita2] : [world.rita2, world.rita];
  const [lead, other] = first === "Ed25519" ? [world.anna, world.adam2] : [world.adam, world.alex];
  expect(ask(world.grant({ by: early, claims: { ent: "leads" }, approvals: [{ by: lead }, { by: other }] }))).toBe(
    "allow",
  );
  tick(LONG);
  expect(built()).toBe(2);
  clock.seconds += 60;
  tick(1);
  expect(ask(alone(world, late))).toBe("allow");
  tick(LONG);
  expect(built()).toBe(3);
});

it("checks approvals together, and one forged among eight denies wherever it stands; the others get tables", async () => {
  const { world, ask, tick, built } = await setUp();
  const everyone = (): string =>
    world.grant({ claims: { ent: "everyone" }, approvals: world.crowd.slice(0, 8).map((by) => ({ by })) });
  for (let round = 0; round < 2; round++) {
    for (let forged = 0; forged < 8; forged++) {
      const parts = everyone().split("~");
      parts[1 + forged] = bend(parts[1 + forged] ?? "", -20);
      expect(ask(parts.join("~"))).toBe("approval_signature");
    }
    expect(ask(everyone())).toBe("allow");
    tick(2 * LONG);
    expect(built()).toBe(9);
  }
});

it("16 keys wait for theirs; a further one asks again with its next signature", async () => {
  const { world, host, ask, tick, built } = await setUp();
  const signers = Array.from({ length: 17 }, () => quickSigner());
  const bundle = world.bundleClaims({
    principals: signers.map(({ jwk }, i) => ({ id: `p${i}`, roles: ["oncall"], keys: [jwk] })),
  });
  host.configure(world.configuration({ bundle, configuration: { table_memory_kib: 32_768 } }));
  const askBy = (i: number, jti: string): string =>
    ask(world.alone({ by: signers[i] ?? quickSigner(), claims: { sub: `p${i}`, jti } }));
  for (const i of signers.keys()) expect(askBy(i, `a-grant-of-key-${i}`)).toBe("allow");
  tick(2 * LONG);
  expect(built()).toBe(16);
  expect(askBy(16, "another-grant-of-it")).toBe("allow");
  tick(LONG);
  expect(built()).toBe(17);
});
