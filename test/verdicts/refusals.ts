/** Configurations and bundles that must be refused, each with what the filter's reason must name. */
import { randomBytes } from "node:crypto";
import { base64url, newSigner } from "../kit/token.js";
import type { Json, World } from "../kit/world.js";

export interface Refusal {
  readonly name: string;
  readonly configuration: (world: World) => string;
  /** Part of the reason that the operator reads. */
  readonly reason: string;
}

type Principals = Record<string, unknown>[];

function principalsOf(claims: Json): Principals {
  return Array.isArray(claims.principals) ? structuredClone(claims.principals) : [];
}

const manyNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `name-${i}`);

/** A kid that is a name as well: nearly each is. */
const rootNamedLikeAPrincipal = (w: World): string =>
  w.roots.map(({ kid }) => kid).find((kid) => /^[A-Za-z0-9]/.test(kid)) ?? "";

const bundle = (name: string, reason: string, change: (w: World, claims: Json) => Json): Refusal => ({
  name,
  reason,
  configuration: (w) => w.configuration({ bundle: { ...w.bundleClaims(), ...change(w, w.bundleClaims()) } }),
});

const principal = (
  name: string,
  reason: string,
  change: (w: World, first: Record<string, unknown>) => Record<string, unknown>,
): Refusal =>
  bundle(name, reason, (w, claims) => {
    const [first = {}, ...rest] = principalsOf(claims);
    return { principals: [change(w, first), ...rest] };
  });

const entitlement = (name: string, reason: string, change: Json): Refusal =>
  bundle(name, reason, (w) => ({ entitlements: [w.entitlement("repair", change)] }));

const member = (name: string, reason: string, change: Json): Refusal => ({
  name,
  reason,
  configuration: (w) => w.configuration({ configuration: change }),
});

/** A point of order 8 and the neutral element, as public keys (edwards25519's torsion). */
const SMALL_ORDER = [
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "0100000000000000000000000000000000000000000000000000000000000000",
];

const signatures: Refusal[] = [
  { name: "one root of two", reason: "fewer roots", configuration: (w) => w.configuration({ signedBy: [w.roots[0]] }) },
  {
    name: "a root and a stranger",
    reason: "fewer roots",
    configuration: (w) => w.configuration({ signedBy: [w.roots[0], w.stranger] }),
  },
  {
    name: "the same root twice",
    reason: "twice",
    configuration: (w) => w.configuration({ signedBy: [w.roots[0], w.roots[0]] }),
  },
  {
    name: "a broken root signature",
    reason: "does not verify",
    configuration: (w) => {
      const text = w.bundle();
      const at = text.length - 20;
      return w.configuration({
        bundle: null,
        configuration: { bundle: `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}` },
      });
    },
  },
  {
    name: "an ask as a bundle",
    reason: "bg-bundle+jwt",
    configuration: (w) => w.configuration({ bundle: null, configuration: { bundle: w.alone() } }),
  },
  {
    name: "an empty bundle",
    reason: "bg-bundle+jwt",
    configuration: (w) => w.configuration({ bundle: null, configuration: { bundle: "" } }),
  },
  {
    name: "a bundle over 512 KiB",
    reason: "512 KiB",
    configuration: (w) => w.configuration({ bundle: null, configuration: { bundle: "x".repeat(512 * 1024 + 1) } }),
  },
  {
    name: "17 signatures",
    reason: "16 signatures",
    configuration: (w) =>
      w.configuration({ signedBy: [w.roots[0], w.roots[1], ...Array.from({ length: 15 }, () => w.stranger)] }),
  },
];

const bundles: Refusal[] = [
  bundle("another schema", "schema", () => ({ schema: 2 })),
  bundle("an unknown member", "unknown member", () => ({ extra: 1 })),
  bundle("revokers as a name", "wrong type", () => ({ revokers: "lead" })),
  bundle("no revoker", "wrong type", () => ({ revokers: [] })),
  bundle("65 revokers", 'out of its bounds: "revokers"', () => ({ revokers: manyNames(65) })),
  bundle("65 reviewers", 'out of its bounds: "reviewers"', () => ({ reviewers: manyNames(65) })),
  bundle("a reviewer that is no name", "wrong type", () => ({ reviewers: ["a b"] })),
  bundle("a ledger that is a root", "ledger's key is also", (w) => ({ ledgers: [w.roots[2].jwk] })),
  bundle("a ledger that is a principal's key", "ledger's key is also", (w) => ({ ledgers: [w.rita.jwk] })),
  bundle("a ledger twice", "ledger's key occurs twice", (w) => ({ ledgers: [w.stranger.jwk, w.stranger.jwk] })),
  bundle("a ledger with a window", "unknown or private", (w) => ({ ledgers: [{ ...w.stranger.jwk, exp: w.now }] })),
  bundle("17 ledgers", "more than 16 ledgers", () => ({
    ledgers: Array.from({ length: 17 }, () => newSigner("Ed25519").jwk),
  })),
  bundle("texts as an array", "wrong type", () => ({ texts: [] })),
  bundle("a version of texts that is no number", "wrong type", () => ({ texts: { anna: "7" } })),
  bundle("texts of nobody's name", "neither a name nor a kid", () => ({ texts: { "a b": 7 } })),
  bundle("texts of 1025 signers", "more than 1024 signers", () => ({
    texts: Object.fromEntries(manyNames(1025).map((name) => [name, 7])),
  })),
  bundle("issued_before without a time", "lacks one of at", () => ({ revoked: { issued_before: [{ sub: "rita" }] } })),
  bundle("issued_before as a number", "wrong type", () => ({ revoked: { issued_before: 7 } })),
  bundle("issued_before with a name that is none", "a name is not", () => ({
    revoked: { issued_before: [{ at: 1, sub: "a b" }] },
  })),
  bundle("issued_before with an unknown member", "unknown member", () => ({
    revoked: { issued_before: [{ at: 1, kid: "k" }] },
  })),
  bundle("issued_before more than 4096 times", "more than 4096 issued_before", () => ({
    revoked: { issued_before: Array.from({ length: 4097 }, () => ({ at: 1 })) },
  })),
  bundle("a principal with a root's kid for a name", "root's kid for a name", (w, claims) => ({
    principals: [...principalsOf(claims), { id: rootNamedLikeAPrincipal(w), roles: [], keys: [] }],
  })),
  bundle("another audience", "audience", () => ({ aud: ["other"] })),
  bundle("exp before iat", "exp", (w) => ({ iat: w.now, exp: w.now })),
  bundle("a fraction as version", "version is not a whole number", () => ({ version: 1.5 })),
  bundle("a version below zero", "version is not a whole number from 0", () => ({ version: -1 })),
  bundle("a member of every prototype", "unknown member", () => ({ ["__proto__"]: 1 })),
  bundle("principals as an object", "wrong type", () => ({ principals: {} })),
  bundle("a principal twice", "occurs twice", (_, claims) => ({
    principals: [...principalsOf(claims), { id: "rita", roles: [], keys: [] }],
  })),
  bundle("a key twice", "occurs twice", (w, claims) => ({
    principals: [...principalsOf(claims), { id: "twin", roles: [], keys: [w.rita.jwk] }],
  })),
  bundle("an entitlement twice", "occurs twice", (w) => ({ entitlements: [w.entitlement("a"), w.entitlement("a")] })),
  bundle("a principal with a root's key", "root key", (w, claims) => ({
    principals: [...principalsOf(claims), { id: "root", roles: [], keys: [w.roots[2].jwk] }],
  })),
  principal("a bad id", "name", (_, first) => ({ ...first, id: "../etc" })),
  principal("an id of 65", "name", (_, first) => ({ ...first, id: "x".repeat(65) })),
  principal("an unknown member of a principal", "unknown member", (_, first) => ({ ...first, admin: true })),
  principal("a principal without keys", "lacks", (_, { keys: _keys, ...first }) => first),
  principal("65 roles of one principal", "more than 64 roles", (_, first) => ({
    ...first,
    roles: ["oncall", ...Array.from({ length: 64 }, (_, i) => `role-${i}`)],
  })),
  principal("65 windows of one role", "more than 64 roles", (w, first) => ({
    ...first,
    roles: Array.from({ length: 65 }, (_, i) => ({ role: "oncall", nbf: w.now + i })),
  })),
  bundle("1,025 different roles", "1024 different roles", (_, claims) => ({
    principals: [
      ...principalsOf(claims),
      ...Array.from({ length: 17 }, (_, i) => ({
        id: `many-${i}`,
        roles: Array.from({ length: 61 }, (_, j) => `role-${i}-${j}`),
        keys: [],
      })),
    ],
  })),
  principal("a role window turned round", "exp is not after", (w, first) => ({
    ...first,
    roles: [{ role: "oncall", nbf: w.now, exp: w.now }],
  })),
  principal("a private key", "private member", (w, first) => ({
    ...first,
    keys: [{ ...w.rita.jwk, d: w.rita.jwk.x }],
  })),
  principal("a kid of its own choice", "thumbprint", (w, first) => ({
    ...first,
    keys: [{ ...w.rita.jwk, kid: w.stranger.kid }],
  })),
  principal("an alg that does not fit", "alg", (w, first) => ({ ...first, keys: [{ ...w.rita.jwk, alg: "ES256" }] })),
  principal("an RSA key", "neither", (w, first) => ({ ...first, keys: [{ ...w.rita.jwk, kty: "RSA" }] })),
  principal("a P-256 point off the curve", "curve", (w, first) => ({
    ...first,
    keys: [{ ...w.adam.jwk, y: w.adam.jwk.x }],
  })),
  ...SMALL_ORDER.map((hex) =>
    principal(`a small-order key ${hex.slice(0, 4)}`, "small order", (_, first) => ({
      ...first,
      keys: [{ kty: "OKP", crv: "Ed25519", x: base64url(Buffer.from(hex, "hex")), kid: newSigner("Ed25519").kid }],
    })),
  ),
  principal("a key that is no point", "curve", (_, first) => ({
    ...first,
    keys: [
      {
        kty: "OKP",
        crv: "Ed25519",
        x: base64url(Buffer.from(`02${"00".repeat(31)}`, "hex")),
        kid: newSigner("Ed25519").kid,
      },
    ],
  })),
  entitlement("a quorum over 8", "over 8", {
    approvals: [
      { role: "lead", count: 5 },
      { role: "security", count: 4 },
    ],
  }),
  entitlement("a count of 0", "1 to 8", { approvals: [{ role: "lead", count: 0 }] }),
  entitlement("no max_ttl", "lacks", { max_ttl: undefined }),
  entitlement("max_ttl 0", "max_ttl", { max_ttl: 0 }),
  entitlement("require what is no claim of ours", "cannot enforce", { require: ["cnf", "nonce"] }),
  entitlement("require a claim that every grant has", "cannot enforce", { require: ["text"] }),
  entitlement("require the same twice", "the same twice", { require: ["incident", "net", "incident"] }),
  entitlement("require cnf twice", "the same twice", { require: ["cnf", "cnf"] }),
  entitlement("require net twice", "the same twice", { require: ["net", "net"] }),
  entitlement("require as a string", "wrong type", { require: "cnf" }),
  entitlement("max_wait over an hour", "max_wait is not a whole number from 0 to 3600", { max_wait: 3601 }),
  entitlement("max_wait below zero", "max_wait", { max_wait: -1 }),
  entitlement("max_wait as a string", "wrong type", { max_wait: "10m" }),
  entitlement("max_wait without approvals", "no approvals to wait for", { max_wait: 60, approvals: [] }),
  entitlement("audit that is no receipt", "audit is not receipt", { audit: "record" }),
  entitlement("audit that is empty", "audit is not receipt", { audit: "" }),
  entitlement("audit as a boolean", 'wrong type or out of its bounds: "audit"', { audit: true }),
  member("receipt without a path", "receipt lacks one of cluster, path", { receipt: { cluster: "c" } }),
  member("receipt with a member more", "receipt has an unknown member", { receipt: { cluster: "c", path: "/", x: 1 } }),
  member("receipt with no cluster's name", "the cluster of receipt", { receipt: { cluster: "", path: "/" } }),
  member("receipt with a blank in its cluster's name", "the cluster of receipt", {
    receipt: { cluster: "a b", path: "/" },
  }),
  member("receipt with a path of its own kind", "the path of receipt", { receipt: { cluster: "c", path: "x" } }),
  member("receipt with a line end in its path", "the path of receipt", {
    receipt: { cluster: "c", path: "/\r\nx: y" },
  }),
  member("receipt with an authority of nothing", "the authority", {
    receipt: { cluster: "c", path: "/", authority: "" },
  }),
  member("receipt that waits for ever", "timeout_ms", { receipt: { cluster: "c", path: "/", timeout_ms: 501 } }),
  member("receipt that waits for nothing", "timeout_ms", { receipt: { cluster: "c", path: "/", timeout_ms: 0 } }),
  member("receipt as a text", 'wrong type or out of its bounds: "receipt"', { receipt: "ledger" }),
  entitlement("a pattern that is ambiguous", 'out of its bounds: "authorization_details"', {
    authorization_details: [{ type: "break_glass_http", locations: ["*"], actions: ["*"], paths: ["/a/../b"] }],
  }),
  entitlement("paths of more than 32 KiB", "32 KiB together", {
    authorization_details: Array.from({ length: 2 }, (_, i) => ({
      type: "break_glass_http",
      locations: ["*"],
      actions: ["*"],
      paths: Array.from({ length: 32 }, (_, j) => `/${i}/${j}/`.padEnd(520, "a")),
    })),
  }),
  entitlement("no reason", 'out of its bounds: "reasons"', { reasons: [] }),
  entitlement("drill as a string", 'out of its bounds: "drill"', { drill: "yes" }),
];

const members: Refusal[] = [
  member("an unknown member of the configuration", "unknown member", { fail_open: true }),
  member("revocations that are none", "not a compact JWS", { revocations: "x" }),
  member("no audience", "lacks", { audience: undefined }),
  member("no generation", "lacks", { generation: undefined }),
  member("threshold 0", "threshold", { threshold: 0 }),
  member("a threshold above the roots", "fewer roots", { threshold: 4 }),
  member("another mode", "mode", { mode: "audit" }),
  member("require as a string", 'wrong type or out of its bounds: "require"', { require: "yes" }),
  member("leeway over 60", "leeway", { leeway: 61 }),
  member("table_memory_kib over 32768", "table_memory_kib", { table_memory_kib: 32_769 }),
  member("a header name in capitals", "strip", { strip: ["X-User"] }),
  member("host in strip", "strip", { strip: ["host"] }),
  member("a pseudo header in strip", "strip", { strip: [":path"] }),
  member("authorization in keep", "credential", { keep: ["authorization"] }),
  member("dpop in keep", "credential", { keep: ["x-original-url", "dpop"] }),
  member("what is not stripped anyway, in keep", "not stripped anyway", { keep: ["x-trace-id"] }),
  member("one header in keep and strip", "same header", { keep: ["x-original-url"], strip: ["x-original-url"] }),
  member("one header twice in keep", "not stripped anyway", { keep: ["x-original-url", "x-original-url"] }),
  member("33 names in keep", "32 names", { keep: Array.from({ length: 33 }, (_, i) => `x-${i}`) }),
  member("keep as a string", "wrong type", { keep: "x-original-url" }),
  member("min_version above the bundle's", "min_version", { min_version: 9_007_199_254_740_991 }),
  { name: "not JSON", reason: "not JSON", configuration: () => "hello" },
  { name: "an empty configuration", reason: "not JSON", configuration: () => "" },
  { name: "1 MB of noise", reason: "larger than 768 KiB", configuration: () => randomBytes(500_000).toString("hex") },
  { name: "half a configuration", reason: "not JSON", configuration: (w) => w.configuration().slice(0, -40) },
  { name: "JSON and more", reason: "not JSON", configuration: (w) => `${w.configuration()}{}` },
  {
    name: "a root twice",
    reason: "twice",
    configuration: (w) => w.configuration({ roots: [w.roots[0], w.roots[0], w.roots[1]] }),
  },
];

export const refusals: readonly Refusal[] = [...signatures, ...bundles, ...members];

/** Depend on what was accepted before. @param accepted the claims of the bundle in force */
export function laterRefusals(world: World, accepted: Json): Refusal[] {
  const other = (claims: Json): Json => ({ ...claims, exp: Number(claims.exp) + 1 });
  return [
    {
      name: "an older bundle",
      reason: "older",
      configuration: () => world.configuration({ bundle: { ...accepted, version: Number(accepted.version) - 1 } }),
    },
    {
      name: "the same version with other content",
      reason: "other content",
      configuration: () => world.configuration({ bundle: other(accepted) }),
    },
  ];
}
