/** No change of a bundle is silent: whatever differs has a line of its own, and two different changes have two different texts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildClaims } from "../../control/trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { contentChanges, describeChanges } from "../../control/trust/diff.js";
import { describeBundle } from "../../control/trust/facts.js";
import { World } from "../kit/world.js";
import { bundles, canonical, changed } from "./bundles.js";

const world = new World(1_800_000_000);
const good = bundleClaimsSchema.parse(world.bundleClaims());
const withChange = (change: (claims: BundleClaims) => void): BundleClaims => {
  const claims = structuredClone(good);
  change(claims);
  return claims;
};
const told = (change: (claims: BundleClaims) => void): string => describeChanges(good, withChange(change)).join("\n");
const entitlement = (claims: BundleClaims) => claims.entitlements[0] ?? expect.unreachable();
const principal = (claims: BundleClaims, id: string) =>
  claims.principals.find((one) => one.id === id) ?? expect.unreachable();

describe("describeChanges", () => {
  it("tells every change of every member, and tells changes apart", () => {
    let compared = 0;
    fc.assert(
      fc.property(bundles, fc.gen(), (before, gen) => {
        const choose = (below: number): number => gen(fc.integer, { min: 0, max: Math.max(0, below - 1) });
        const [one, two] = [changed(before, choose), changed(before, choose)];
        const silent = describeChanges(before, before);
        for (const after of [one, two]) {
          if (after === undefined || canonical(after, true) === canonical(before, true)) continue;
          compared++;
          expect(describeChanges(before, after), canonical(after)).not.toEqual(silent);
          expect(describeBundle(after)).not.toEqual(describeBundle(before));
        }
        if (one !== undefined && two !== undefined && canonical(one) !== canonical(two))
          expect(describeChanges(before, one)).not.toEqual(describeChanges(before, two));
      }),
      { numRuns: 600 },
    );
    expect(compared).toBeGreaterThan(150);
  }, 60_000);

  it("tells two bundles that have nothing in common apart from a third", () => {
    fc.assert(
      fc.property(bundles, bundles, bundles, (before, one, two) => {
        if (canonical(one) !== canonical(two))
          expect(describeChanges(before, one)).not.toEqual(describeChanges(before, two));
      }),
      { numRuns: 200 },
    );
  });

  it("tells paths with a comma from two paths", () => {
    const [one, two] = [["/a", "/b"], ["/a,/b"]].map((paths) =>
      told((claims) => {
        for (const detail of entitlement(claims).authorization_details) detail.paths = paths;
      }),
    );
    expect(one).not.toBe(two);
    expect(two).toContain('gains scope 1 path "/a,/b"');
  });

  it("tells the beginning of a key's window, and its end", () => {
    const text = told((claims) => {
      const key = principal(claims, "anna").keys[0] ?? expect.unreachable();
      key.nbf = 1_900_000_000;
    });
    expect(text).toMatch(/principal anna: gains key \S+ Ed25519 from 2030-03-17 17:46:40 UTC/);
  });

  it("shows person, roles, keys and scope of what is new", () => {
    const key = world.stranger.jwk;
    const text = told((claims) => {
      claims.principals.push(
        bundleClaimsSchema.parse({
          ...good,
          principals: [{ id: "eve", person: "rita", roles: [{ role: "lead", exp: 1_900_000_000 }], keys: [key] }],
        }).principals[0] ?? expect.unreachable(),
      );
      claims.entitlements.push({ ...entitlement(claims), id: "wide2" });
    });
    expect(text).toMatch(/principal eve is new:\n +person +rita\n +roles +lead until 2030-03-17[^\n]*\n +keys +/);
    expect(text).toContain(String(key.kid));
    expect(text).toMatch(/entitlement wide2 is new:\n(?: {4}.*\n)+ +opens \(2\) paths +\/\*\*/);
  });

  it("always tells the dates: 90 days that become 25 seconds, a version that jumps or falls", () => {
    expect(told((claims) => Object.assign(claims, { exp: claims.iat + 25, version: claims.version + 1 }))).toMatch(
      /holds until .*, was .*\nlifetime 25 seconds, WAS 1 day 1 minute/,
    );
    const next = withChange((claims) => Object.assign(claims, { version: claims.version + 1 }));
    expect(describeChanges(good, next)[0]).toBe(`version ${next.version}, was ${good.version}`);
    expect(contentChanges(good, next)).toEqual([]);
    expect(told((claims) => Object.assign(claims, { version: Number.MAX_SAFE_INTEGER }))).toMatch(
      /version 9007199254740991, was \d+: \d+ NUMBERS ARE SKIPPED/,
    );
    expect(told((claims) => Object.assign(claims, { version: 1 }))).toMatch(/IT DOES NOT RISE/);
  });

  it("shows what could hide as escapes", () => {
    const text = told((claims) => {
      claims.revoked = { incident: ["INC-7\u3164\u200b\u001b[2J"] };
    });
    expect(text).toContain('revoked incident: "INC-7');
    expect(text).not.toContain("\u200b");
    expect(text).not.toContain("\u001b");
  });

  it("tells a list of nothing revoked from no list, whatever else changes", () => {
    const before = withChange((claims) => Object.assign(claims, { revoked: { sub: ["eve"] } }));
    const [empty, none] = [
      { ...before, revoked: {} },
      { ...before, revoked: undefined },
    ];
    expect(describeChanges(before, empty)).not.toEqual(describeChanges(before, none));
    // An audience of that name is no list.
    const plainly = { ...before, revoked: undefined };
    const named = { ...plainly, aud: [...before.aud, "revoked"] };
    expect(describeChanges(plainly, { ...named, revoked: {} })).not.toEqual(describeChanges(plainly, named));
  });

  it("tells two principals that swap their keys", () => {
    const text = told((claims) => {
      const [adam, anna] = [principal(claims, "adam"), principal(claims, "anna")];
      [adam.keys, anna.keys] = [anna.keys, adam.keys];
    });
    expect(text).toMatch(/principal adam: loses key/);
    expect(text).toMatch(/principal anna: gains key/);
  });
});

it("a bundle is issued a minute before it is built, for gateways whose clock is behind", () => {
  const roster = { lifetime: 3600, principals: [], entitlements: [] };
  expect(buildClaims(roster, ["test"], 1, 1_800_000_000)).toMatchObject({ iat: 1_799_999_940, exp: 1_800_003_600 });
  expect(() => buildClaims(roster, ["test"], Number.MAX_SAFE_INTEGER + 1, 1_800_000_000)).toThrow(/none can follow it/);
});
