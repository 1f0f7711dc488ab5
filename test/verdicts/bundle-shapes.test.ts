/**
 * A bundle is closed and typed at every level, not only where somebody thought of a case: each object of a full bundle with a member
 * twice, an unknown one, one missing; each value as every other kind of JSON; and each limit, kept and exceeded by one.
 */
import { createPrivateKey, sign } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { newKey } from "../../control/signer/jwk.js";
import { newSigner, segment } from "../kit/token.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
/** Signs by OpenSSL: hundreds of bundles. */
const { d, ...rootJwk } = newKey("Ed25519");
const rootKey = createPrivateKey({ key: { ...rootJwk, d }, format: "jwk" });
const { kty, crv, x, kid } = rootJwk;
const header = segment({ alg: "Ed25519", kid, typ: "bg-bundle+jwt" });
let host: FilterHost;
let generation = 0;

beforeAll(async () => {
  host = await FilterHost.load();
});

/** Each under an audience of its own, so that no version comes before another. @returns why it was refused, or `taken` */
function offer(claims: unknown, spell: (text: string) => string = (text) => text): string {
  generation += 1;
  const input = `${header}.${segment(spell(JSON.stringify(claims)))}`;
  const bundle = `${input}.${sign(null, Buffer.from(input), rootKey).toString("base64url")}`;
  const configuration = { generation, audience: "test", roots: [{ kty, crv, x, kid }], threshold: 1, bundle };
  const answer = host.configure(JSON.stringify(configuration), "api", { vmId: String(generation) });
  return answer.accepted ? "taken" : (answer.reason ?? "");
}

const person = newSigner("Ed25519");
const other = newSigner("ES256");
const detail = { type: "break_glass_http", locations: ["a"], actions: ["GET"], paths: ["/"] };
/** Every member that there is. */
const FULL = {
  schema: 1,
  version: 1,
  iat: world.now,
  exp: world.now + 1000,
  aud: ["test"],
  principals: [
    {
      id: "rita",
      person: "rita",
      roles: [{ role: "oncall", nbf: 1, exp: world.now + 9 }, "lead"],
      keys: [{ ...person.jwk, alg: "Ed25519", nbf: 1, exp: world.now + 9 }],
    },
    { id: "adam", roles: ["lead"], keys: [other.jwk] },
  ],
  entitlements: [
    {
      id: "repair",
      requesters: ["oncall"],
      reasons: ["outage"],
      approvals: [{ role: "lead", count: 1 }],
      max_ttl: 900,
      max_wait: 60,
      authorization_details: [detail],
      require: ["incident"],
      drill: false,
    },
  ],
  revoked: { jti: ["a"], sub: ["b"], kid: ["c"], incident: ["d"] },
};
/** Members that may be left out. A window without an end, a key without `alg`. */
const OPTIONAL = new Set([
  "person",
  "nbf",
  "exp",
  "alg",
  "max_wait",
  "require",
  "drill",
  "revoked",
  "jti",
  "sub",
  "kid",
  "incident",
]);

type Path = readonly (string | number)[];
type Node = { readonly [name: string | number]: unknown };
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;

/** The whole with another value at that place. */
function put(whole: unknown, [head, ...rest]: Path, value: unknown): unknown {
  if (head === undefined) return value;
  if (Array.isArray(whole)) return whole.map((item, i) => (i === head ? put(item, rest, value) : item));
  return isNode(whole) ? { ...whole, [head]: put(whole[head], rest, value) } : whole;
}

function* nodes(value: unknown, path: Path = []): Generator<{ path: Path; value: unknown }> {
  yield { path, value };
  if (!isNode(value)) return;
  for (const [name, inner] of Object.entries(value))
    yield* nodes(inner, [...path, Array.isArray(value) ? Number(name) : name]);
}

const all = [...nodes(FULL)];
const objects = all.flatMap(({ path, value }) => (isNode(value) && !Array.isArray(value) ? [{ path, value }] : []));
const kindOf = (value: unknown): string => (Array.isArray(value) ? "array" : typeof value);
const KINDS: readonly unknown[] = [{}, ["x", 1], "a string", 7, true, null];
/** JSON that is none of a bundle's, in the place of a mark. */
const MARK = "MARK-OF-A-PLACE";

describe("a bundle's shape", () => {
  it("holds every member, and is taken so", () => expect(offer(FULL)).toBe("taken"));

  it("a member twice, at each level", () => {
    for (const { path, value } of objects) {
      for (const name of Object.keys(value)) {
        const twice = offer(put(FULL, path, { ...value, [MARK]: 0 }), (text) =>
          text.replace(`"${MARK}":0`, `${JSON.stringify(name)}:${JSON.stringify(value[name])}`),
        );
        expect(twice, `${path.join(".")}: ${name} twice`).not.toBe("taken");
      }
    }
  });

  it("an unknown member, at each level", () => {
    for (const { path, value } of objects) {
      expect(offer(put(FULL, path, { ...value, extra: 1 })), path.join(".")).not.toBe("taken");
      expect(offer(put(FULL, path, { ...value, "": 1 })), path.join(".")).not.toBe("taken");
    }
  });

  it("a member that is missing, at each level, unless it may be", () => {
    for (const { path, value } of objects) {
      for (const name of Object.keys(value)) {
        const without = Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
        const isKey = path.includes("keys");
        const mayMiss = OPTIONAL.has(name) && !(name === "kid" && isKey) && !(name === "exp" && path.length === 0);
        const answer = offer(put(FULL, path, without));
        expect(answer === "taken", `${path.join(".")} without ${name}: ${answer}`).toBe(mayMiss);
      }
    }
  });

  it("each value as every other kind of JSON", () => {
    for (const { path, value } of all) {
      // A role is a name or an object.
      const kinds = path.includes("roles") && path.length === 4 ? ["object", "string"] : [kindOf(value)];
      for (const instead of KINDS) {
        if (kinds.includes(kindOf(instead))) continue;
        const answer = offer(put(FULL, path, instead));
        expect(answer, `${path.join(".")} as ${JSON.stringify(instead)}`).not.toBe("taken");
      }
    }
  });

  it("no name, and one that is none, at each name", () => {
    for (const { path, value } of all) {
      if (typeof value !== "string") continue;
      for (const instead of ["", "x".repeat(1025)])
        expect(offer(put(FULL, path, instead)), `${path.join(".")} as ${instead.slice(0, 5)}`).not.toBe("taken");
    }
  });
});

const list = <T>(count: number, one: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
const name = (i: number): string => `n${i}`;
const principals = (count: number) => list(count, (i) => ({ id: name(i), roles: [], keys: [] }));
const entitlement = (changes: object) => ({ entitlements: [{ ...FULL.entitlements[0], ...changes }] });

describe("a bundle's limits, kept and exceeded by one", () => {
  /** What, the limit, a bundle with so many, and the word of the refusal. */
  const LIMITS: readonly (readonly [string, number, (count: number) => object, string])[] = [
    ["principals", 4096, (n) => ({ principals: principals(n) }), "4096 principals"],
    [
      "entitlements",
      1024,
      (n) => ({ entitlements: list(n, (i) => ({ ...FULL.entitlements[0], id: name(i) })) }),
      "1024 entitlements",
    ],
    ["roles of a principal", 64, (n) => ({ principals: [{ id: "p", roles: list(n, name), keys: [] }] }), "64 roles"],
    ["audiences", 16, (n) => ({ aud: ["test", ...list(n - 1, name)] }), ""],
    ["requester roles", 64, (n) => entitlement({ requesters: list(n, name) }), ""],
    ["reasons", 64, (n) => entitlement({ reasons: list(n, name) }), ""],
    ["a quorum", 8, (n) => entitlement({ approvals: [{ role: "lead", count: n }] }), ""],
    [
      "a quorum of two rules",
      8,
      (n) => entitlement({ approvals: list(2, (i) => ({ role: name(i), count: i === 0 ? 4 : n - 4 })) }),
      "quorum",
    ],
    ["details", 16, (n) => entitlement({ authorization_details: list(n, () => detail) }), ""],
    ["locations", 16, (n) => entitlement({ authorization_details: [{ ...detail, locations: list(n, name) }] }), ""],
    ["actions", 16, (n) => entitlement({ authorization_details: [{ ...detail, actions: list(n, () => "GET") }] }), ""],
    ["paths", 32, (n) => entitlement({ authorization_details: [{ ...detail, paths: list(n, (i) => `/${i}`) }] }), ""],
    ["revoked grants", 4096, (n) => ({ revoked: { jti: list(n, name) } }), "4096 names"],
    ["revoked principals", 4096, (n) => ({ revoked: { sub: list(n, name) } }), "4096 names"],
    ["revoked incidents", 4096, (n) => ({ revoked: { incident: list(n, name) } }), "4096 names"],
    ["bytes of a name", 64, (n) => ({ principals: [{ id: "x".repeat(n), roles: [], keys: [] }] }), "name"],
    ["bytes of a revoked name", 64, (n) => ({ revoked: { jti: ["x".repeat(n)] } }), "64 bytes"],
    ["max_wait", 3600, (n) => entitlement({ max_wait: n }), "max_wait"],
  ];
  for (const [what, limit, bundle, word] of LIMITS)
    it(`${limit} ${what}`, () => {
      expect(offer({ ...FULL, ...bundle(limit) })).toBe("taken");
      const answer = offer({ ...FULL, ...bundle(limit + 1) });
      expect(answer).not.toBe("taken");
      expect(answer).toContain(word);
    });

  it("how near it comes is told, by whichever is nearest", () => {
    const roles = (people: number, each: number) =>
      list(people, (p) => ({ id: name(p), roles: list(each, (i) => `r${p}-${i}`), keys: [] }));
    const paths = list(24, (i) => `/${i}-`.padEnd(1024, "x"));
    for (const [what, bundle, percent] of [
      ["principals", { principals: principals(3072) }, 75],
      ["roles of one", { principals: roles(1, 48) }, 75],
      ["roles of all", { principals: roles(24, 32) }, 75],
      ["entitlements", { entitlements: list(768, (i) => ({ ...FULL.entitlements[0], id: name(i) })) }, 75],
      ["paths", entitlement({ authorization_details: [{ ...detail, paths }] }), 75],
      ["bytes", { revoked: { jti: list(4096, (i) => name(i).padEnd(60, "x")) } }, 65],
      ["little, after all of these", {}, 3],
    ] as const) {
      expect(offer({ ...FULL, ...bundle })).toBe("taken");
      const told = [...host.metrics()].find(([gauge]) => gauge.startsWith("glassgate.bundle_filled_percent."));
      expect(told?.[1], what).toBe(percent);
    }
  });

  it("a window that is empty, of a key, a role and a bundle", () => {
    const at = world.now;
    const [rita, ...rest] = FULL.principals;
    const key = { ...person.jwk, nbf: at };
    for (const [exp, isTaken] of [
      [at, false],
      [at + 1, true],
    ] as const) {
      expect(offer({ ...FULL, principals: [{ ...rita, keys: [{ ...key, exp }] }, ...rest] }) === "taken").toBe(isTaken);
      const roles = [{ role: "oncall", nbf: at, exp }];
      expect(offer({ ...FULL, principals: [{ ...rita, roles }, ...rest] }) === "taken").toBe(isTaken);
      expect(offer({ ...FULL, iat: at, exp }) === "taken").toBe(isTaken);
    }
  });

  it("what a bundle says of a key: members of the other kind, coordinates that are none", () => {
    const offered = (key: object): string => offer({ ...FULL, principals: [{ id: "p", roles: [], keys: [key] }] });
    const ec = other.jwk;
    expect(offered({ ...person.jwk, y: ec.y })).toContain("member");
    expect(offered({ ...ec, y: undefined })).toContain("member");
    expect(offered({ ...person.jwk, x: `${person.jwk.x?.slice(0, -1)}_` })).toContain("coordinate");
    expect(offered({ ...person.jwk, x: person.jwk.x?.slice(0, -1) })).toContain("coordinate");
    expect(offered({ ...ec, y: `${ec.y?.slice(0, -1)}_` })).toContain("coordinate");
  });

  it("a payload that is no canonical base64url, and a further signature that is none", () => {
    const input = `${header}.${segment(FULL)}`;
    const bundle = `${input}.${sign(null, Buffer.from(input), rootKey).toString("base64url")}`;
    const asked = (text: string): string => {
      generation += 1;
      const configuration = { generation, audience: "test", roots: [{ kty, crv, x, kid }], threshold: 1, bundle: text };
      const answer = host.configure(JSON.stringify(configuration), "api", { vmId: String(generation) });
      return answer.accepted ? "taken" : (answer.reason ?? "");
    };
    expect(asked(bundle)).toBe("taken");
    for (const bent of [`${header}.${segment(FULL)}=`, `${header}.!`]) {
      const text = `${bent}.${sign(null, Buffer.from(bent), rootKey).toString("base64url")}`;
      expect(asked(text)).not.toBe("taken");
    }
    for (const more of ["~", "~x", `~${header}..${"A".repeat(86)}`, `~${bundle}`])
      expect(asked(`${bundle}${more}`)).toContain("a further signature");
  });
});
