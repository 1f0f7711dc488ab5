/**
 * A stream does not outlive its grant: every reason for which a grant can cease to stand, on the Node host, where the clock is
 * ours. test/gateway/streams.test.ts has real streams on a real Envoy.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type Header, type OpenRequest } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { quickSigner } from "../kit/quick.js";
import { revocations } from "../kit/revocations.js";
import { type Json, World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);
const INTERNAL_FAILURE = 10;
const recordSchema = z.looseObject({
  vm: z.string(),
  seq: z.number(),
  prev: z.string(),
  ts: z.string(),
  verdict: z.string(),
  jti: z.string(),
  ended: z.literal(true).optional(),
});
type AuditRecord = z.infer<typeof recordSchema>;
const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");
const parse = (line: string): AuditRecord => recordSchema.parse(JSON.parse(line));

async function setUp(configuration: Json = {}) {
  const world = new World(start);
  let failing: (name: string, thread: string) => boolean = () => false;
  const calls: string[] = [];
  const host = await FilterHost.load({
    workers: 2,
    clock: () => start * 1000,
    intercept: ({ name, thread }) => {
      if (thread === "worker 0") calls.push(name);
      return failing(name, thread) ? INTERNAL_FAILURE : undefined;
    },
  });
  const claims = world.bundleClaims();
  const configure = (bundle: Json, more: Json = {}, vmId?: string): void => {
    const text = world.configuration({ bundle, configuration: { ...configuration, ...more } });
    expect(host.configure(text, "api", vmId === undefined ? {} : { vmId })).toMatchObject({ accepted: true });
  };
  configure(claims);
  const open = (grant: string, more: { worker?: number; headers?: readonly Header[] } = {}): OpenRequest => {
    const opened = host.open({ headers: more.headers ?? headersOf([grant]), worker: more.worker ?? 0 });
    return opened;
  };
  return {
    world,
    host,
    claims,
    configure,
    open,
    calls,
    fail: (how: typeof failing) => {
      failing = how;
    },
    metric: (name: string) => host.metrics().get(name) ?? 0,
  };
}

const contextsSchema = z.map(z.number(), z.looseObject({ tickMilliseconds: z.number() }));
/** What the filter of the first worker has asked for. */
const tickPeriod = (host: FilterHost): number => {
  const [vm] = host.process.workers[0]?.allVms ?? [];
  const contexts = contextsSchema.parse(Reflect.get(Object(vm), "contexts"));
  return Math.max(...[...contexts.values()].map(({ tickMilliseconds }) => tickMilliseconds));
};

const auditOf = (opened: OpenRequest) => readAuditLines(opened.look().filterState.get("wasm.glassgate.audit") ?? "");
const isOpen = (opened: OpenRequest): boolean => opened.look().kind === "continue";

/** Lets in; then, once ended, what the client and the log saw. */
function expectEnded(opened: OpenRequest, verdict: string): AuditRecord {
  const outcome = opened.look();
  expect(outcome.kind).toBe("reply");
  expect(outcome.reply).toMatchObject({ status: 403, details: `glassgate_ended_${verdict}` });
  expect(JSON.parse(outcome.reply?.body ?? "{}")).toMatchObject({ code: verdict, status: 403, ended: true });
  const { record, ended = "{}" } = auditOf(opened);
  expect(parse(record).verdict).toBe("allow");
  const end = parse(ended);
  expect(end).toMatchObject({ verdict, ended: true });
  return end;
}

/** What a configuration must change so that the grant of `world.grant()` stands no more. */
const rotations: readonly { name: string; verdict: string; change: (world: World, claims: Json) => Json }[] = [
  { name: "its jti is revoked", verdict: "revoked", change: () => ({ revoked: { jti: ["the-grant-of-the-test"] } }) },
  { name: "its requester is revoked", verdict: "revoked", change: () => ({ revoked: { sub: ["rita"] } }) },
  { name: "an approver is revoked", verdict: "revoked", change: () => ({ revoked: { sub: ["anna"] } }) },
  { name: "an approver's key is revoked", verdict: "revoked", change: (w) => ({ revoked: { kid: [w.adam.kid] } }) },
  { name: "its incident is revoked", verdict: "revoked", change: () => ({ revoked: { incident: ["INC-7"] } }) },
  { name: "its requester's key is gone", verdict: "key_unknown", change: (_, claims) => without(claims, "rita") },
  { name: "an approver's key is gone", verdict: "key_unknown", change: (_, claims) => without(claims, "anna") },
  { name: "an approver lost the role", verdict: "quorum", change: (_, claims) => demoted(claims, "anna") },
  { name: "its requester lost the role", verdict: "requester", change: (_, claims) => demoted(claims, "rita") },
  { name: "its entitlement is gone", verdict: "entitlement_unknown", change: () => ({ entitlements: [] }) },
  {
    name: "its entitlement gives less time",
    verdict: "ttl",
    change: (w) => ({ entitlements: [w.entitlement("repair", { max_ttl: 60 })] }),
  },
  {
    name: "its entitlement demands a binding now",
    verdict: "claim_required",
    change: (w) => ({ entitlements: [w.entitlement("repair", { require: ["cnf"] })] }),
  },
  {
    name: "its entitlement demands a network now",
    verdict: "claim_required",
    change: (w) => ({ entitlements: [w.entitlement("repair", { require: ["net"] })] }),
  },
  { name: "the new bundle is from the future", verdict: "bundle_expired", change: () => ({ iat: start + 600 }) },
  { name: "the new bundle has expired", verdict: "bundle_expired", change: () => ({ iat: start - 600, exp: start }) },
];

const principalsOf = (claims: Json): Json[] => z.array(z.looseObject({ id: z.string() })).parse(claims.principals);
const without = (claims: Json, id: string): Json => ({
  principals: principalsOf(claims).filter((principal) => principal.id !== id),
});
const demoted = (claims: Json, id: string): Json => ({
  principals: principalsOf(claims).map((principal) =>
    principal.id === id ? { ...principal, roles: ["nobody"] } : principal,
  ),
});

const GRANT = { claims: { jti: "the-grant-of-the-test", incident: "INC-7" } };

describe("an open stream ends with the verdict that a request would get now", () => {
  for (const { name, verdict, change } of rotations) {
    it(`a new bundle: ${name}`, async () => {
      const { world, host, claims, configure, open } = await setUp();
      const opened = open(world.grant(GRANT));
      host.tick();
      expect(isOpen(opened)).toBe(true);
      configure(world.bundleClaims({ ...claims, version: undefined, ...change(world, claims), ...bumped(world) }));
      host.tick();
      const end = expectEnded(opened, verdict);
      expect(end.jti).toBe("the-grant-of-the-test");
    });
  }

  const texts: readonly [string, (world: World) => Json][] = [
    ["its jti", () => ({ jti: ["the-grant-of-the-test"] })],
    ["an approver", () => ({ sub: ["adam"] })],
    ["everything", (w) => ({ issued_before: [{ at: w.now }] })],
  ];
  for (const [name, revoked] of texts) {
    it(`an urgent text revokes ${name}, and leaving it out again brings nothing back`, async () => {
      const { world, host, configure, open } = await setUp();
      const bundle = world.bundleClaims();
      configure(bundle);
      const claims = { ...GRANT.claims, iat: world.now - 1 };
      const approvals = [world.adam, world.anna].map((by) => ({ by, iat: world.now - 1 }));
      const opened = open(world.grant({ claims, approvals }));
      const spared = open(world.alone());
      host.tick();
      expect(isOpen(opened)).toBe(true);
      const text = revocations(world, { by: world.roots[0], revoked: revoked(world), claims: { iat: world.now } });
      configure(bundle, { revocations: text });
      host.tick();
      expectEnded(opened, "revoked");
      expect(isOpen(spared)).toBe(true);
      configure(bundle);
      expect(open(world.grant({ claims, approvals })).outcome.kind).toBe("reply");
    });
  }

  const bumped = (world: World): Json => ({ version: world.bundleClaims().version });

  const times: readonly { name: string; verdict: string; claims: Json; seconds: number; approvals?: "temp" }[] = [
    { name: "its exp", verdict: "expired", claims: { exp: start + 10 }, seconds: 10 },
    { name: "its longest life", verdict: "expired", claims: { exp: start + 900 }, seconds: 900 },
    { name: "the clock is set back", verdict: "not_yet_valid", claims: {}, seconds: -6 },
  ];
  for (const { name, verdict, claims, seconds } of times) {
    it(`time: ${name}`, async () => {
      const { world, host, open } = await setUp();
      const opened = open(world.grant({ claims }));
      host.advance((seconds - Math.sign(seconds)) * 1000);
      host.tick();
      expect(isOpen(opened)).toBe(true);
      host.advance(Math.sign(seconds) * 1000);
      host.tick();
      expectEnded(opened, verdict);
    });
  }

  it("time: the bundle's exp, a key's window, a role's window", async () => {
    const ends = start + 20;
    const cases: readonly [string, (world: World, claims: Json) => Json][] = [
      ["bundle_expired", () => ({ exp: ends })],
      [
        "key_not_valid",
        (w, claims) => ({
          principals: principalsOf(claims).map((principal) =>
            principal.id === "anna" ? { ...principal, keys: [{ ...w.anna.jwk, exp: ends }] } : principal,
          ),
        }),
      ],
      [
        "quorum",
        (_, claims) => ({
          principals: principalsOf(claims).map((principal) =>
            principal.id === "anna" ? { ...principal, roles: [{ role: "security", exp: ends }] } : principal,
          ),
        }),
      ],
    ];
    for (const [verdict, change] of cases) {
      const { world, host, configure, claims, open } = await setUp();
      configure(world.bundleClaims({ ...change(world, claims) }));
      const opened = open(world.grant());
      host.advance(19_000);
      host.tick();
      expect(isOpen(opened), verdict).toBe(true);
      host.advance(1000);
      host.tick();
      expectEnded(opened, verdict);
    }
  });

  it("max_ttl from the moment of the quorum, where waiting was allowed", async () => {
    const { world, host, configure, open } = await setUp();
    configure(world.bundleClaims({ entitlements: [world.entitlement("repair", { max_ttl: 60, max_wait: 600 })] }));
    const opened = open(
      world.grant({
        claims: { iat: start - 100, exp: start + 500 },
        approvals: [
          { by: world.adam, iat: start - 50 },
          { by: world.anna, iat: start - 10 },
        ],
      }),
    );
    expect(isOpen(opened)).toBe(true);
    host.advance(49_000);
    host.tick();
    expect(isOpen(opened)).toBe(true);
    host.advance(1000);
    host.tick();
    expectEnded(opened, "expired");
  });

  it("a clock that fails: nobody can judge, so it ends", async () => {
    const { world, host, open, fail } = await setUp();
    const opened = open(world.grant());
    fail((name) => name === "proxy_get_current_time_nanoseconds");
    host.tick();
    expectEnded(opened, "internal");
  });
});

describe("the record of the end", () => {
  it("stands behind the first record and its evidence, in the VM's chain, and says of the request what the first says", async () => {
    const { world, host, open } = await setUp();
    const grant = world.grant({ claims: { exp: start + 5, incident: "INC-7" } });
    const path = `/orders/${"a%20".repeat(800)}`;
    const headers: Header[] = headersOf([grant], path).map(([name, value]) =>
      name === "x-request-id" ? [name, 'id-1","bundle":9,"cached":true'] : [name, value],
    );
    const opened = open(grant, { headers });
    const before = opened.look().filterState.get("wasm.glassgate.audit") ?? "";
    host.advance(5000);
    host.tick();
    const after = opened.look().filterState.get("wasm.glassgate.audit") ?? "";
    expect(after.startsWith(before)).toBe(true);
    expect(after.slice(before.length)).toMatch(/^\{"v":1,.*\}\n$/);
    const { record, evidence, ended = "" } = auditOf(opened);
    expect(evidence).toBeDefined();
    const [first, last] = [parse(record), parse(ended)];
    expect(last).toMatchObject({ seq: first.seq + 1, vm: first.vm, prev: sha256(record) });
    const { seq: _a, prev: _b, ts: _c, verdict: _d, evidence: _e, cached: _f, ...same } = first;
    expect(last).toMatchObject({ ...same, verdict: "expired", ended: true });
    expect(Object.keys(last).filter((name) => !(name in first))).toEqual(["ended"]);
    expect(Date.parse(last.ts) - Date.parse(first.ts)).toBe(5000);
    // The chain goes on from it.
    const next = open(world.grant());
    expect(parse(auditOf(next).record)).toMatchObject({ seq: last.seq + 1, prev: sha256(ended) });
  });

  it("without evidence where the first had none, and with the members of a drill and of a single key", async () => {
    const { world, host, open } = await setUp();
    const grant = world.grant({
      claims: { ent: "drill", drill: "d-1", exp: start + 5 },
      approvals: [],
    });
    const [one, two] = [open(grant), open(grant)];
    host.advance(5000);
    host.tick();
    expect(auditOf(one).evidence).toBeDefined();
    expect(auditOf(two).evidence).toBeUndefined();
    for (const opened of [one, two]) {
      expect(expectEnded(opened, "expired")).toMatchObject({ drill: "d-1", single_key: true });
    }
  });

  it("where the gateway does not give back the first or does not take the second: the stream ends, and the first stays", async () => {
    for (const broken of ["proxy_get_property", "proxy_set_property"]) {
      const { world, host, open, fail, metric } = await setUp();
      const opened = open(world.grant({ claims: { exp: start + 5 } }));
      const before = opened.look().filterState.get("wasm.glassgate.audit");
      host.advance(5000);
      fail((name) => name === broken);
      host.tick();
      expect(opened.look().reply?.details).toBe("glassgate_ended_expired");
      expect(opened.look().filterState.get("wasm.glassgate.audit")).toBe(before);
      fail(() => false);
      host.tick();
      expect(metric("wasmcustom.glassgate.records_dropped") + metric("glassgate.records_dropped")).toBe(1);
    }
  });
});

describe("nobody else is touched", () => {
  it("streams without a grant, under another grant, and requests that had ended", async () => {
    const { world, host, open } = await setUp();
    const grant = world.grant({ claims: { exp: start + 5 } });
    const normal = open("", { headers: headersOf([]) });
    const denied = open(world.grant({ claims: { exp: start + 5, aud: "staging" } }));
    const other = open(world.grant());
    const finished = open(grant);
    const mine = [open(grant), open(grant), open(grant, { worker: 1 })];
    finished.close();
    const before = finished.look();
    const deniedBefore = denied.look();
    host.advance(5000);
    host.tick();
    for (const opened of mine) expectEnded(opened, "expired");
    expect(isOpen(normal)).toBe(true);
    expect(isOpen(other)).toBe(true);
    expect(finished.look()).toEqual(before);
    expect(denied.look()).toEqual(deniedBefore);
    for (const opened of [normal, denied, other]) opened.close();
  });

  it("nor in shadow, however the grant stands", async () => {
    const { world, host, open, configure, claims } = await setUp({ mode: "shadow" });
    const opened = open(world.grant(GRANT));
    configure(
      world.bundleClaims({
        ...claims,
        ...{ version: undefined },
        revoked: { sub: ["rita"] },
        version: world.bundleClaims().version,
      }),
    );
    host.advance(10_000_000);
    host.tick();
    expect(isOpen(opened)).toBe(true);
    expect(auditOf(opened).ended).toBeUndefined();
  });

  it("a stream that is answered is reset, and the details say why", async () => {
    const { world, host, open } = await setUp();
    const opened = open(world.grant({ claims: { exp: start + 5 } }));
    opened.answer();
    host.advance(5000);
    host.tick();
    expect(opened.look()).toMatchObject({ kind: "reset", reply: undefined, details: "glassgate_ended_expired" });
    expect(parse(auditOf(opened).ended ?? "{}").verdict).toBe("expired");
  });
});

describe("old contexts", () => {
  it("a stream that opened under an old root context is judged under the newest bundle", async () => {
    const { world, host, open, configure } = await setUp();
    const opened = open(world.grant(GRANT));
    for (let i = 0; i < 3; i++) configure(world.bundleClaims());
    host.tick();
    expect(isOpen(opened)).toBe(true);
    configure(world.bundleClaims({ revoked: { jti: ["the-grant-of-the-test"] } }));
    host.tick();
    expectEnded(opened, "revoked");
  });

  it("under an old vm_id it is told nothing of new bundles, but time still ends it", async () => {
    const { world, host, open, configure } = await setUp();
    const opened = open(world.grant({ claims: { ...GRANT.claims, exp: start + 60 } }));
    configure(world.bundleClaims({ revoked: { jti: ["the-grant-of-the-test"] } }), {}, "glassgate-2");
    host.tick();
    expect(isOpen(opened)).toBe(true);
    host.advance(60_000);
    host.tick();
    expectEnded(opened, "expired");
  });

  const seconds = (host: FilterHost, count: number): void => {
    for (let i = 0; i < count * 2; i++) {
      host.advance(500);
      host.tick();
    }
  };

  it("where nobody can tell its VM of a revocation any more, it ends: under a vm_id that was given up, and under roots or an audience that are", async () => {
    const ways: readonly ((configure: Awaited<ReturnType<typeof setUp>>["configure"], world: World) => void)[] = [
      (configure, world) => configure(world.bundleClaims(), {}, "glassgate-2"),
      (configure, world) => configure(world.bundleClaims({ aud: ["staging"] }), { audience: "staging" }),
      (configure, world) =>
        configure(world.bundleClaims(), { roots: [...world.roots, quickSigner("Ed25519")].map(({ jwk }) => jwk) }),
    ];
    for (const giveUp of ways) {
      const { world, host, open, configure } = await setUp();
      const old = [open(world.grant(GRANT)), open(world.grant(GRANT), { worker: 1 })];
      const normal = open("", { headers: headersOf([]) });
      seconds(host, 20);
      expect(old.every(isOpen)).toBe(true);
      giveUp(configure, world);
      host.tick();
      expect(old.every(isOpen)).toBe(true);
      const young = open(world.grant({ claims: { aud: ["test", "staging"] } }));
      seconds(host, 6);
      for (const opened of old) expectEnded(opened, "no_trust");
      seconds(host, 20);
      expect([normal, young].every(isOpen)).toBe(true);
    }
  });

  it("a vm_id that is come back to is in force again, also where a stream has kept its context", async () => {
    const { world, host, open, configure, claims } = await setUp();
    const normal = open("", { headers: headersOf([]) });
    const opened = open(world.grant(GRANT));
    configure(world.bundleClaims(), {}, "glassgate-2");
    seconds(host, 1);
    configure(claims, {}, "glassgate");
    seconds(host, 20);
    expect(isOpen(opened)).toBe(true);
    configure(world.bundleClaims(), {}, "glassgate-2");
    seconds(host, 20);
    expectEnded(opened, "no_trust");
    configure(claims, {}, "glassgate");
    const next = open(world.grant(GRANT));
    seconds(host, 20);
    expect([normal, next].every(isOpen)).toBe(true);
  });
});

it("many: each is ended once, some a tick, the next ticks soon, and nothing is left behind", async () => {
  const { world, host, open, calls, metric } = await setUp();
  const grants = Array.from({ length: 20 }, () => world.alone({ claims: { exp: start + 5 } }));
  const lasting = world.alone();
  const streams = Array.from({ length: 3000 }, (_, i) => open(grants[i % grants.length] ?? ""));
  const others = Array.from({ length: 50 }, () => open(lasting));
  host.advance(5000);
  calls.length = 0;
  let ticks = 0;
  /** As a real gateway waits for the ticks that the filter has asked for. */
  let waited = 0;
  for (; ticks < 100 && streams.some(isOpen); ticks++) {
    waited += tickPeriod(host);
    const before = calls.filter((name) => name === "proxy_send_local_response").length;
    host.tick();
    const ended = calls.filter((name) => name === "proxy_send_local_response").length - before;
    expect(ended).toBeLessThanOrEqual(256);
    if (ticks === 0) expect(calls).toContain("proxy_set_tick_period_milliseconds");
    // So that 50,000 on one worker, in 196 ticks, wait a fifth of a second in all and not two.
    if (streams.some(isOpen)) expect(host.process.tickMilliseconds).toBe(1);
  }
  expect(ticks).toBe(Math.ceil(3000 / 256));
  expect(waited).toBeGreaterThan(0);
  expect(waited).toBeLessThan(2000);
  for (const opened of streams) expect(opened.look().details).toBe("glassgate_ended_expired");
  expect(calls.filter((name) => name === "proxy_send_local_response")).toHaveLength(3000);
  expect(others.every(isOpen)).toBe(true);
  for (const opened of others) opened.close();
  // Until the VMs have said again how full they are.
  for (let i = 0; i < 3; i++) {
    host.advance(2500);
    host.tick();
  }
  expect(host.process.tickMilliseconds).toBeGreaterThan(1);
  expect(metric("glassgate.streams_ended")).toBe(3000);
  expect(metric("glassgate.open_grants")).toBe(0);
  expect(metric("glassgate.streams")).toBe(0);
});

describe("grants with a stream open", () => {
  /** Until the VMs have said again how full they are. */
  const told = (host: FilterHost): void => {
    for (let i = 0; i < 2; i++) {
      host.advance(2500);
      host.tick();
    }
  };
  /** A requester's share is counted in one of 4096 places, which two may have in common: so there are more than there is room for. */
  const crew = Array.from({ length: 24 }, () => quickSigner());
  const crewed = (world: World): Json =>
    world.bundleClaims({
      principals: [
        ...principalsOf(world.bundleClaims()),
        ...crew.map(({ jwk }, i) => ({ id: `crew-${i}`, roles: ["oncall"], keys: [jwk] })),
      ],
    });
  const by = (world: World, i: number): string =>
    world.alone({ by: crew[i] ?? world.rita, claims: { sub: `crew-${i}` } });

  it("one in every spelling takes one place, whatever the cache has forgotten meanwhile", async () => {
    const { world, host, open, metric } = await setUp();
    const [request = "", ...approvals] = world
      .grant({ approvals: [{ by: world.adam }, { by: world.anna }] })
      .split("~");
    const spellings = [approvals, [...approvals].reverse()].map((some) => [request, ...some].join("~"));
    const streams = Array.from({ length: 40 }, (_, i) => open(spellings[i % 2] ?? ""));
    const others = Array.from({ length: 70 }, () => world.alone());
    for (let i = 0; i < 2 * others.length; i++) streams.push(open(others[i % others.length] ?? ""));
    expect(streams.every(isOpen)).toBe(true);
    told(host);
    expect(metric("glassgate.open_grants")).toBe(1 + others.length);
    for (const opened of streams) opened.close();
    told(host);
    expect(metric("glassgate.open_grants")).toBe(0);
  });

  it("with fewer approvals, or signed by another key, it stands by others and has a place of its own", async () => {
    const { world, host, open, configure, metric } = await setUp();
    const [request = "", ...approvals] = world
      .grant({ approvals: [{ by: world.adam }, { by: world.anna }, { by: world.alex }] })
      .split("~");
    const payload = Buffer.from(request.split(".")[1] ?? "", "base64url").toString();
    const [others = ""] = world.grant({ payload, by: world.rita2, approvals: [] }).split("~");
    const [all, fewer, otherKey] = [
      [request, ...approvals],
      [request, ...approvals.slice(0, 2)],
      [others, ...approvals.slice(0, 2)],
    ].map((parts) => open(parts.join("~")));
    if (all === undefined || fewer === undefined || otherKey === undefined) throw new Error("three were opened");
    told(host);
    expect(metric("glassgate.open_grants")).toBe(3);
    configure(world.bundleClaims({ revoked: { kid: [world.alex.kid, world.rita2.kid] } }));
    host.tick();
    expectEnded(all, "revoked");
    expectEnded(otherKey, "revoked");
    expect(isOpen(fewer)).toBe(true);
  });

  it("a requester has a share: one more is busy, others' open, and what is closed can be used again", async () => {
    const MOST = 1024;
    const { world, host, open, configure } = await setUp();
    configure(crewed(world));
    const streams = Array.from({ length: MOST }, () => open(by(world, 0)));
    expect(streams.every(isOpen)).toBe(true);
    const one = open(by(world, 0));
    expect(one.outcome.reply).toMatchObject({ status: 429, details: "glassgate_busy" });
    expect(auditOf(one).record).toContain('"verdict":"busy"');
    expect(crew.slice(1).some((_, i) => isOpen(open(by(world, i + 1))))).toBe(true);
    streams.pop()?.close();
    const last = by(world, 0);
    expect(isOpen(open(last))).toBe(true);
    // Under a grant that is open there is room, and another root context's places are the requester's as well.
    expect(isOpen(open(last))).toBe(true);
    configure(crewed(world));
    expect(open(by(world, 0)).outcome.reply).toMatchObject({ status: 429 });
    host.tick();
  });

  it("no room for one more: it is denied before it opens anything, told in gauge and log, and room comes back", async () => {
    const MOST = 15_360;
    const { world, host, open, configure, metric } = await setUp();
    configure(crewed(world), { table_memory_kib: 32_768 });
    const streams: OpenRequest[] = [];
    let able = crew.map((_, i) => i);
    while (streams.length < MOST && able.length > 0) {
      const requester = able[streams.length % able.length] ?? 0;
      const opened = open(by(world, requester));
      if (!isOpen(opened)) {
        able = able.filter((other) => other !== requester);
        continue;
      }
      streams.push(opened);
      // Tables of multiples make the rest quick.
      if (streams.length < 960) host.tick();
    }
    expect(streams).toHaveLength(MOST);
    const one = open(by(world, crew.length - 1));
    expect(one.outcome.reply).toMatchObject({ status: 503, details: "glassgate_no_trust" });
    expect(auditOf(one).record).toContain('"verdict":"no_trust"');
    expect(isOpen(open("", { headers: headersOf([]) }))).toBe(true);
    told(host);
    expect(metric("glassgate.open_grants")).toBe(MOST);
    expect(metric("glassgate.refused")).toBe(1);
    expect(host.process.log.map(({ text }) => text)).toContain(
      "glassgate: this VM holds 15360 of at most 15360 grants with a stream open",
    );
    streams[0]?.close();
    expect(isOpen(open(by(world, 0)))).toBe(true);
  }, 240_000);
});
