/**
 * What config/claims.json and config/members.json name is read, shown and told on every side, and nothing else is by any: no member
 * can be read by one side and unknown, or unshown, on the other.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { describeAsk } from "../../control/cli/describe.js";
import { configurationOf, keptFrom } from "../../control/gateway/push-configuration.js";
import { claimsOf } from "../../control/grant/ask.js";
import { claims as claimRows, grantClaimsSchema } from "../../control/grant/claims.js";
import { headerOf } from "../../control/grant/message.js";
import { FilterHost } from "../../control/host/host.js";
import { FilterTools } from "../../control/host/tools.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { configurationSchema, deployedSchema, setByPush, setByRender } from "../../control/trust/configuration.js";
import { describeChanges } from "../../control/trust/diff.js";
import { describeBundle } from "../../control/trust/facts.js";
import { memberNames } from "../../control/trust/members.gen.js";
import { grantDetails } from "../../control/trust/names.js";
import { rosterSchema } from "../../control/trust/roster.js";
import { anchorsOf } from "../kit/envoy.js";
import { compact, segment } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";
import { readClaims, readDetails, readHeader } from "../reference/shapes.js";

// Many configurations of the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const row = z.looseObject({
  name: z.string(),
  kind: z.string(),
  of: z.string().optional(),
  optional: z.boolean().default(false),
  /** What a host must have for it: unknown to the filter for Envoy, which is asked here. */
  only: z.string().optional(),
});
type Row = z.infer<typeof row>;
const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const claims = z.array(row).parse(JSON.parse(read("config/claims.json")));
const objects = z.record(z.string(), z.array(row)).parse(JSON.parse(read("config/members.json")));

/** The objects inside one, and it. */
const within = (object: string): string[] => [
  object,
  ...(objects[object] ?? []).flatMap(({ of }) => (of === undefined ? [] : within(of))),
];
const names = (rows: readonly Row[]): string[] => rows.map(({ name }) => name);
const without = (object: Json, name: string): Json =>
  Object.fromEntries(Object.entries(object).filter(([member]) => member !== name));
const isAccepted = (attempt: () => unknown): boolean => {
  try {
    attempt();
    return true;
  } catch {
    return false; // Refused, for whatever reason: that is the answer.
  }
};

/** Names that are in no table, and some that nearly are. */
const everyName = [claims, ...Object.values(objects)].flatMap(names);
const strangeNames = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom(...everyName, "cnf", "net", "max_wait", "revocations", "receipt", "crit", "jwk", "d"),
  fc.constantFrom("toString", "constructor", "__proto__", "hasOwnProperty"),
  fc.constantFrom(...everyName).map((name) => name.toUpperCase()),
  fc
    .tuple(fc.constantFrom(...everyName), fc.constantFrom(" ", "s", "_", "\u0000", "\u200b"))
    .map((parts) => parts.join("")),
  fc.constantFrom(...everyName).map((name) => name.slice(0, -1)),
);

const world = new World(Math.floor(Date.now() / 1000));
let tools: FilterTools;
let host: FilterHost;
beforeAll(async () => {
  tools = await FilterTools.load();
  host = await FilterHost.load();
});

describe("the claims of a grant", () => {
  const detail = (path: string): Json => ({
    type: "break_glass_http",
    locations: ["api.example.com"],
    actions: ["GET"],
    paths: [path],
  });
  /** Two values of each kind. A new kind needs a line here. */
  const values: Readonly<Record<string, (name: string) => readonly [unknown, unknown]>> = {
    name: (name) => [`${name}-1`, `${name}-2`],
    text: (name) => [`the ${name}`, `no ${name}`],
    grant_id: () => ["0123456789abcdef", "fedcba9876543210"],
    name_or_names: (name) => [[`${name}-1`], [`${name}-1`, `${name}-2`]],
    seconds: (name) => (name === "exp" ? [1_900_000_000, 1_900_000_060] : [1_800_000_000, 1_800_000_060]),
    details: () => [[detail("/a")], [detail("/a/**")]],
    confirmation: () => [{ jkt: world.rita.kid }, { "x5t#S256": world.rita.kid }],
    networks: () => [["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.0/8"]],
  };
  const valuesOf = ({ name, kind }: Row): readonly [unknown, unknown] =>
    values[kind]?.(name) ?? expect.unreachable(`no values for the kind ${kind}`);
  const whole: Json = Object.fromEntries(claims.map((one) => [one.name, valuesOf(one)[0]]));

  const told = (payload: Json): unknown =>
    JSON.parse(
      tools.describe(compact({ alg: world.rita.alg, kid: world.rita.kid, typ: "bg-ask+jwt" }, payload, world.rita)),
    );
  const screen = (payload: Json): string => {
    const { facts, words } = describeAsk(claimsOf(told(payload), "The ask"), "somebody", 200, 1_800_000_000);
    return [...facts, ...words].join("\n");
  };
  const referenceOf = (payload: Json): unknown => readClaims(Buffer.from(JSON.stringify(payload)));

  it("are the table's on each side, each read, told, shown and documented", () => {
    expect(claimRows.map(({ name }) => name)).toEqual(names(claims));
    expect(Object.keys(grantClaimsSchema.shape).sort()).toEqual(names(claims).sort());
    expect(told(whole)).toMatchObject({ claims: whole });
    expect(Object.keys(claimsOf(told(whole), "The ask")).sort()).toEqual(names(claims).sort());
    expect(grantClaimsSchema.parse(whole)).toEqual(whole);
    expect(Object.keys(referenceOf(whole) ?? {})).toHaveLength(claims.length);
    for (const { name, optional } of claims)
      expect(read("docs/grant-format.md")).toContain(`| \`${name}\`${optional ? "?" : ""} | `);
  });

  for (const one of claims) {
    it(`${one.name}: another value is another screen, and ${one.optional ? "it may be missing" : "it must be there"}`, () => {
      expect(screen({ ...whole, [one.name]: valuesOf(one)[1] })).not.toBe(screen(whole));
      const label = claimRows.find(({ name }) => name === one.name)?.label;
      expect(screen(whole)).toMatch(new RegExp(`^(?:The )?${label}\\b`, "m"));
      const less = without(whole, one.name);
      expect(grantClaimsSchema.safeParse(less).success).toBe(one.optional);
      expect(isAccepted(() => referenceOf(less))).toBe(one.optional);
      if (!one.optional) return expect(told(less)).toMatchObject({ detail: `claim ${one.name} is missing` });
      expect(screen(less)).not.toBe(screen(whole));
    });
  }

  it("are all that any side takes", () => {
    fc.assert(
      fc.property(strangeNames, fc.jsonValue(), (name, value) => {
        fc.pre(!names(claims).includes(name));
        const more = { ...whole, [name]: value };
        expect(told(more)).toEqual({
          error: "malformed",
          detail: "the payload has a member that this filter does not know, and so cannot enforce",
          name: expect.any(String),
        });
        expect(grantClaimsSchema.safeParse(more).success).toBe(false);
        expect(isAccepted(() => referenceOf(more))).toBe(false);
        // A filter that reads more than this command shows: never approved unseen.
        const { claims: known } = z.object({ claims: z.record(z.string(), z.unknown()) }).parse(told(whole));
        const newer = { ...z.record(z.string(), z.unknown()).parse(told(whole)), claims: { ...known, [name]: value } };
        expect(() => claimsOf(newer, "The ask")).toThrow(/cannot show/);
        fc.pre(!["typ", "alg", "kid", "approvals", "error"].includes(name));
        const around = z.record(z.string(), z.unknown()).parse(told(whole));
        const approvals = [{ alg: null, kid: "k", iat: 1, [name]: value }];
        for (const more of [{ [name]: value }, { approvals }])
          expect(() => claimsOf({ ...around, ...more }, "The ask")).toThrow(/cannot show/);
      }),
      { numRuns: 150 },
    );
  });
});

describe("what stands in no table: details and headers", () => {
  const isTold = (text: string): boolean => isAccepted(() => claimsOf(JSON.parse(tools.describe(text)), "It"));
  const [request = "", approval = ""] = world.grant().split("~");
  const payload = request.split(".")[1] ?? "";
  /** Each side's answer, the filter's first. */
  const sides: readonly (readonly [string, Json, (object: Json) => readonly boolean[]])[] = [
    [
      "a detail of a grant",
      world.detail(),
      (detail) => [
        isTold(world.grant({ claims: { authorization_details: [detail] } })),
        grantDetails.safeParse([detail]).success,
        isAccepted(() => readDetails(JSON.parse(JSON.stringify([detail])), false)),
      ],
    ],
    [
      "a detail of an entitlement",
      world.detail(),
      (detail) => {
        const { filter, command } = both({
          ...wholeBundle(),
          entitlements: [world.entitlement("repair", { authorization_details: [detail] })],
        });
        return [filter, command];
      },
    ],
    [
      "a request's header",
      { alg: world.rita.alg, kid: world.rita.kid, typ: "bg+jwt" },
      (header) => [
        isTold(`${segment(header)}.${payload}.${request.split(".")[2]}`),
        headerOf(segment(header)) !== undefined,
        isAccepted(() => readHeader(Buffer.from(JSON.stringify(header)), "bg+jwt", false)),
      ],
    ],
    [
      "an approval's header",
      { alg: world.adam.alg, kid: world.adam.kid, typ: "bg-approval+jws", iat: world.now },
      (header) => [
        isTold(`${request}~${segment(header)}..${approval.split(".")[2]}`),
        headerOf(segment(header)) !== undefined,
        isAccepted(() => readHeader(Buffer.from(JSON.stringify(header)), "bg-approval+jws", true)),
      ],
    ],
  ];
  for (const [what, whole, answers] of sides) {
    it(`${what} is closed on each side, and each member is needed`, () => {
      const all = (object: Json, taken: boolean): void => {
        const given = answers(object);
        expect([object, given]).toEqual([object, given.map(() => taken)]);
      };
      all(whole, true);
      for (const name of Object.keys(whole)) {
        all(without(whole, name), false);
        for (const value of [null, {}, [], 1.5, true]) all({ ...whole, [name]: value }, false);
      }
      fc.assert(
        fc.property(strangeNames, fc.jsonValue(), (name, value) => {
          fc.pre(!Object.hasOwn(whole, name));
          all(Object.fromEntries([...Object.entries(whole), [name, value]]), false);
        }),
        { numRuns: 40 },
      );
    });
  }
});

/** A bundle in which every member of every object occurs. */
function wholeBundle(): BundleClaims {
  const base = world.bundleClaims();
  const window = { nbf: world.now - 60, exp: world.now + 600 };
  return bundleClaimsSchema.parse({
    ...base,
    principals: [
      {
        id: "rita",
        person: "rita-the-human",
        roles: [{ role: "oncall", ...window }],
        keys: [{ ...world.adam.jwk, alg: "ES256", ...window }],
      },
      { id: "adam", roles: ["lead"], keys: [{ ...world.anna.jwk, alg: "Ed25519", ...window }] },
    ],
    entitlements: [
      world.entitlement("repair", { require: ["incident"], drill: false, max_wait: 60, audit: "receipt" }),
    ],
    revokers: ["security"],
    reviewers: ["lead"],
    ledgers: [world.stranger.jwk],
    revoked: {
      jti: ["0123456789abcdef"],
      sub: ["eve"],
      kid: ["k"],
      incident: ["INC-7"],
      issued_before: [{ at: world.now - 60, sub: "eve" }],
    },
    texts: { adam: 7, [world.roots[0].kid]: 8 },
  });
}

/** Where one of each object stands in a bundle. */
const PLACES: Readonly<Record<string, readonly (string | number)[]>> = {
  bundle: [],
  principal: ["principals", 0],
  role: ["principals", 0, "roles", 0],
  key: ["principals", 0, "keys", 0],
  entitlement: ["entitlements", 0],
  approval: ["entitlements", 0, "approvals", 0],
  revoked: ["revoked"],
  issued_before: ["revoked", "issued_before", 0],
};

function at(value: unknown, path: readonly (string | number)[]): Json {
  const found = path.reduce<unknown>(
    (inner, part) => Reflect.get(z.looseObject({}).or(z.array(z.unknown())).parse(inner), part),
    value,
  );
  return z.record(z.string(), z.unknown()).parse(found);
}
/** A copy with another object in that place. */
function put(value: unknown, path: readonly (string | number)[], object: Json): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return object;
  const copy: unknown = structuredClone(value);
  const holder = z.record(z.string(), z.unknown()).or(z.array(z.unknown())).parse(copy);
  const inner: unknown = put(Reflect.get(holder, first), rest, object);
  Reflect.set(holder, first, inner);
  return holder;
}

/** Members that may be left out, in some cases: `y` belongs to P-256 alone. */
const NEEDED = new Set(["key.y"]);

let version = Date.now();
/** Whether the filter takes these claims, under a version of their own. */
function filterTakes(bundle: unknown): boolean {
  version += 1;
  const claimed = z.record(z.string(), z.unknown()).parse(bundle);
  const numbered = claimed.version === undefined ? claimed : { ...claimed, version };
  return host.configure(world.configuration({ bundle: numbered })).accepted;
}
const schemaTakes = (bundle: unknown): boolean => bundleClaimsSchema.safeParse(bundle).success;
const both = (bundle: unknown): { filter: boolean; command: boolean } => ({
  filter: filterTakes(bundle),
  command: schemaTakes(bundle),
});
const answer = (taken: boolean): { filter: boolean; command: boolean } => ({ filter: taken, command: taken });

function changed(value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return value.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  if (Array.isArray(value)) return [];
  return {};
}

describe("the members of a bundle", () => {
  const signed = Object.fromEntries(within("bundle").map((object) => [object, objects[object] ?? []]));
  const whole = wholeBundle();

  it("are the table's, and the sample has each of them", () => {
    expect(Object.keys(PLACES).sort()).toEqual(Object.keys(signed).sort());
    for (const [object, rows] of Object.entries(signed)) {
      expect(Object.entries(memberNames).find(([name]) => name === object)?.[1]).toEqual(names(rows));
      expect(Object.keys(at(whole, PLACES[object] ?? [])).sort()).toEqual(names(rows).sort());
      for (const { name, optional } of rows)
        expect(read("docs/members.md")).toContain(`| \`${name}\`${optional ? "?" : ""} | `);
    }
    expect(both(whole)).toEqual(answer(true));
    // What the builder does not make itself, people write in the roster.
    const made = ["schema", "version", "iat", "exp", "aud", "texts"];
    const written = names(signed.bundle ?? []).filter((name) => !made.includes(name));
    expect(Object.keys(rosterSchema.shape)).toEqual(expect.arrayContaining(written));
  });

  for (const [object, rows] of Object.entries(signed)) {
    it(`${object}: what must be there is missed by both sides, what may be missing by none, and both are shown`, () => {
      const path = PLACES[object] ?? expect.unreachable();
      const here = at(whole, path);
      for (const { name, optional } of rows) {
        const less = put(whole, path, without(here, name));
        expect([name, both(less)]).toEqual([name, answer(optional && !NEEDED.has(`${object}.${name}`))]);
        const shows = (bundle: unknown): void => {
          const after = bundleClaimsSchema.safeParse(bundle);
          if (!after.success) return;
          expect([name, describeBundle(after.data)]).not.toEqual([name, describeBundle(whole)]);
          expect([name, describeChanges(whole, after.data)]).not.toEqual([name, describeChanges(whole, whole)]);
        };
        shows(less);
        shows(put(whole, path, { ...here, [name]: changed(here[name]) }));
      }
    });
  }

  it("are all that any side takes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.entries(signed)),
        strangeNames,
        fc.jsonValue(),
        ([object, rows], name, value) => {
          // zod's records, of which these samples are made, lose it: test/verdicts/refusals.ts has it.
          fc.pre(!names(rows).includes(name) && name !== "__proto__");
          const path = PLACES[object] ?? [];
          expect(both(put(whole, path, { ...at(whole, path), [name]: value }))).toEqual(answer(false));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("the members of the plugin configuration", () => {
  const rows = objects.configuration ?? [];
  const anchors = anchorsOf(world);
  /** A value of each kind that is not a default. A new kind needs a line here. */
  const values: Readonly<Record<string, unknown>> = {
    integer: 1,
    name: "test",
    boolean: true,
    mode: "shadow",
    header_names: ["x-user"],
    kept_headers: ["x-original-url"],
    text: "a.b.c",
    texts: [],
    bytes: "ledger",
    request_path: "/v1/receipts",
    upstream_header: { name: "apikey", value: "k" },
  };
  const sample = (of: readonly Row[]): Json =>
    Object.fromEntries(
      of.map(({ name, kind, of: inner }) => [
        name,
        kind === "object" ? sample(objects[inner ?? ""] ?? []) : values[kind],
      ]),
    );
  const everything: Json = { ...sample(rows), ...anchors };
  const elsewhere = rows.filter(({ only }) => only === "UPSTREAM_HEADERS > 0");
  const whole = elsewhere.reduce((less, { name }) => without(less, name), everything);
  /** Without the bundle, which the filter would judge. */
  const takes = (configuration: Json): { filter: boolean; command: boolean } => ({
    filter: host.configure(JSON.stringify(without(configuration, "bundle"))).accepted,
    command: configurationSchema.safeParse(configuration).success,
  });

  it("are the table's on each side, and documented", () => {
    for (const { name } of rows) expect([name, everything[name]]).not.toEqual([name, undefined]);
    expect(Object.keys(configurationSchema.shape)).toEqual(names(rows));
    const schema = z.object({ properties: z.record(z.string(), z.unknown()) });
    expect(Object.keys(schema.parse(JSON.parse(read("config/plugin-configuration.schema.json"))).properties)).toEqual(
      names(rows),
    );
    for (const { name, optional } of rows)
      expect(read("docs/members.md")).toContain(`| \`${name}\`${optional ? "?" : ""} | `);
    expect(takes(whole)).toEqual(answer(true));
  });

  it("of another host are refused by the filter for this one, and not overlooked", () => {
    expect(elsewhere.map(({ name }) => name)).toEqual(["upstream_header"]);
    for (const { name } of elsewhere)
      expect(takes({ ...whole, [name]: everything[name] })).toEqual({ filter: false, command: true });
  });

  it("may be missing where the table says so, on both sides", () => {
    for (const { name, optional } of rows)
      expect([name, takes(without(whole, name))]).toEqual([name, answer(optional)]);
  });

  it("are all that any side takes", () => {
    fc.assert(
      fc.property(strangeNames, fc.jsonValue(), (name, value) => {
        fc.pre(!names(rows).includes(name));
        const more = Object.fromEntries([...Object.entries(whole), [name, value]]);
        expect(takes(more)).toEqual(answer(false));
      }),
      { numRuns: 60 },
    );
  });

  it("are closed inside as well", () => {
    for (const { name, kind, of } of rows.filter((one) => one.kind === "object")) {
      const inner = z.record(z.string(), z.unknown()).parse(whole[name]);
      expect([name, kind, takes({ ...whole, [name]: { ...inner, stranger: 1 } })]).toEqual([name, kind, answer(false)]);
      for (const member of objects[of ?? ""] ?? [])
        expect([member.name, takes({ ...whole, [name]: without(inner, member.name) })]).toEqual([
          member.name,
          answer(member.optional),
        ]);
    }
  });

  it("stay as they are deployed, where neither a push nor the gateway's own file decides them", () => {
    const decided: readonly string[] = [...setByPush, ...setByRender];
    // Not an empty list, which says nothing and is left out.
    const newer = { ...whole, revocations: ["g.h.i"], of_a_newer_glassgate: { a: [1] } };
    const deployed = { text: "", vmId: "", bundle: undefined, configuration: deployedSchema.parse(newer) };
    const bundle = { text: "d.e.f", payload: "e", version: 3, iat: 0, exp: 9 };
    const kept = keptFrom({ deployed, good: undefined });
    const written: unknown = JSON.parse(configurationOf({ anchors, configuration: { leeway: 3 } }, bundle, 8, 2, kept));
    const stays = Object.fromEntries(Object.entries(newer).filter(([name]) => !decided.includes(name)));
    expect(Object.keys(stays)).toEqual(expect.arrayContaining(["table_memory_kib", "of_a_newer_glassgate"]));
    expect(written).toEqual({ ...stays, ...anchors, generation: 8, min_version: 3, leeway: 3, bundle: "d.e.f" });
  });
});
