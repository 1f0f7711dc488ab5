/** What is revoked is never lost: not by joining texts, not by folding them into a bundle, not by time before its time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BundleClaims, Revoked } from "../../control/trust/claims.js";
import {
  type Entry,
  entriesOf,
  entryNamed,
  type IssuedGrant,
  isCovered,
  listsOf,
  missingFrom,
  nameOf,
  revokes,
  unionOf,
  without,
} from "../../control/trust/entries.js";
import { CLOCK_MARGIN, type Folding, fold, longestLife } from "../../control/trust/fold.js";
import { isTooFarAhead, MAX_AHEAD, nextClaims, saysAll } from "../../control/trust/next-text.js";
import type { RevocationClaims } from "../../control/trust/revocations.js";

const NOW = 1_800_000_000;
const few = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 3 });
const jti = fc.constantFrom("jti-aaaaaaaaaaaa", "jti-bbbbbbbbbbbb");
const sub = fc.constantFrom("rita", "adam", "anna");
const kid = fc.constantFrom("k".repeat(43), "l".repeat(43), "m".repeat(43));
const incident = fc.constantFrom("INC-7", "INC-8", "a:b");
const moment = fc.integer({ min: NOW - 10_000, max: NOW + 100 });
const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const revoked: fc.Arbitrary<Revoked> = fc.record({
  jti: optional(few(jti)),
  sub: optional(few(sub)),
  kid: optional(few(kid)),
  incident: optional(few(incident)),
  issued_before: optional(few(fc.record({ at: moment, sub: optional(sub) }))),
});
const grant: fc.Arbitrary<IssuedGrant> = fc.record({
  jti,
  iat: moment,
  incident: optional(incident),
  subs: fc.array(sub, { minLength: 1, maxLength: 3 }),
  kids: fc.array(kid, { minLength: 1, maxLength: 3 }),
});

describe("lists of what is revoked", () => {
  it("joined take away what any of them takes away, and nothing else", () => {
    fc.assert(
      fc.property(revoked, revoked, grant, (a, b, issued) => {
        expect(revokes(unionOf(a, b), issued)).toBe(revokes(a, issued) || revokes(b, issued));
      }),
      { numRuns: 2000 },
    );
  });

  it("joined cover each part; joined again they are the same", () => {
    fc.assert(
      fc.property(revoked, revoked, (a, b) => {
        const both = unionOf(a, b);
        expect([...missingFrom(both, a), ...missingFrom(both, b)]).toEqual([]);
        expect(unionOf(both, a, b)).toEqual(both);
      }),
    );
  });

  it("a covered entry takes away no grant that is not taken away already", () => {
    fc.assert(
      fc.property(revoked, revoked, grant, (whole, part, issued) => {
        for (const entry of entriesOf(part))
          if (isCovered(entry, whole) && revokes(listsOf([entry]), issued)) expect(revokes(whole, issued)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("an entry is found again by its name, and is gone when it is taken out", () => {
    fc.assert(
      fc.property(revoked, (list) => {
        for (const entry of entriesOf(list)) {
          const named = entryNamed(nameOf(entry));
          if (named === undefined) throw new Error(nameOf(entry));
          expect(nameOf(named)).toBe(nameOf(entry));
          expect(entriesOf(without(list, [named])).map(nameOf)).not.toContain(nameOf(entry));
        }
      }),
    );
    expect([entryNamed("rita"), entryNamed("sub"), entryNamed("sub:"), entryNamed("who:rita")]).toEqual(
      Array(4).fill(undefined),
    );
  });
});

const text: fc.Arbitrary<RevocationClaims> = fc.record({
  version: fc.integer({ min: 0, max: NOW + 300 }),
  iat: fc.constant(NOW),
  aud: few(fc.constantFrom("test", "staging")),
  revoked,
});

describe("the next text of a revoker", () => {
  it("holds all that he revoked and revokes, and rises above all that is known of him, within his clock", () => {
    fc.assert(
      fc.property(few(text), revoked, (previous, asked) => {
        const next = nextClaims(previous, { revoked: asked, aud: ["test"] }, NOW);
        for (const before of previous) {
          expect(next.version).toBeGreaterThan(before.version);
          expect(missingFrom(next.revoked, before.revoked)).toEqual([]);
          expect(next.aud).toEqual(expect.arrayContaining([before.aud].flat()));
        }
        expect(missingFrom(next.revoked, asked)).toEqual([]);
        expect(next.aud).toContain("test");
        expect(next.version).toBeLessThanOrEqual(next.iat);
        for (const { at } of next.revoked.issued_before ?? []) expect(at).toBeLessThanOrEqual(next.iat);
        expect(isTooFarAhead(next, NOW)).toBe(false);
        // Asked the same once more, it is used as it is.
        expect(saysAll(next, [...previous, next], { revoked: asked, aud: ["test"] })).toBe(true);
      }),
    );
  });

  it("is refused where only a clock ten minutes ahead could have signed what is known", () => {
    const at = (version: number) =>
      nextClaims([{ version, iat: version, aud: [], revoked: {} }], { revoked: {}, aud: [] }, NOW);
    expect(at(NOW + MAX_AHEAD - 1).version).toBe(NOW + MAX_AHEAD);
    expect(() => at(NOW + MAX_AHEAD)).toThrow(/nothing newer can be signed/);
  });
});

const entitlement = (max_ttl: number): BundleClaims["entitlements"][number] => ({
  id: "e",
  requesters: ["oncall"],
  reasons: ["outage"],
  approvals: [],
  max_ttl,
  authorization_details: [{ type: "break_glass_http", locations: ["a"], actions: ["GET"], paths: ["/a"] }],
});
const people = (ids: readonly string[], max_ttl = 900) => ({
  principals: ids.map((id) => ({
    id,
    roles: [],
    keys: [{ kty: "OKP" as const, crv: "Ed25519" as const, x: "x".repeat(43), kid: KIDS[id] ?? "" }],
  })),
  entitlements: [entitlement(max_ttl)],
});
const KIDS: Readonly<Record<string, string>> = { rita: "k".repeat(43), adam: "l".repeat(43), anna: "m".repeat(43) };
const LIFE = 900;
/** Nobody is known, and a life and the clocks' margin have passed since. */
const LONG_AGO = NOW - LIFE - CLOCK_MARGIN - 1;

const folding: fc.Arbitrary<Folding> = fc
  .record({
    roster: optional(revoked),
    before: revoked,
    since: fc.constantFrom(NOW - 100, LONG_AGO),
    floor: fc.dictionary(sub, fc.integer({ min: 0, max: 9 })),
    texts: few(
      fc.record({
        signer: sub,
        kid,
        version: fc.integer({ min: 0, max: 20 }),
        iat: fc.constantFrom(NOW, LONG_AGO),
        revoked,
      }),
    ),
    was: few(sub),
    will: few(sub),
  })
  .map(({ roster, before, since, floor, texts, was, will }) => ({
    roster,
    current: { ...people(was), iat: since, revoked: before, texts: floor },
    texts,
    next: people(will),
    roots: [],
    now: NOW,
    isRevoker: () => true,
  }));

describe("folding into the next bundle", () => {
  it("takes away every live grant that the bundle in force, the roster or a text in force takes away", () => {
    fc.assert(
      fc.property(folding, grant, fc.integer({ min: 1, max: LIFE }), (given, issued, life) => {
        const { current, next } = given;
        // A grant that could still be taken: all of its keys and people are known, and its time is not over.
        const knows = (known: readonly string[]): boolean => issued.kids.every((key) => known.includes(key));
        const keysOf = (bundle: typeof next): string[] =>
          bundle.principals.flatMap(({ keys }) => keys.map((key) => key.kid));
        const ids = next.principals.map(({ id }) => id);
        const isTaken = knows(keysOf(next)) && issued.subs.every((id) => ids.includes(id)) && issued.iat + life > NOW;
        const above = given.texts.filter(({ signer, version }) => version > (current?.texts?.[signer] ?? -1));
        const was = [given.roster, current?.revoked, ...above.map((one) => one.revoked)];
        // A grant of a revoked jti was there when it was revoked: later ones have another.
        const jtiSince = Math.min(current?.iat ?? NOW, ...above.map(({ iat }) => iat));
        if (!isTaken || issued.iat > jtiSince) return;
        if (was.some((list) => revokes(list, issued))) expect(revokes(fold(given).revoked, issued)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it("tells every entry that is not in the bundle, and raises the floor to each text's version", () => {
    fc.assert(
      fc.property(folding, few(sub), (given, silenced) => {
        const { revoked: list, texts, dropped, leftOut } = fold({ ...given, leftOut: silenced });
        const told = [...dropped, ...leftOut.map(([entry]) => entry)];
        const above = given.texts.filter(({ signer, version }) => version > (given.current?.texts?.[signer] ?? -1));
        for (const entry of [given.current?.revoked, ...above.map((one) => one.revoked)].flatMap((one) =>
          entriesOf(one),
        ))
          expect(isCovered(entry, list) || told.some((one) => nameOf(one) === nameOf(entry))).toBe(true);
        for (const { signer, version } of given.texts) expect(texts[signer]).toBeGreaterThanOrEqual(version);
        for (const [signer, version] of Object.entries(given.current?.texts ?? {}))
          expect(texts[signer]).toBeGreaterThanOrEqual(version);
        expect(missingFrom(list, given.roster)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  const base: Folding = {
    roster: undefined,
    current: { ...people(["rita"]), iat: LONG_AGO },
    texts: [],
    next: people(["rita"]),
    roots: ["m".repeat(43)],
    now: NOW,
    isRevoker: (signer) => signer !== "eve",
  };
  const kept = (changes: Partial<Folding>): Entry[] => entriesOf(fold({ ...base, ...changes }).revoked);
  const inForce = (list: Revoked, iat: number, ids: readonly string[]): Partial<Folding> => ({
    current: { ...people(ids), iat, revoked: list },
  });

  it.each<[string, Revoked, readonly string[], readonly string[], boolean]>([
    ["a grant, when the longest life is over", { jti: ["jti-aaaaaaaaaaaa"] }, ["rita"], ["rita"], true],
    ["a moment, when the longest life is over", { issued_before: [{ at: LONG_AGO }] }, ["rita"], ["rita"], true],
    ["a person who is known, never", { sub: ["rita"] }, ["rita"], ["rita"], false],
    ["a person who is gone only from the next bundle, not yet", { sub: ["rita"] }, ["rita"], [], false],
    ["a person who comes back, never", { sub: ["rita"] }, [], ["rita"], false],
    ["a person who has been gone for a life", { sub: ["rita"] }, [], [], true],
    ["a key that is known, never", { kid: ["k".repeat(43)] }, ["rita"], ["rita"], false],
    ["a key that has been gone for a life", { kid: ["k".repeat(43)] }, [], [], true],
    ["a root's key, never", { kid: ["m".repeat(43)] }, [], [], false],
    ["an incident, never by itself", { incident: ["INC-7"] }, [], [], false],
  ])("drops %s", (_, list, was, will, isDropped) => {
    const next = people(will);
    expect(kept({ ...inForce(list, LONG_AGO, was), next })).toEqual(isDropped ? [] : entriesOf(list));
    // A second before the margin is over, or with a longer life under either bundle: never.
    const early = kept({ ...inForce(list, LONG_AGO + 1, was), next });
    if (!("issued_before" in list)) expect(early).toEqual(entriesOf(list));
    expect(kept({ ...inForce(list, LONG_AGO, was), next: people(will, LIFE + 1) })).toEqual(entriesOf(list));
  });

  it("counts the time that approvals may take to a grant's life", () => {
    const waits = { ...entitlement(900), max_wait: 3600 };
    expect(longestLife(undefined, { entitlements: [waits, entitlement(1200)] })).toBe(4500);
  });

  const text7 = { signer: "rita", kid: "k".repeat(43), version: 7, iat: 7, revoked: {} };
  const texts = [
    { signer: "eve", kid: "e".repeat(43), version: NOW, iat: NOW, revoked: { sub: ["rita"], incident: ["INC-7"] } },
  ];
  it("leaves out, and tells, what a revoker gone bad took away; nothing of his counts any more", () => {
    const { revoked: list, texts: floor, leftOut } = fold({ ...base, texts, leftOut: ["eve"] });
    expect(list).toEqual({});
    expect(floor).toEqual({ eve: Number.MAX_SAFE_INTEGER });
    expect(leftOut.map(([entry, signer]) => [nameOf(entry), signer])).toEqual([
      ["sub:rita", "eve"],
      ["incident:INC-7", "eve"],
    ]);
  });

  it("does not bring a silenced revoker's word into force", () => {
    const {
      revoked: list,
      texts: floor,
      leftOut,
    } = fold({ ...base, texts: texts.map((one) => ({ ...one, isSilenced: true })) });
    expect([list, floor, leftOut.length]).toEqual([{}, { eve: NOW }, 2]);
  });

  it("keeps what a revoker who is no longer one revoked", () => {
    expect(fold({ ...base, texts })).toMatchObject({
      revoked: { sub: ["rita"], incident: ["INC-7"] },
      texts: { eve: NOW },
      leftOut: [],
    });
  });

  it("ignores the texts of a key that is nobody's in the next bundle, under the key's own name", () => {
    const old = { ...people(["rita", "adam"]), iat: NOW, texts: { adam: 4 } };
    const { texts: floor } = fold({
      ...base,
      current: old,
      texts: [{ ...text7, signer: "rita" }],
      next: people(["adam"]),
    });
    expect(floor).toEqual({ adam: 4, rita: 7, [KIDS.rita ?? ""]: 7 });
    expect(fold({ ...base, current: old, next: people(["rita"]) }).texts).toEqual({ adam: 4, [KIDS.adam ?? ""]: 4 });
  });

  it("folds the texts of a signer whose name every object has", () => {
    for (const signer of ["constructor", "toString", "hasOwnProperty"]) {
      const one = { ...text7, signer, revoked: { incident: ["INC-7"] } };
      const given = { ...base, current: { ...people(["rita"]), iat: NOW, texts: { adam: 1 } }, texts: [one] };
      const { revoked: list, texts: floor } = fold(given);
      expect([list, Object.hasOwn(floor, signer) && floor[signer]]).toEqual([{ incident: ["INC-7"] }, 7]);
    }
  });

  it("takes no thief's number for its owner's floor, once the key that signed is revoked", () => {
    const highest = Number.MAX_SAFE_INTEGER;
    const stolen = { ...text7, version: highest, iat: highest, revoked: { incident: ["INC-7"] } };
    const roster = { kid: [stolen.kid] };
    const { revoked: list, texts: floor } = fold({ ...base, roster, texts: [stolen] });
    expect([list, floor]).toEqual([{ kid: [stolen.kid], incident: ["INC-7"] }, { rita: NOW }]);
  });

  it("takes back on purpose, and tells", () => {
    const taken = entryNamed("incident:INC-7");
    const folded = fold({ ...base, texts, takenBack: taken === undefined ? [] : [taken] });
    expect(folded.revoked).toEqual({ sub: ["rita"] });
    expect(folded.leftOut.map(([entry]) => nameOf(entry))).toEqual(["incident:INC-7"]);
  });
});
