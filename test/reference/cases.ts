/**
 * Grants and requests for the comparison of filter and reference, as choices that fast-check can shrink: mostly good, then bent by
 * claim or by byte, with every number near an edge of its own.
 */
import fc from "fast-check";
import { apply, type Mutation, mutations } from "../fuzz/mutations.js";
import { proofOf } from "../kit/proofs.js";
import { quickSigner } from "../kit/quick.js";
import type { QuickWorld } from "../kit/quick-world.js";
import { payloadSegmentOf, type Signer } from "../kit/token.js";
import type { ApprovalSpec, Json } from "../kit/world.js";
import type { ReferenceRequest } from "./scope.js";

/** Keys that grants may be bound to. */
const holders = [quickSigner("Ed25519"), quickSigner("ES256")] as const;
const CERTIFICATE = "ab".repeat(32);
const CERTIFICATE_S256 = Buffer.from(CERTIFICATE, "hex").toString("base64url");

/** Mostly the first. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) });
/** Once in so many. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>, often: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: often - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** Seconds beside an edge: leeways are 0, 5 and 60. */
const beside = fc.constantFrom(0, -1, 1, 4, 5, 6, -5, -6, 59, 60, 61, -60, -61);

const ENTITLEMENTS = [
  "alone",
  "repair",
  "leads",
  "everyone",
  "ticket",
  "drill",
  "wide",
  "narrow",
  "patient",
  "bound",
  "none",
];
/** Who may be wrong in what way stands in World. */
const PEOPLE = [
  "rita",
  "rita2",
  "ritaAdmin",
  "adam",
  "adam2",
  "anna",
  "alex",
  "bot",
  "temp",
  "late",
  "gone",
  "stranger",
] as const;
type Person = (typeof PEOPLE)[number];

const detail = fc.record({
  locations: mostly(["api.example.com"], ["other.example.com"], ["API.example.com"], ["[::1]:8443", "a"], ["*"], []),
  actions: mostly(["GET", "POST"], ["GET", "CONNECT"], ["HEAD"], ["get"], ["*"]),
  paths: mostly(["/orders/*"], ["/orders/**"], ["/**"], ["/orders/7"], ["/a%20b"], ["/../x"], ["/*/"], ["orders"]),
});

type Given = { readonly by: Person; readonly iat: number; readonly isForged: boolean } | { readonly crowd: number };

const approval: fc.Arbitrary<Given> = fc.record({
  by: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Person>("adam", "anna", "alex", "bot", "adam2") },
    { weight: 1, arbitrary: fc.constantFrom(...PEOPLE) },
  ),
  iat: mostly(0, -1, 1, 5, 6, -4, -5, -6, 60, 61, -60, -61, -3600),
  isForged: mostly(false, false, false, true),
});

export const grantChoices = fc.record({
  by: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Person>("rita") },
    { weight: 1, arbitrary: fc.constantFrom(...PEOPLE) },
  ),
  sub: mostly("rita", "temp", "late", "nobody"),
  ent: fc.constantFrom(...ENTITLEMENTS),
  reason: mostly("outage", "drill", "Outage", ""),
  incident: rarely(fc.constantFrom("INC-1", "INC-666", "", "x".repeat(64), "x".repeat(65)), 3),
  drill: rarely(fc.constantFrom("d1", ""), 12),
  aud: mostly<unknown>("test", ["other", "test"], "staging", []),
  /** Beside now, and the life of it beside what its entitlement allows. */
  iat: mostly(0, -1, 1, 5, 6, -60, 60, 61, -899, -900, -901, -3600),
  life: mostly(600, 0, 1, 60, 899, 900, 901, 960, 961, -1, 4500, 4501),
  details: fc.array(detail, { minLength: 1, maxLength: 2 }),
  approvals: fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.shuffledSubarray<Person>(["adam", "anna", "bot", "alex"], { minLength: 2 }), rarely(fc.nat(1), 6))
        .map(([people, forged]) => people.map((by, i): Given => ({ by, iat: 0, isForged: i === forged }))),
    },
    { weight: 2, arbitrary: fc.array(approval, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant<Given[]>([]) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 7, max: 9 })
        .map((count) => Array.from({ length: count }, (_, crowd): Given => ({ crowd }))),
    },
  ),
  cnf: rarely(
    mostly<Json>(
      { jkt: holders[0].kid },
      { jkt: holders[1].kid },
      { "x5t#S256": CERTIFICATE_S256 },
      { jkt: holders[0].kid, "x5t#S256": CERTIFICATE_S256 },
      {},
    ),
    3,
  ),
  net: rarely(mostly(["10.0.0.0/8"], ["192.0.2.0/24", "2001:db8::/32"], ["0.0.0.0/0"], ["10.0.0.1/8"], []), 4),
  jti: mostly<string | undefined>(undefined, "revoked-grant-id-1", "x".repeat(15), "x".repeat(65)),
  header: rarely(
    fc.constantFrom<Json>({ alg: "EdDSA" }, { alg: "ES256" }, { alg: "HS256" }, { typ: "bg-ask+jwt" }, { crit: [] }),
    20,
  ),
  /** Signed by another key of the same algorithm. */
  isForged: rarely(fc.constant(true), 20),
  /** A claim that is anything. */
  claim: rarely(
    fc.tuple(
      fc.constantFrom("jti", "sub", "aud", "iat", "exp", "ent", "reason", "text", "cnf", "net", "nbf"),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    25,
  ),
  payloadBytes: rarely(mutations, 25),
  bytes: rarely(mutations, 25),
});
export type GrantChoices = typeof grantChoices extends fc.Arbitrary<infer T> ? T : never;

export const requestChoices = fc.record({
  at: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: beside }),
  /** `at` counts from here: now, the grant's `exp`, or the end of the longest life. */
  from: mostly<"now" | "exp" | "ttl">("now", "exp", "ttl"),
  method: mostly("GET", "POST", "HEAD", "CONNECT", "get"),
  host: mostly("api.example.com", "API.example.com:443", "api.example.com:8443", "other.example.com", "[::1]:8443", ""),
  path: mostly(
    "/orders/7",
    "/orders/7?x=/../",
    "/orders",
    "/orders/7/8",
    "/orders/",
    "/a%20b",
    "//orders/7",
    "/orders/%2e",
    "/x",
    "",
  ),
  source: mostly<string | undefined>(
    undefined,
    "192.0.2.7:1",
    "[2001:db8::1]:9",
    "[::ffff:192.0.2.7]:1",
    "/run/x.sock",
    "",
  ),
  certificate: rarely(fc.constantFrom(CERTIFICATE, "cd".repeat(32)), 2),
  proof: mostly<Proof>(
    "good",
    "none",
    "two",
    "again",
    "other key",
    "method",
    "path",
    "hash",
    "early",
    "edge",
    "late",
    "forged",
  ),
});
export type RequestChoices = typeof requestChoices extends fc.Arbitrary<infer T> ? T : never;
type Proof =
  | "good"
  | "none"
  | "two"
  | "again"
  | "other key"
  | "method"
  | "path"
  | "hash"
  | "early"
  | "edge"
  | "late"
  | "forged";

/** The entitlements of World, and two more. */
export function bundleOf(world: QuickWorld, changes: Json = {}): Json {
  const claims = world.bundleClaims(changes);
  const more = [
    world.entitlement("patient", { max_wait: 60, approvals: [{ role: "lead", count: 1 }] }),
    world.entitlement("bound", { approvals: [], require: ["cnf", "net"] }),
  ];
  return { ...claims, entitlements: [...(Array.isArray(claims.entitlements) ? claims.entitlements : []), ...more] };
}

/** The grant's text, one byte a character. */
export function grantOf(world: QuickWorld, choices: GrantChoices): string {
  const { now } = world;
  const signer = (person: Person): Signer => world[person];
  const by = signer(choices.by);
  const iat = now + choices.iat;
  const claims = {
    sub: choices.sub,
    ent: choices.ent,
    reason: choices.reason,
    incident: choices.incident,
    drill: choices.drill,
    aud: choices.aud,
    iat,
    exp: iat + choices.life,
    authorization_details: choices.details.map((changes) => world.detail(changes)),
    cnf: choices.cnf,
    net: choices.net,
    ...(choices.jti === undefined ? {} : { jti: choices.jti }),
    ...(choices.claim === undefined ? {} : Object.fromEntries([choices.claim])),
  };
  const bent = (list: readonly Mutation[] | undefined, text: string): string =>
    list === undefined ? text : apply(list, text).toString("latin1");
  const payload = bent(
    choices.payloadBytes,
    Buffer.from(JSON.stringify(world.claims(claims)), "utf8").toString("latin1"),
  );
  const other = by.alg === "Ed25519" ? world.crowd[0] : by === world.adam ? world.alex : world.adam;
  const request = world.grant({
    by: choices.isForged && other !== undefined ? { ...by, sign: other.sign } : by,
    payload: Buffer.from(payload, "latin1").toString("utf8"),
    header: choices.header ?? {},
    approvals: [],
  });
  const approvals = choices.approvals.map((one): string => {
    if ("crowd" in one) return world.approve(payloadSegmentOf(request), { by: world.crowd[one.crowd] ?? world.adam });
    const spec: ApprovalSpec = { by: signer(one.by), iat: iat + one.iat };
    return world.approve(payloadSegmentOf(request), one.isForged ? { ...spec, payload: "e30" } : spec);
  });
  return bent(choices.bytes, [request, ...approvals].join("~"));
}

export interface Shot {
  readonly now: number;
  readonly request: ReferenceRequest;
  readonly proofs: readonly string[];
}

/** Under such a grant time stands still: where the clock was set back, a gateway takes no proof that it could have forgotten. */
export const isProven = ({ cnf }: GrantChoices): boolean => cnf?.jkt !== undefined;

let sources = 0;
/** @param last the proofs of the request before, to be shown again */
export function shotOf(
  world: QuickWorld,
  grant: string,
  choices: GrantChoices,
  asked: RequestChoices,
  last: readonly string[],
): Shot {
  const exp = world.now + choices.iat + choices.life;
  const moved = { now: world.now, exp, ttl: world.now + choices.iat + 900 }[asked.from] + asked.at;
  const now = isProven(choices) ? world.now : moved;
  sources += 1;
  // Another network each time, where it is not the matter: a flood would be busy, which the reference knows nothing of.
  const source = asked.source ?? `10.${(sources >> 8) & 255}.${sources & 255}.1:4711`;
  const { method, host, path, certificate } = asked;
  const proofs = choices.cnf === undefined ? [] : proofsOf(grant, choices, asked, now, last);
  const request = {
    method,
    host,
    path,
    isUpgrade: false,
    source,
    proofs,
    ...(certificate === undefined ? {} : { certificate }),
  };
  return { now, request, proofs };
}

function proofsOf(
  grant: string,
  { cnf }: GrantChoices,
  asked: RequestChoices,
  now: number,
  last: readonly string[],
): string[] {
  const [own, other] = cnf?.jkt === holders[1].kid ? [holders[1], holders[0]] : holders;
  const path = asked.path.split("?", 1)[0] ?? "";
  const claims = { htm: asked.method, htu: `https://${asked.host || "x"}${path}`, iat: now };
  const made = (changes: Json = {}, by = own): string => proofOf(by, { grant, claims: { ...claims, ...changes } });
  switch (asked.proof) {
    case "none":
      return [];
    case "two":
      return [made(), made()];
    case "again":
      return last.length > 0 ? [...last] : [made()];
    case "other key":
      return [made({}, other)];
    case "method":
      return [made({ htm: "PUT" })];
    case "path":
      return [made({ htu: "https://api.example.com/else" })];
    case "hash":
      return [made({ ath: Buffer.alloc(32).toString("base64url") })];
    case "early":
      return [made({ iat: now + 61 })];
    case "edge":
      return [made({ iat: now - 60 })];
    case "late":
      return [made({ iat: now - 61 })];
    case "forged":
      return [proofOf(own, { grant, claims, by: other })];
    case "good":
      return [made()];
  }
}
