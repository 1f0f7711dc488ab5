/** What is said before a signature is made is what the filter says to the grant that is made in the end. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { readClaims } from "../../control/grant/ask.js";
import { type Judgement, judgeAhead } from "../../control/grant/judge.js";
import { samplesOf, showSample } from "../../control/grant/scope.js";
import { type Denial, Stage } from "../../control/grant/stage.js";
import { publicKeySchema } from "../../control/signer/jwk.js";
import type { Anchors } from "../../control/trust/anchors.js";
import { bundleClaimsSchema } from "../../control/trust/claims.js";
import type { Signer } from "../kit/token.js";
import { HOST, type Json, World } from "../kit/world.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

const NOW = 1_800_000_000;
const world = new World(NOW);
const anchors: Anchors = {
  audience: "test",
  threshold: 2,
  roots: world.roots.map(({ jwk }) => publicKeySchema.parse(jwk)),
};

interface Case {
  readonly claims?: Json;
  readonly bundle?: Json;
  readonly approvers?: readonly Signer[];
  readonly by?: Signer;
  readonly now?: number;
}

/** A grant under a bundle. Each answer is worked out when it is asked for: a filter is configured for it. */
async function played({
  claims = {},
  bundle = {},
  approvers = [world.adam, world.anna],
  by = world.rita,
  now = NOW,
}: Case) {
  const bundleJson = world.bundleClaims(bundle);
  const jti = "0123456789abcdefghij";
  const spec = { claims: { jti, iat: now, exp: now + 600, ...claims }, by };
  const grant = world.grant({ ...spec, approvals: approvers.map((signer) => ({ by: signer, iat: now })) });
  const [request = "", ...approvals] = grant.split("~");
  const parsed = await readClaims(grant, "The grant");
  const pinned = world.bundle(bundleJson);
  const against = bundleClaimsSchema.parse(bundleJson);
  const details = against.entitlements.find(({ id }) => id === parsed.ent)?.authorization_details ?? [];
  const rehearsal = { anchors, pinned, bundle: against, ask: request, requesterKid: by.kid, ownKids: [], now };
  const kids = approvers.map(({ kid }) => kid);
  return {
    /** What the filter says to the real grant. */
    real: async () =>
      verdictOf(
        (await Stage.set(anchors, pinned, grant, now)).judgeAll(samplesOf(parsed.authorization_details, details)),
      ),
    /** What is foretold before approvals. */
    early: () => judgeAhead({ ...rehearsal, approvals: [], otherKids: kids }, parsed),
    /** What is foretold before the last signature. */
    late: () => judgeAhead({ ...rehearsal, approvals, otherKids: [] }, parsed),
  };
}

const verdictOf = (denial: Denial | undefined): string => denial?.verdict ?? "allow";
const early = async (spec: Case): Promise<string> => verdictOf((await (await played(spec)).early()).denial);
const late = async (spec: Case): Promise<Judgement> => (await played(spec)).late();

const cases: Readonly<Record<string, Case & { readonly verdict: string }>> = {
  "a good one": { verdict: "allow" },
  "an ES256 requester": { verdict: "allow", by: world.rita2 },
  "a method outside": {
    verdict: "entitlement_scope",
    claims: { authorization_details: [world.detail({ actions: ["GET", "DELETE"] })] },
  },
  "a host outside": {
    verdict: "entitlement_scope",
    claims: { authorization_details: [world.detail({ locations: [HOST, "evil.example"] })] },
  },
  "a path outside": {
    verdict: "entitlement_scope",
    claims: { authorization_details: [world.detail({ paths: ["/orders/1", "/admin"] })] },
  },
  "a revoked requester": { verdict: "revoked", bundle: { revoked: { sub: ["rita"] } } },
  "a revoked approver": { verdict: "revoked", bundle: { revoked: { sub: ["anna"] } } },
  "a revoked requester's key": { verdict: "revoked", bundle: { revoked: { kid: [world.rita.kid] } } },
  "a revoked approver's key": { verdict: "revoked", bundle: { revoked: { kid: [world.adam.kid] } } },
  "a revoked incident": {
    verdict: "revoked",
    bundle: { revoked: { incident: ["INC-1"] } },
    claims: { incident: "INC-1" },
  },
  "a revoked grant": { verdict: "revoked", bundle: { revoked: { jti: ["0123456789abcdefghij"] } } },
  "an expired key": { verdict: "key_not_valid", by: world.gone, claims: { sub: "gone" } },
  "a key not yet valid": { verdict: "key_not_valid", by: world.late, claims: { sub: "late" } },
  "an approver's expired key": { verdict: "key_not_valid", approvers: [world.gone, world.anna] },
  "an expired bundle": { verdict: "bundle_expired", bundle: { iat: NOW - 60, exp: NOW } },
  "a bundle from the future": { verdict: "bundle_expired", bundle: { iat: NOW + 60, exp: NOW + 900 } },
  "an unknown entitlement": { verdict: "entitlement_unknown", claims: { ent: "nothing" } },
  "a requester without the role": { verdict: "requester", by: world.bot, claims: { sub: "bot" } },
  "a requester whose role has ended": { verdict: "requester", by: world.temp, claims: { sub: "temp" } },
  "a drill that is none": { verdict: "requester", claims: { drill: "d1" } },
  "no drill where one must be": { verdict: "requester", claims: { ent: "drill" }, approvers: [] },
  "another reason": { verdict: "reason", claims: { reason: "boredom" } },
  "no incident": { verdict: "claim_required", claims: { ent: "ticket" }, approvers: [] },
  "a long life": { verdict: "ttl", claims: { exp: NOW + 901 } },
  "another environment": { verdict: "audience", claims: { aud: "production" } },
  "one's own second account": { verdict: "self_approval", approvers: [world.ritaAdmin, world.anna] },
  "one person's two accounts": { verdict: "duplicate_approval", approvers: [world.adam, world.bot] },
  "too few approvals": { verdict: "quorum", approvers: [world.adam] },
  "somebody else's key": { verdict: "key_owner", claims: { sub: "adam" } },
  "no network where one is demanded": {
    verdict: "claim_required",
    bundle: { entitlements: [world.entitlement("repair", { require: ["net"] })] },
  },
  "any network where one is demanded": {
    verdict: "claim_required",
    bundle: { entitlements: [world.entitlement("repair", { require: ["net"] })] },
    claims: { net: ["0.0.0.0/0"] },
  },
  "networks of either family": { verdict: "allow", claims: { net: ["2001:db8::/32", "10.0.0.0/8"] } },
  "one address": { verdict: "allow", claims: { net: ["10.1.2.3/32"] } },
  "longer than wait and life": {
    verdict: "ttl",
    bundle: { entitlements: [world.entitlement("repair", { max_wait: 600 })] },
    claims: { exp: NOW + 1501 },
  },
  "as long as wait and life": {
    verdict: "allow",
    bundle: { entitlements: [world.entitlement("repair", { max_wait: 600 })] },
    claims: { exp: NOW + 1500 },
  },
  "a future ask": { verdict: "not_yet_valid", claims: { iat: NOW + 6, exp: NOW + 100 } },
  "a past ask": { verdict: "expired", claims: { iat: NOW - 100, exp: NOW - 1 } },
  "a stranger's approval": { verdict: "key_unknown", approvers: [world.adam, world.stranger] },
};

describe("foretold and real verdict agree", () => {
  for (const [name, { verdict, ...spec }] of Object.entries(cases)) {
    it(`${name}: ${verdict}`, async () => {
      const grant = await played(spec);
      expect({ real: await grant.real(), late: verdictOf((await grant.late()).denial) }).toEqual({
        real: verdict,
        late: verdict,
      });
      // Nobody stands in for a key that is in no bundle.
      expect(verdictOf((await grant.early()).denial)).toBe(name.startsWith("a stranger") ? "key_unknown" : verdict);
    });
  }

  it("for any mix of them", async () => {
    const names = Object.keys(cases);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.constantFrom(...names), async (one, other) => {
        const [a, b] = [cases[one], cases[other]];
        const grant = await played({
          ...a,
          ...b,
          claims: { ...a?.claims, ...b?.claims },
          bundle: { ...a?.bundle, ...b?.bundle },
        });
        expect(verdictOf((await grant.late()).denial)).toBe(await grant.real());
      }),
      { numRuns: 15 },
    );
  });

  it("and the end is known, where the bundle, a key or a role ends first", async () => {
    expect((await late({ bundle: { exp: NOW + 100 } })).ends).toEqual({ at: NOW + 100, verdict: "bundle_expired" });
    const now = NOW + 4900;
    expect((await late({ now })).ends).toEqual({ at: NOW + 5000, verdict: "key_not_valid" });
    expect((await late({})).ends).toBeUndefined();
  });
});

it("the end of the life that begins with the quorum is known, once the approvals are there", async () => {
  const bundle = { entitlements: [world.entitlement("repair", { max_wait: 600 })] };
  const waiting = { bundle, claims: { exp: NOW + 1500 } };
  expect((await late(waiting)).ends).toEqual({ at: NOW + 900, verdict: "expired" });
  expect((await late({ bundle, claims: { exp: NOW + 900 } })).ends).toBeUndefined();
  expect((await late({ ...waiting, bundle: { ...bundle, exp: NOW + 700 } })).ends).toEqual({
    at: NOW + 700,
    verdict: "bundle_expired",
  });
});

it("the life that was approved ends when it does, whatever takes the grant away before that may come back", async () => {
  const bundle = { entitlements: [world.entitlement("repair", { max_wait: 600 })] };
  const lives = async (exp: number, more: Json = {}) =>
    (await late({ bundle: { ...bundle, ...more }, claims: { exp } })).livesUntil;
  expect(await lives(NOW + 1500)).toBe(NOW + 900);
  expect(await lives(NOW + 800)).toBe(NOW + 800);
  expect(await lives(NOW + 1500, { exp: NOW + 700 })).toBe(NOW + 900);
});

it("a bound grant is foretold without its key, which is asked for last", async () => {
  const cnf = { jkt: world.stranger.kid };
  const allowed = { claims: { cnf } };
  expect([await early(allowed), verdictOf((await late(allowed)).denial)]).toEqual(["allow", "allow"]);
  const outside = { claims: { cnf, authorization_details: [world.detail({ paths: ["/admin"] })] } };
  expect([await early(outside), verdictOf((await late(outside)).denial)]).toEqual([
    "entitlement_scope",
    "entitlement_scope",
  ]);
});

describe("all of the scope is judged", () => {
  const detail = (changes: Json) => world.detail(changes);
  const bundleWith = (details: readonly Json[]): Json => ({
    entitlements: [world.entitlement("repair", { authorization_details: details })],
  });
  const foretold = async (asked: Json, allowed: readonly Json[]): Promise<string> =>
    verdictOf((await late({ claims: { authorization_details: [asked] }, bundle: bundleWith(allowed) })).denial);

  it("where details cover it only together, or not quite", async () => {
    const get = detail({ actions: ["GET"], paths: ["/a/*"] });
    const post = detail({ actions: ["POST"], paths: ["/b/*"] });
    expect(await foretold(detail({ paths: ["/a/*"] }), [get, post])).toBe("entitlement_scope");
    expect(await foretold(detail({ actions: ["GET"], paths: ["/a/*"] }), [get, post])).toBe("allow");
    expect(await foretold(detail({ actions: ["GET"], paths: ["/a/1", "/a/2"] }), [get, post])).toBe("allow");
  });

  it("whatever a wildcard stands for", async () => {
    const only = (paths: readonly string[]): Json[] => [detail({ paths })];
    expect(await foretold(detail({ paths: ["/a/*"] }), only(["/a/1", "/a/2"]))).toBe("entitlement_scope");
    expect(await foretold(detail({ paths: ["/a/*"] }), only(["/a/**"]))).toBe("allow");
    expect(await foretold(detail({ paths: ["/a/**"] }), only(["/a", "/a/", "/a/*", "/a/*/", "/a/*/*"]))).toBe(
      "entitlement_scope",
    );
    expect(await foretold(detail({ paths: ["/a/**"] }), only(["/a/*/**"]))).toBe("entitlement_scope");
    expect(await foretold(detail({ paths: ["/a/b/**"] }), only(["/a/**"]))).toBe("allow");
    expect(await foretold(detail({ paths: ["/**"] }), only(["/**"]))).toBe("allow");
    expect(await foretold(detail({ paths: ["/", "/a/"] }), only(["/**"]))).toBe("allow");
  });

  it("upgrades too, where CONNECT is asked for", async () => {
    const apart = [detail({ actions: ["GET"], paths: ["/**"] }), detail({ actions: ["CONNECT"], paths: ["/**"] })];
    const together = [detail({ actions: ["GET", "CONNECT"], paths: ["/**"] })];
    const asked = detail({ actions: ["GET", "CONNECT"], paths: ["/ws"] });
    expect(await foretold(asked, apart)).toBe("entitlement_scope");
    expect(await foretold(asked, together)).toBe("allow");
  });

  it("one wrong request among thousands is found and named", async () => {
    const letters = Array.from({ length: 8 }, (_, i) => String.fromCharCode(65 + i));
    const hosts = letters.map((letter) => `${letter.toLowerCase()}.example`);
    const paths = Array.from({ length: 32 }, (_, i) => `/p/${i}`);
    const wide = detail({ actions: letters, locations: hosts, paths: ["/p/*"] });
    expect(await foretold(detail({ actions: letters, locations: hosts, paths }), [wide])).toBe("allow");
    const gap = detail({ actions: letters, locations: hosts, paths: paths.slice(0, 31) });
    expect(await foretold(detail({ actions: letters, locations: hosts, paths }), [gap])).toBe("entitlement_scope");
  });

  it("and of names that the entitlement never names, one is enough", () => {
    const asked = {
      type: "break_glass_http" as const,
      actions: ["GET", "PUT", "POST"],
      locations: ["a.example", "b.example:443", "c.example"],
      paths: ["/x"],
    };
    const any = { ...asked, actions: ["*", "PUT"], locations: ["*", "b.example"], paths: ["/**"] };
    expect([...samplesOf([asked], [any])].map(showSample)).toEqual([
      "GET a.example/x",
      "GET b.example:443/x",
      "PUT a.example/x",
      "PUT b.example:443/x",
    ]);
    expect([...samplesOf([asked, asked], [asked])]).toHaveLength(9);
  });
});
