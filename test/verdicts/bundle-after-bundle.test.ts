/**
 * One VM reads many bundles and texts, one after the other, in memory that it uses again: nothing of what came before is left in what
 * comes next. And what the gauges tell of each.
 */
import { describe, expect, it } from "vitest";
import { Status } from "../../control/host/abi.js";
import { FilterHost } from "../../control/host/host.js";
import { domainOf } from "../../control/trust/anchors.js";
import { anchorsOf } from "../kit/envoy.js";
import { headersOf } from "../kit/headers.js";
import { QuickWorld } from "../kit/quick-world.js";
import { revocations, type TextSpec } from "../kit/revocations.js";
import type { Signer } from "../kit/token.js";
import type { Json } from "../kit/world.js";

const world = new QuickWorld(Math.floor(Date.now() / 1000));
const { now, anna, adam, rita } = world;
const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const name = (i: number): string => `n${i}`;
const bundle = (changes: Json = {}): Json => world.bundleClaims({ revokers: ["security"], ...changes });
const text = (by: Signer, revoked: Json = {}, more: Omit<TextSpec, "by" | "revoked"> = {}): string =>
  revocations(world, { by, revoked, ...more });
const versioned = (by: Signer, version: number, revoked: Json = {}): string =>
  text(by, revoked, { claims: { version } });

async function start(options: Parameters<typeof FilterHost.load>[0] = {}) {
  const host = await FilterHost.load(options);
  const gauge = (label: string): number | undefined =>
    host.metrics().get(`glassgate.${label}.domain=${domainOf(anchorsOf(world)).slice(0, 16)}`);
  const offer = (claims: Json, texts?: string | readonly string[]) =>
    host.configure(world.configuration({ bundle: claims, configuration: { revocations: texts } }));
  /** Taken by the canary and by every thread. */
  const take = (claims: Json, texts?: string | readonly string[]): void => {
    expect(offer(claims, texts)).toMatchObject({ accepted: true, reason: undefined, failedThreads: [] });
    expect(host.metrics().get("glassgate.refused")).toBe(0);
  };
  const ask = (grant = world.alone()): string | undefined =>
    host.request({ headers: headersOf([grant]) }).filterState.get("wasm.glassgate.verdict");
  return { host, gauge, offer, take, ask };
}

const entitlement = (changes: Json = {}, id = "repair"): Json => world.entitlement(id, changes);
const short = (id: string): Json => ({
  ...{ id, requesters: ["r"], reasons: ["x"], approvals: [], max_ttl: 1 },
  authorization_details: [{ type: "break_glass_http", locations: ["*"], actions: ["*"], paths: ["/"] }],
});
const people = (count: number) => list(count, (i) => ({ id: name(i), roles: [], keys: [] }));

describe("bundles after each other, on one VM", () => {
  it("tell how near each comes to its bounds, whichever is nearest, and nothing of those before", async () => {
    const { gauge, take } = await start();
    const roles = (counts: readonly number[]) =>
      counts.map((count, p) => ({ id: name(p), roles: list(count, (i) => `r${p}-${i}`), keys: [] }));
    const path = (bytes: number, i: number): string => `/${i}-`.padEnd(bytes, "x");
    // 24 paths of 1 KiB but for one byte.
    const paths = list(24, (i) => path(i === 0 ? 1023 : 1024, i));
    const detail = { ...world.detail(), paths };
    // What a bundle may name once only, in each of them.
    const always = { ledgers: [world.stranger.jwk], texts: { anna: 7 } };
    const few = { principals: [], entitlements: [] };
    for (const [what, changes, percent] of [
      ["principals", { ...few, principals: people(3071) }, 74],
      ["roles of one", { ...few, principals: roles([47]) }, 73],
      ["roles of all", { ...few, principals: roles([...list(23, () => 32), 31]) }, 74],
      ["entitlements", { ...few, entitlements: list(767, (i) => short(name(i))) }, 74],
      ["paths", { ...few, entitlements: [entitlement({ authorization_details: [detail] })] }, 74],
      ["little", few, 0],
      ["principals again", { ...few, principals: people(3071) }, 74],
    ] as const) {
      take(bundle({ ...always, ...changes }));
      expect(gauge("bundle_filled_percent"), what).toBe(percent);
    }
  });

  it("tell how many entitlements ask for no approval", async () => {
    const { gauge, take } = await start();
    const asking = (quorums: readonly number[]): Json => ({
      entitlements: quorums.map((count, i) =>
        entitlement({ approvals: count === 0 ? [] : [{ role: "lead", count }] }, name(i)),
      ),
    });
    for (const [quorums, alone] of [
      [[0, 1, 0, 2, 0], 3],
      [[1, 2], 0],
      [[0], 1],
    ] as const) {
      take(bundle(asking(quorums)));
      expect(gauge("single_key_entitlements")).toBe(alone);
    }
  });

  const jti = "a-grant-that-is-known";
  const grant = (): string => world.alone({ claims: { jti, incident: "INC-1" } });
  for (const revoked of [
    { jti: [jti] },
    { kid: [rita.kid] },
    { incident: ["INC-1"] },
    { issued_before: [{ at: now + 1 }] },
    { issued_before: [{ at: now + 1, sub: "rita" }] },
  ])
    it(`give back what only the one before had revoked: ${JSON.stringify(Object.keys(revoked))}`, async () => {
      const { ask, take } = await start();
      take(bundle({ revoked }));
      expect(ask(grant())).toBe("revoked");
      take(bundle());
      expect(ask(grant())).toBe("allow");
    });

  it("are signed by the same roots, also where a configuration without one came between", async () => {
    const { host, take, ask } = await start();
    for (let i = 0; i < 3; i++) {
      take(bundle());
      expect(host.configure(world.configuration({ bundle: null })).accepted).toBe(true);
    }
    take(bundle());
    expect(ask()).toBe("allow");
  });

  it("are taken also after one that the VM has refused", async () => {
    const { host, ask, offer, take } = await start();
    const old = world.configuration({ bundle: bundle() });
    expect(host.configure(old).accepted).toBe(true);
    take(bundle({ revoked: { sub: ["rita"] } }));
    // The canary knows these bytes, and each thread refuses the older bundle for itself.
    expect(host.configure(old)).toMatchObject({ accepted: true, failedThreads: [] });
    const refused = host.metrics().get("glassgate.refused") ?? 0;
    expect(refused).toBeGreaterThan(0);
    expect(ask()).toBe("revoked");
    expect(offer(bundle()).accepted).toBe(true);
    expect(host.metrics().get("glassgate.refused")).toBe(refused);
    expect(ask()).toBe("allow");
  });

  it("of one version and two contents are told apart by each thread, whatever the canary knew", async () => {
    const { host, ask, take } = await start({
      intercept: ({ name, thread }) =>
        name === "proxy_get_shared_data" && thread === "canary" ? Status.NotFound : undefined,
    });
    const claims = bundle();
    take(claims);
    const other = { ...claims, revoked: { sub: ["rita"] } };
    expect(host.configure(world.configuration({ bundle: other }))).toMatchObject({ accepted: true, failedThreads: [] });
    expect(host.metrics().get("glassgate.refused")).toBeGreaterThan(0);
    expect(ask()).toBe("allow");
  });
});

describe("urgent texts", () => {
  it("of version 0 count, where no bundle names their signer", async () => {
    const { ask, take } = await start();
    take(bundle(), versioned(anna, 0, { sub: ["rita"] }));
    expect(ask()).toBe("revoked");
  });

  it("name 16 audiences, and no more", async () => {
    const { offer, take } = await start();
    const aud = (count: number): Json => ({ aud: ["test", ...list(count - 1, name)] });
    expect(offer(bundle(), text(anna, {}, { claims: aud(17) })).reason).toContain('out of its bounds: "aud"');
    take(bundle(), text(anna, {}, { claims: aud(16) }));
  });

  for (const [what, change] of [
    ["role", { roles: [{ role: "security", nbf: now - 60 }] }],
    ["key", { keys: [{ ...anna.jwk, nbf: now - 60 }] }],
  ] as const)
    it(`are signed from the very second on at which the ${what} begins`, async () => {
      const { ask, take } = await start();
      const principals = [
        { id: "rita", roles: ["oncall"], keys: [rita.jwk] },
        { id: "anna", roles: ["security"], keys: [anna.jwk], ...change },
      ];
      take(bundle({ principals }), text(anna, { sub: ["rita"] }));
      expect(ask()).toBe("revoked");
    });

  it("are signed by no holder of a role that is only a principal's name", async () => {
    const { offer } = await start();
    const { revokers, principals, ...rest } = bundle();
    // In this order: what the bundle says next after its revokers is a principal of that name.
    const claims = {
      ...rest,
      revokers,
      principals: [
        { id: "lead", roles: [], keys: [] },
        { id: "adam", roles: ["lead"], keys: [adam.jwk] },
      ],
    };
    expect(offer(claims, text(adam)).reason).toContain("held no role of a revoker");
  });

  it("give way to their signer's next one, when the bundle in which he stood has long been replaced", async () => {
    const { ask, take } = await start();
    const crowd = list(3000, (i) => ({ id: `somebody-else-of-a-long-name-${i}`, roles: [], keys: [] }));
    const first = { id: "anna", roles: ["security"], keys: [anna.jwk] };
    take(bundle({ principals: [first, ...crowd] }), versioned(anna, 10, { sub: ["rita"] }));
    // Smaller ones, which have its memory now.
    for (let i = 0; i < 4; i++) take(bundle());
    expect(ask()).toBe("revoked");
    take(bundle(), versioned(anna, 11));
    expect(ask()).toBe("allow");
  });

  it("are in force again, the very same, once no bundle ignores them any more", async () => {
    const { ask, take } = await start();
    const own = versioned(anna, 20, { sub: ["rita"] });
    take(bundle(), own);
    take(bundle({ texts: { anna: 20 } }));
    expect(ask()).toBe("allow");
    take(bundle(), own);
    expect(ask()).toBe("revoked");
    take(bundle());
    expect(ask()).toBe("revoked");
  });

  it("of one signer count as one, by the longest list of the last", async () => {
    const { gauge, take } = await start();
    for (let version = 1; version < 5; version++) {
      take(bundle(), versioned(anna, version));
      expect(gauge("revocations_filled_percent")).toBe(6);
    }
    take(bundle(), versioned(anna, 9, { incident: list(1024, name) }));
    expect(gauge("revocations_filled_percent")).toBe(25);
  });
});
