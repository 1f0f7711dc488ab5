/** Names that match nobody are warned of, with the near one. */
import { describe, expect, it } from "vitest";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { lint } from "../../control/trust/lint.js";
import { strangers } from "../../control/trust/strangers.js";
import { World } from "../kit/world.js";

const world = new World(1_800_000_000);
const kid = world.anna.kid;
const withChange = (change: (claims: BundleClaims) => void): BundleClaims => {
  const claims = bundleClaimsSchema.parse(world.bundleClaims());
  // Nobody of that world is of drills alone.
  claims.principals[0]?.roles.push("drill-oncall");
  change(claims);
  return claims;
};
const revoking = (revoked: NonNullable<BundleClaims["revoked"]>): string[] =>
  strangers(withChange((claims) => Object.assign(claims, { revoked })));
const blurred = `${kid[0] === "a" ? "b" : "a"}${kid.slice(1)}`;

describe("names that match nobody", () => {
  it("are none in a bundle whose names all match", () => {
    expect(strangers(withChange(() => undefined))).toEqual([]);
    expect(revoking({ sub: ["rita"], kid: [kid], jti: ["A".repeat(22)] })).toEqual([]);
  });

  it("are roles that nobody holds, and roles that nothing names", () => {
    const claims = withChange(({ entitlements, principals }) => {
      entitlements[0]?.requesters.splice(0, 1, "on-call");
      entitlements[1]?.approvals.push({ role: "leed", count: 1 });
      principals[0]?.roles.push({ role: "secruity" });
    });
    expect(strangers(claims)).toEqual([
      "entitlement repair: nobody holds the role on-call, which may ask for it; did you mean oncall?",
      "entitlement alone: nobody holds the role leed, which must approve it; did you mean lead?",
      "no entitlement names the role secruity, which rita holds; did you mean security?",
    ]);
    expect(lint(claims)).toEqual(expect.arrayContaining(strangers(claims)));
  });

  it.each<[string, NonNullable<BundleClaims["revoked"]>, string | RegExp]>([
    [
      "a principal",
      { sub: ["ritta"] },
      "revoked sub ritta is no principal of this bundle and takes nothing back; did you mean rita?",
    ],
    ["case", { sub: ["Rita"] }, /revoked sub Rita is no principal .*did you mean rita\?/],
    [
      "a key",
      { kid: [blurred] },
      `revoked kid ${blurred} is no key of this bundle, and takes nothing back; did you mean ${kid}?`,
    ],
    ["no kid at all", { kid: ["anna"] }, /revoked kid anna can never match: a kid is a thumbprint/],
    ["a jti", { jti: ["short"] }, /revoked jti short can never match/],
    ["a jti with a dot", { jti: ["a.b.c.d.e.f.g.h.i"] }, /can never match/],
    ["an incident with a blank", { incident: [" INC-7"] }, /revoked incident " INC-7" has white space around it/],
    [
      "an incident that hides",
      { incident: ["INC\u200b-7"] },
      /revoked incident "INC\\u\{200b\}-7" has characters that are hard to type/,
    ],
    [
      "an incident over 64 bytes",
      { incident: ["\u00e9".repeat(40)] },
      /can never match: an incident has 1 to 64 bytes/,
    ],
    ["look-alikes: case", { incident: ["INC-7", "inc-7"] }, /revoked incidents INC-7 and inc-7 look alike/],
    ["look-alikes: a dash", { incident: ["INC-7", "INC_7"] }, /look alike/],
    ["look-alikes: a zero", { incident: ["INC-10", "INC-1O"] }, /look alike/],
    ["look-alikes: wide letters", { incident: ["INC-7", "\uff29NC-7"] }, /look alike/],
  ])("are revoked: %s", (_, revoked, words) => {
    expect(revoking(revoked).join("\n")).toMatch(words);
  });

  it("are accounts, where a person is revoked", () => {
    const claims = withChange(({ principals }) => {
      principals.splice(0, 1);
    });
    claims.revoked = { sub: ["rita"] };
    expect(strangers(claims)).toContain(
      "revoked sub rita is no principal of this bundle and takes nothing back; it is a person: revoke the accounts rita-admin",
    );
  });

  it("are persons with nearly another's name", () => {
    const claims = withChange(({ principals }) => {
      for (const principal of principals) if (principal.id === "rita-admin") principal.person = "ritta";
    });
    expect(strangers(claims)).toEqual(["principal rita-admin: nobody else is the person ritta; did you mean rita?"]);
  });

  it("and a version that nobody counted to", () => {
    expect(lint(withChange((claims) => Object.assign(claims, { version: Number.MAX_SAFE_INTEGER })))).toContain(
      "version 9007199254740991 is near the highest there can be: versions only rise, and then none can follow",
    );
  });

  it("say how incidents are compared", () => {
    expect(revoking({ incident: ["INC-70"] })).toEqual([
      "revoked incidents are compared byte for byte: INC-70 does not take back grants for inc-70 or INC_70 or INC-7O or INC70",
    ]);
  });
});
