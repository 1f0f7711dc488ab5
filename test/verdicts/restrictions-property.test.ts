/**
 * The filter against the reference on what grants restrict and entitlements demand: networks, keys, waiting, at the edges of every
 * number. A disagreement is shrunk by fast-check and printed as the few choices that it is made of. GLASSGATE_FUZZ_CASES and
 * GLASSGATE_SEED as in test/fuzz.
 */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { faultOfNetwork } from "../../control/grant/networks.js";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { QuickWorld } from "../kit/quick-world.js";
import { base64url, segment } from "../kit/token.js";
import type { Json } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { readBlock } from "../reference/networks.js";

const CASES = Number(process.env.GLASSGATE_FUZZ_CASES ?? 30_000);
const TIMEOUT_MS = 15 * 60_000;

const start = Math.floor(Date.now() / 1000);
const world = new QuickWorld(start);
const TTLS = [60, 900];
const WAITS = [undefined, 60, 3600];
const REQUIRES = [[], [], [], ["net"], ["incident", "cnf", "net"]];
const QUORUMS = [
  [],
  [{ role: "lead", count: 1 }],
  [
    { role: "lead", count: 1 },
    { role: "security", count: 1 },
  ],
  [
    { role: "security", count: 1 },
    { role: "lead", count: 2 },
  ],
];

interface Rule {
  readonly id: string;
  readonly ttl: number;
  readonly wait: number;
  readonly json: Json;
}
const rules: Rule[] = [];
for (const [q, approvals] of QUORUMS.entries())
  for (const ttl of TTLS)
    for (const max_wait of WAITS) {
      if (approvals.length === 0 && (max_wait ?? 0) > 0) continue;
      for (const [r, require] of REQUIRES.entries()) {
        const id = `q${q}-t${ttl}-w${max_wait ?? "none"}-r${r}`;
        const json = world.entitlement(id, { approvals, max_ttl: ttl, require });
        rules.push({ id, ttl, wait: max_wait ?? 0, json: max_wait === undefined ? json : { ...json, max_wait } });
      }
    }

const configuration = world.configuration({
  bundle: world.bundleClaims({ entitlements: rules.map(({ json }) => json) }),
});
const signers = [world.adam2, world.anna, world.alex, world.bot, world.temp, world.crowd[0] ?? world.adam, world.rita2];
const SOURCES = [
  "192.0.2.1:80",
  "192.0.2.255:0",
  "[::ffff:192.0.2.1]:5",
  "[2001:db8::1]:5",
  "[2001:db8:0:1::]:5",
  "/run/a.sock",
  "",
];
const BLOCKS = [
  ...["192.0.2.0/24", "192.0.2.1/32", "192.0.2.128/25", "192.0.0.0/15", "0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8"],
  ...["2001:db8::/64", "2001:db8::/32", "2001:db8::1/128", "::/0", "2000::/3", "::fffe:0:0/95"],
];
const BAD_BLOCKS = ["192.0.2.1/24", "::ffff:192.0.2.0/120", "2001:DB8::/32", "192.0.2.0"];
const thumbprint = base64url(randomBytes(32));

const block = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...BLOCKS) },
  { weight: 1, arbitrary: fc.constantFrom(...BAD_BLOCKS) },
);
const net = fc.option(fc.array(block, { minLength: 1, maxLength: 3 }), { freq: 2, nil: undefined });
const cnf = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: fc.constantFrom<Json>({ jkt: thumbprint }, { "x5t#S256": thumbprint }) },
  { weight: 1, arbitrary: fc.constant<Json>({}) },
);
const incident = fc.option(fc.constant("INC-1"), { nil: undefined });
/** A few seconds round an edge. */
const near = fc.constantFrom(-6, -5, -1, 0, 1, 5, 6);
const early = fc.constantFrom(-60, -20, -6, -1, 0);
const offset = fc.oneof(
  { weight: 4, arbitrary: near },
  { weight: 1, arbitrary: fc.constantFrom(30, 60, 61, 100, 900, 3600) },
);
const by = (who: fc.Arbitrary<number>, maxLength: number) =>
  fc.uniqueArray(fc.tuple(who, offset), { maxLength, selector: ([one]) => one });
/** Mostly by people of whom nothing is wrong: the first three. */
const approvals = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .shuffledSubarray([0, 1, 2], { minLength: 2 })
      .chain((people) => fc.tuple(...people.map((who) => fc.tuple(fc.constant(who), offset)))),
  },
  { weight: 1, arbitrary: by(fc.constantFrom(...signers.keys()), 5) },
);

it(
  "agrees with the reference",
  async () => {
    const clock = { seconds: start };
    const host = await FilterHost.load({ clock: () => clock.seconds * 1000 });
    expect(host.configure(configuration).reason).toBeUndefined();
    const seen = new Map<string, number>();
    const property = fc.asyncProperty(
      fc.record({
        rule: fc.constantFrom(...rules.keys()),
        net,
        cnf,
        incident,
        approvals,
        source: fc.constantFrom(...SOURCES),
        /** `exp`, as seconds beside the longest legal life. */
        life: fc.oneof(early, near),
        /** The moment of judging: seconds beside the end of a life that began then, or beside exp. */
        from: fc.constantFrom("approval", "exp", "ask"),
        which: fc.nat(4),
        at: fc.oneof(early, near),
      }),
      async ({ rule: index, approvals: given, life, from, which, at, source, ...claims }) => {
        const rule = rules[index];
        if (rule === undefined) throw new Error("no such rule");
        const exp = start + Math.max(1, rule.wait + rule.ttl + life);
        const grant = world.grant({
          claims: { ent: rule.id, exp, ...claims },
          approvals: given.map(([who, ago]) => ({ by: signers[who] ?? world.anna, iat: start + ago })),
        });
        const began = given.length === 0 ? 0 : (given[which % given.length]?.[1] ?? 0);
        const edge = { approval: start + began + rule.ttl, exp, ask: start + 5 }[from];
        clock.seconds = edge + at;
        const outcome = host.request({ headers: headersOf([grant]), sourceAddress: source });
        const verdict = outcome.filterState.get("wasm.glassgate.verdict");
        const reference = await referenceDecision({
          configuration,
          grants: [grant],
          request: { method: "GET", host: "api.example.com", path: "/orders/7", isUpgrade: false, source },
          now: clock.seconds,
        });
        expect(verdict).toBe(reference);
        seen.set(reference, (seen.get(reference) ?? 0) + 1);
      },
    );
    await fc.assert(property, { numRuns: Math.max(200, Math.round(CASES * 0.01)) });
    // Worth it: each of the verdicts in question was among them.
    for (const verdict of [
      "allow",
      "expired",
      "ttl",
      "quorum",
      "network",
      "claim_required",
      "binding_missing",
      "malformed",
    ])
      expect(seen.get(verdict) ?? 0, verdict).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

it(
  "reads the same networks as the reference, however they are written",
  async () => {
    const host = await FilterHost.load({ clock: () => start * 1000 });
    expect(host.configure(world.configuration()).reason).toBeUndefined();
    const group = fc.oneof(
      fc.constantFrom("0", "1", "ffff", "db8", "00", "0db8", "FFFF", ""),
      fc.nat(0xffff).map((n) => n.toString(16)),
    );
    const octet = fc.oneof(fc.constantFrom("0", "10", "127", "128", "255", "256", "00", "01"), fc.nat(255).map(String));
    const prefix = fc.oneof(
      fc.constantFrom("0", "8", "24", "32", "33", "96", "104", "128", "129", "00", "", " 8"),
      fc.nat(129).map(String),
    );
    const address = fc.oneof(
      fc.array(group, { minLength: 2, maxLength: 9 }).map((groups) => groups.join(":")),
      fc
        .tuple(fc.array(group, { maxLength: 4 }), fc.array(group, { maxLength: 4 }))
        .map((both) => both.map((g) => g.join(":")).join("::")),
      fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join(".")),
      fc
        .tuple(fc.constantFrom("::", "::ffff:", "64:ff9b::"), fc.array(octet, { minLength: 4, maxLength: 4 }))
        .map(([head, tail]) => `${head}${tail.join(".")}`),
    );
    const ipv6 = fc
      .array(fc.constantFrom("0", "0", "0", "1", "db8", "8000"), { minLength: 8, maxLength: 8 })
      .map((groups) => new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1));
    const block = fc
      .tuple(fc.oneof(address, ipv6), prefix, fc.constantFrom("/", "/", "/", "", "//"))
      .map(([a, p, slash]) => `${a}${slash}${p}`);
    const header = segment({ alg: "Ed25519", kid: world.rita.kid, typ: "bg+jwt" });
    let good = 0;
    const property = fc.property(block, (text) => {
      const grant = `${header}.${segment(world.claims({ net: [text] }))}.${"A".repeat(86)}`;
      const verdict = host
        .request({ headers: headersOf([grant]), sourceAddress: "" })
        .filterState.get("wasm.glassgate.verdict");
      const isRead = readBlock(text) !== undefined;
      // A good one comes as far as the signature, which is none; without an address nobody is busy.
      expect(verdict).toBe(isRead ? "signature" : "malformed");
      // The command refuses the same, with what was meant.
      expect(faultOfNetwork(text) === undefined).toBe(isRead);
      if (isRead) good += 1;
    });
    fc.assert(property, { numRuns: Math.max(200, Math.round(CASES * 0.02)) });
    expect(good).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
