/** Bundles made at random, and changed at random: what the tests of reports play with. */
import fc from "fast-check";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";

const name = fc.constantFrom("rita", "adam", "anna", "lead", "security", "oncall", "a", "b", "a.b", "none", "and");
const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const thumb = fc.string({ unit: fc.constantFrom(...base64url), minLength: 43, maxLength: 43 });
const time = fc.constantFrom(0, 1_700_000_000, 1_800_000_000, 1_800_000_001, 253_402_300_800, Number.MAX_SAFE_INTEGER);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const few = <T>(arbitrary: fc.Arbitrary<T>, minLength = 0) => fc.array(arbitrary, { minLength, maxLength: 3 });

const window = { nbf: optional(time), exp: optional(time) };
const key = fc.oneof(
  fc.record({
    kty: fc.constant("OKP"),
    crv: fc.constant("Ed25519"),
    x: thumb,
    kid: thumb,
    alg: optional(fc.constantFrom("Ed25519", "EdDSA")),
    ...window,
  }),
  fc.record({
    kty: fc.constant("EC"),
    crv: fc.constant("P-256"),
    x: thumb,
    y: thumb,
    kid: thumb,
    alg: optional(fc.constant("ES256")),
    ...window,
  }),
);
const detail = fc.record({
  type: fc.constant("break_glass_http"),
  locations: few(fc.constantFrom("*", "a", "a:8443", "[::1]:8443", "api.example.com"), 1),
  actions: few(fc.constantFrom("*", "GET", "POST", "CONNECT"), 1),
  paths: few(fc.constantFrom("/a", "/a,", "/a,/b", "/b", "/**", "/'", "/%C3%BF", "/(none)"), 1),
});
const text = fc.constantFrom(
  "INC-7",
  "inc-7",
  "INC_7",
  "INC-7, INC-8",
  " ",
  "\u200b",
  "\\u{200b}",
  '"',
  "a\nb",
  "(none)",
);

const bundle = fc.record({
  schema: fc.constant(1),
  version: fc.constantFrom(0, 1, 2, 3, Number.MAX_SAFE_INTEGER),
  iat: time,
  exp: time,
  aud: few(name, 1),
  principals: few(
    fc.record({
      id: name,
      person: optional(name),
      roles: few(fc.oneof(name, fc.record({ role: name, ...window }))),
      keys: few(key),
    }),
  ),
  entitlements: few(
    fc.record({
      id: name,
      requesters: few(name, 1),
      reasons: few(name, 1),
      approvals: few(fc.record({ role: name, count: fc.integer({ min: 1, max: 8 }) })),
      max_ttl: fc.constantFrom(1, 25, 60, 61, 3600, 7_776_000),
      authorization_details: few(detail, 1),
      max_wait: optional(fc.constantFrom(0, 1, 60, 3600)),
      require: optional(fc.constantFrom([], ["incident"], ["net", "cnf"], ["cnf", "net"])),
      drill: optional(fc.boolean()),
    }),
  ),
  revoked: optional(
    fc.record({
      jti: optional(few(text)),
      sub: optional(few(text)),
      kid: optional(few(text)),
      incident: optional(few(text)),
    }),
  ),
});

/** Without members that are undefined, as JSON has it. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export const bundles: fc.Arbitrary<BundleClaims> = bundle.map((value) => bundleClaimsSchema.parse(plain(value)));

/** A number at will: fast-check's own, so that a failure shrinks. */
type Choose = (below: number) => number;

function changedScalar(value: unknown, choose: Choose): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + ([1, -1, 1000, 59][choose(4)] ?? 1);
  if (typeof value !== "string") return value;
  const at = choose(value.length + 1);
  const character = ["a", "Z", "7", "-", ",", " ", "/", "\u200b", '"', "*"][choose(10)] ?? "";
  const cut = [0, 1][choose(2)] ?? 0;
  return value.slice(0, at) + character + value.slice(at + cut);
}

/** Every container and scalar below, with a way to replace it. */
function places(
  value: unknown,
  replace: (next: unknown) => void,
): { value: unknown; replace: (next: unknown) => void }[] {
  const here = [{ value, replace }];
  if (Array.isArray(value)) {
    return here.concat(value.flatMap((item, i) => places(item, (next) => value.splice(i, 1, next))));
  }
  if (typeof value === "object" && value !== null) {
    return here.concat(
      Object.entries(value).flatMap(([member, child]) => places(child, (next) => Reflect.set(value, member, next))),
    );
  }
  return here;
}

/** One change somewhere: a character, a number, a member gone or new, an entry gone, doubled or moved, two neighbours swapped. */
export function changed(claims: BundleClaims, choose: Choose): BundleClaims | undefined {
  const root = { claims: plain(claims) };
  const all = places(root.claims, (next) => {
    root.claims = next;
  });
  const place = all[choose(all.length)];
  if (place === undefined) return undefined;
  const { value } = place;
  if (Array.isArray(value)) {
    const at = choose(value.length + 1);
    const other = choose(value.length + 1);
    const action = choose(4);
    if (action === 0) value.splice(at, 1);
    else if (action === 1 && value.length > 0) value.splice(at, 0, plain(value[other % value.length]));
    else if (action === 2) value.splice(other, 0, ...value.splice(at, 1));
    else value.splice(at, 2, ...value.slice(at, at + 2).reverse());
  } else if (typeof value === "object" && value !== null) {
    const members = Object.keys(value);
    const member = members[choose(members.length)];
    const more: [string, unknown][] = [
      ["person", "eve"],
      ["nbf", 5],
      ["exp", 7],
      ["drill", true],
      ["revoked", {}],
      ["sub", []],
      ["require", []],
    ];
    const [added, content] = more[choose(more.length)] ?? ["nbf", 5];
    if (choose(2) === 0 && member !== undefined) Reflect.deleteProperty(value, member);
    else Reflect.set(value, added, content);
  } else place.replace(changedScalar(value, choose));
  const parsed = bundleClaimsSchema.safeParse(root.claims);
  return parsed.success ? parsed.data : undefined;
}

/** The same text for two bundles that mean the same: lists sorted, members in one order. @param ordered lists as they stand */
export function canonical(value: unknown, ordered = false): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item, ordered));
    return `[${(ordered ? items : items.sort()).join()}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, child]) => child !== undefined);
    return `{${members
      .map(([member, child]) => `${member}:${canonical(child, ordered)}`)
      .sort()
      .join()}}`;
  }
  return JSON.stringify(value);
}
