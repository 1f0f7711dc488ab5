/**
 * Random texts under random bundles, at the edges of every number, against the reference: whether a new gateway takes them, and what
 * becomes of grants.
 *
 * REVOCATIONS=20000 npx vitest run test/verdicts/revocations-random.test.ts
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { revocations } from "../kit/revocations.js";
import { type Json, World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { parseStrictly } from "../reference/json.js";
import { areTextsUsable } from "../reference/revocations.js";
import { isObject, type JsonObject } from "../reference/shapes.js";

const RUNS = Number(process.env.REVOCATIONS ?? 40);
const world = new World(Math.floor(Date.now() / 1000));
const { now, rita, rita2, adam, anna, alex, bot, roots, stranger } = world;
const jti = "a-grant-that-is-known";
const INCIDENT = "INC-7";

const signers = [anna, alex, bot, adam, stranger, rita, ...roots];
const ids = ["rita", "adam", "anna", "alex", "bot", "nobody", ...roots.map(({ kid }) => kid)];
/** At, before and behind the moments that windows, versions and grants are made of. */
const edge = (around: number): fc.Arbitrary<number> => fc.constantFrom(around - 1, around, around + 1);
const some = <T>(...values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values], { maxLength: 2 });
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 1 });

const revoked = fc.record(
  {
    jti: some(jti, "another-grant-than-that"),
    sub: some(...ids),
    kid: some(...[rita, rita2, adam, anna, alex, roots[0]].map(({ kid }) => kid)),
    incident: some(INCIDENT, "INC-8"),
    issued_before: fc.array(
      fc.record({ at: edge(now), sub: fc.constantFrom(...ids.slice(0, 6)) }, { requiredKeys: ["at"] }),
      {
        maxLength: 2,
      },
    ),
  },
  { requiredKeys: [] },
);
/** Mostly as it should be: one that is wrong refuses the whole configuration, and four texts have five members each. */
const mostly = <R, W>(right: fc.Arbitrary<R>, wrong: fc.Arbitrary<W>): fc.Arbitrary<R | W> =>
  fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong });
const oneText = fc.record({
  by: mostly(fc.constantFrom(anna, alex, ...roots), fc.constantFrom(...signers)),
  version: mostly(fc.constantFrom(now - 1, now, now + 1), fc.constant(now + 2)),
  iat: mostly(fc.constant(now + 1), fc.constantFrom(now, now + 2)),
  aud: mostly(fc.constantFrom<unknown>(["test"], "test", ["staging", "test"]), fc.constant(["other"])),
  revoked,
});
const window = fc.record({ nbf: edge(now + 1), exp: edge(now + 2) });
const oneBundle = fc.record({
  revokers: mostly(fc.constant(["security", "lead"]), fc.constantFrom(["security"], ["lead", "nobody"], undefined)),
  role: optional(window),
  key: optional(window),
  revoked: optional(revoked),
  texts: fc.constantFrom<Json | undefined>(
    undefined,
    undefined,
    { anna: now },
    { anna: now + 1, alex: now + 2 },
    { [roots[0].kid]: now + 1 },
    { [stranger.kid]: now + 1 },
  ),
});

const asObject = (text: string): JsonObject => {
  const value = parseStrictly(Buffer.from(text));
  if (!isObject(value)) throw new Error("not an object");
  return value;
};
const isWindow = (value: Json | undefined): boolean => value === undefined || Number(value.exp) > Number(value.nbf);

it("filter and reference agree on each", async () => {
  const seen = { taken: 0, refused: 0, revoked: 0, allowed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(oneText, { minLength: 1, maxLength: 4 }), oneBundle, async (texts, shape) => {
      fc.pre(isWindow(shape.role) && isWindow(shape.key));
      const principals = world.bundleClaims().principals;
      const claims = world.bundleClaims({
        revokers: shape.revokers,
        revoked: shape.revoked,
        texts: shape.texts,
        principals: (Array.isArray(principals) ? principals : []).map((entry: Json) =>
          entry.id === "anna"
            ? {
                ...entry,
                roles: [{ role: "security", ...shape.role }],
                keys: [{ ...anna.jwk, nbf: 0, ...shape.key }],
              }
            : entry,
        ),
      });
      const signed = texts.map(({ by, revoked: taken, ...rest }) =>
        revocations(world, { by, revoked: taken, claims: rest }),
      );
      const configuration = world.configuration({ bundle: claims, configuration: { revocations: signed } });
      const host = await FilterHost.load({ workers: 1 });
      const { accepted, reason } = host.configure(configuration);
      const usable = await areTextsUsable(asObject(configuration), asObject(JSON.stringify(claims)));
      expect({ accepted, reason }).toEqual({ accepted: usable, reason: usable ? undefined : expect.any(String) });
      seen[usable ? "taken" : "refused"] += 1;
      if (!usable) return;
      const grants = [
        world.alone({ claims: { jti } }),
        world.alone({ by: rita2, claims: { incident: INCIDENT } }),
        world.grant({ approvals: [{ by: alex }, { by: bot }] }),
      ];
      for (const grant of grants) {
        const verdict = host.request({ headers: headersOf([grant]) }).filterState.get("wasm.glassgate.verdict");
        const request = { method: "GET", host: "api.example.com", path: "/orders/7", isUpgrade: false };
        expect(verdict).toBe(
          await referenceDecision({ configuration, grants: [grant], request, now: Math.floor(Date.now() / 1000) }),
        );
        if (verdict === "revoked") seen.revoked += 1;
        if (verdict === "allow") seen.allowed += 1;
      }
    }),
    { numRuns: RUNS },
  );
  // It is about something.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(RUNS / 20);
});
