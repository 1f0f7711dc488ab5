/** Who can approve now, and whether an approval is in time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { approvalWait, checkAge, checkDates } from "../../control/grant/dates.js";
import { beganAt, candidates, couldApprove, missingSeats, needs, showNeed } from "../../control/grant/quorum.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import type { BundleClaims, Principal } from "../../control/trust/claims.js";
import { entitlement } from "../kit/party.js";

const NOW = 1_800_000_000;
const person = (id: string, roles: Principal["roles"], changes: Partial<Principal> = {}): Principal => ({
  id,
  roles,
  keys: [publicPart(newKey("Ed25519"))],
  ...changes,
});
const bundleOf = (principals: Principal[], revoked: BundleClaims["revoked"] = {}): BundleClaims => ({
  schema: 1,
  version: 1,
  iat: NOW - 60,
  exp: NOW + 86_400,
  aud: ["production"],
  principals,
  entitlements: [entitlement()],
  revoked,
});
const rita = person("rita", ["oncall"]);
const ids = (principals: readonly Principal[]): string[] => principals.map(({ id }) => id);

describe("who can approve now", () => {
  const gone = person("gone", ["lead"], { keys: [{ ...publicPart(newKey("Ed25519")), exp: NOW }] });
  const late = person("late", ["lead"], { keys: [{ ...publicPart(newKey("Ed25519")), nbf: NOW + 1 }] });
  const lost = person("lost", ["lead"]);
  const all = [
    rita,
    person("rita-admin", ["lead"], { person: "rita" }),
    person("adam", ["lead"]),
    person("retired", [{ role: "lead", exp: NOW }]),
    person("coming", [{ role: "lead", nbf: NOW + 1 }]),
    person("revoked", ["lead"]),
    person("keyless", ["lead"], { keys: [] }),
    person("standing-in", [{ role: "lead", nbf: NOW, exp: NOW + 1 }]),
    gone,
    late,
    lost,
  ];
  const bundle = bundleOf(all, { sub: ["revoked"], kid: [lost.keys[0]?.kid ?? ""] });

  it("is everybody with the role, a key that holds and no revocation, but the requester's person", () => {
    expect(ids(candidates(bundle, "lead", new Set(["rita"]), NOW))).toEqual(["adam", "standing-in"]);
  });

  it("is said a role at a time, with nobody where there is nobody", () => {
    expect(needs(bundle, entitlement(), [], rita, NOW).map(showNeed)).toEqual([
      "1 of lead: adam, standing-in",
      "1 of security: nobody can approve as that now",
    ]);
    const many = bundleOf(Array.from({ length: 30 }, (_, i) => person(`p${i}`, ["lead"])));
    expect(showNeed(needs(many, entitlement(), [], rita, NOW)[0] ?? { role: "", count: 0, people: [] })).toMatch(
      /p19 and 10 others$/,
    );
  });

  it("is searched, not picked: who holds both roles is kept for the one that nobody else holds", () => {
    const both = person("both", ["lead", "security"]);
    expect(
      ids(couldApprove(bundleOf([rita, both, person("adam", ["lead"])]), entitlement(), [], rita, NOW)).sort(),
    ).toEqual(["adam", "both"]);
    const two = [person("x", ["lead"], { person: "one" }), person("y", ["security"], { person: "one" })];
    expect(couldApprove(bundleOf([rita, ...two]), entitlement(), [], rita, NOW)).toHaveLength(1);
    const given = [{ principal: both, iat: NOW }];
    expect(
      ids(couldApprove(bundleOf([rita, both, person("anna", ["security"])]), entitlement(), given, rita, NOW)),
    ).toEqual(["anna"]);
  });

  it("fills as many seats as any choice would", () => {
    const roles = ["a", "b", "c"];
    fc.assert(
      fc.property(
        fc.array(fc.subarray(roles), { maxLength: 5 }),
        fc.array(fc.constantFrom(...roles), { minLength: 1, maxLength: 5 }),
        (people, seats) => {
          const principals = people.map((held, i) => person(`p${i}`, held));
          const wanted = entitlement({ approvals: seats.map((role) => ({ role, count: 1 })) });
          const best = (seat: number, used: ReadonlySet<number>): number => {
            const role = seats[seat];
            if (role === undefined) return 0;
            const skipped = best(seat + 1, used);
            const taken = people.map((held, i) =>
              used.has(i) || !held.includes(role) ? 0 : 1 + best(seat + 1, new Set([...used, i])),
            );
            return Math.max(skipped, ...taken);
          };
          const approvers = principals.map((principal) => ({ principal, iat: NOW }));
          const filled = best(0, new Set());
          expect(missingSeats(wanted, approvers, NOW)).toHaveLength(seats.length - filled);
          expect(couldApprove(bundleOf([rita, ...principals]), wanted, [], rita, NOW)).toHaveLength(filled);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("the life of a grant", () => {
  const [lead, security, both] = [person("l", ["lead"]), person("s", ["security"]), person("b", ["lead", "security"])];
  const began = (...given: (readonly [Principal, number])[]) =>
    beganAt(
      entitlement(),
      NOW - 1000,
      given.map(([principal, iat]) => ({ principal, iat })),
      NOW,
    );

  it("begins with the approval that makes the quorum, in whatever order they come", () => {
    expect(began([lead, 5], [security, 9])).toBe(9);
    expect(began([security, 9], [lead, 5])).toBe(9);
    expect(began([lead, 5], [security, 9], [both, 7])).toBe(7);
    expect(began([both, 5], [lead, 6], [security, 7])).toBe(6);
    expect(began([lead, 5])).toBeUndefined();
    expect(began()).toBeUndefined();
  });

  it("begins with the ask where none is needed", () => {
    expect(beganAt(entitlement({ approvals: [] }), 7, [{ principal: lead, iat: 9 }], NOW)).toBe(7);
  });
});

describe("dates", () => {
  const dates = { iat: NOW, exp: NOW + 900 };

  it("of an ask may be off by the leeway, and it may be ten minutes old", () => {
    for (const now of [NOW - 5, NOW, NOW + 600]) {
      checkDates(dates, now);
      checkAge(dates, now, 0);
    }
    expect(() => checkDates(dates, NOW - 6)).toThrow(/6 seconds in the future/);
    expect(() => checkAge(dates, NOW + 601, 0)).toThrow(/10 minutes 1 second ago.*At most 10 minutes may pass/);
    expect(() => checkDates(dates, NOW + 900)).toThrow(/expired at/);
  });

  it("give an ask as long as its entitlement gives for gathering approvals, and never less than ten minutes", () => {
    checkAge(dates, NOW + 600, 60);
    checkAge(dates, NOW + 3600, 3600);
    expect(() => checkAge(dates, NOW + 601, 60)).toThrow(/At most 10 minutes may pass/);
    expect(() => checkAge(dates, NOW + 3601, 3600)).toThrow(/1 hour 1 second ago.*At most 1 hour may pass/);
  });

  it("of an approval lie between the ask and now, give or take the leeway", () => {
    expect(approvalWait("adam", NOW - 5, dates, NOW)).toBe(0);
    expect(approvalWait("adam", NOW + 5, dates, NOW)).toBe(0);
    expect(approvalWait("adam", NOW + 8, dates, NOW)).toBe(3);
    expect(() => approvalWait("adam", NOW - 6, dates, NOW)).toThrow(/approval by adam.*No gateway will ever take it/);
    expect(() => approvalWait("adam", NOW + 60, dates, NOW)).toThrow(/A gateway takes it 55 seconds from now/);
    expect(() => approvalWait("adam", NOW + 905, dates, NOW)).toThrow(/ends before a gateway would take it/);
  });

  it("of any size end in a sentence, never in a crash", () => {
    const number = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.constantFrom(0, -1, 2 ** 53 - 1, 8.64e12, 8.64e12 + 1),
    );
    fc.assert(
      fc.property(number, number, number, (iat, exp, approvedAt) => {
        for (const check of [
          () => checkDates({ iat, exp }, NOW),
          () => checkAge({ iat, exp }, NOW, 0),
          () => approvalWait("adam", approvedAt, { iat, exp }, NOW),
        ]) {
          try {
            check();
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
