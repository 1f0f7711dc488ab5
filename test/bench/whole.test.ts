/** The books of `npm run bench:whole`: each kind of call that does not reconcile is named. And a little of the run itself. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Faults } from "../../bench/evidence/faults.js";
import { Books, type Decision, type Facts, type Revocation } from "../../bench/whole/books.js";
import type { Call } from "../../bench/whole/calls.js";
import { main } from "../../bench/whole.js";
import { programWithJson, saidOf } from "./program.js";

const NOW = 1_800_000_000_000;
const normal: Call = {
  ...{
    kind: "normal",
    gateway: 0,
    path: "/orders/n",
    sent: NOW,
    answered: NOW + 2,
    ms: 2,
    status: 200,
    requestId: "n",
  },
};
const allowed: Call = {
  ...{ ...normal, kind: "grant", path: "/orders/g", requestId: "g" },
  ...{ jti: "j", sub: "rita", exp: NOW / 1000 + 60 },
};
const revoked: Call = {
  ...allowed,
  path: "/orders/r",
  requestId: "r",
  sent: NOW + 50,
  answered: NOW + 52,
  status: 401,
  code: "revoked",
};
const forged: Call = { ...normal, kind: "forged", path: "/orders/f", requestId: "f", status: 401, code: "signature" };
const unrecorded: Call = { ...forged, path: "/orders/u", requestId: "u", status: 429, code: "busy" };
const calls = [normal, allowed, revoked, forged, unrecorded];

const decision = (verdict: string, more: Partial<Decision> = {}): Decision => ({
  ...{ verdict, jti: "j", path: undefined, bundle: 8, isInLedger: true, further: [], answers: 0, answersInLedger: 0 },
  ...more,
});
const right = decision("allow", { path: "/orders/g", answers: 1, answersInLedger: 1 });
const revocation: Revocation = { kind: "jti", name: "j", began: NOW + 5, signed: NOW + 10, applied: [NOW + 20] };

interface Bent {
  readonly calls?: readonly Call[];
  readonly decisions?: Readonly<Record<string, Decision>>;
  readonly reached?: Readonly<Record<string, number>>;
  readonly dropped?: number;
  readonly decided?: number;
  readonly facts?: Partial<Facts>;
}

/** A run in which everything reconciles, but for what is bent. */
function faultsOf({
  calls: made = calls,
  decisions = {},
  reached = {},
  dropped = 1,
  decided = 4,
  facts = {},
}: Bent): readonly string[] {
  const records = { g: right, r: decision("revoked"), f: decision("key_unknown"), ...decisions };
  const faults = new Faults();
  const books = new Books(
    {
      gateways: [{ name: "east", decisions: new Map(Object.entries(records)), dropped, decided }],
      reached: new Map(Object.entries({ "/orders/n": 1, "/orders/g": 1, ...reached })),
      revocations: [revocation],
      rotations: [{ version: 8, gateway: 0, at: NOW - 1 }],
      ...facts,
    },
    faults,
  );
  for (const call of made) books.enter(call);
  books.close();
  return faults.sentences;
}

const instead = (one: Call, changes: Partial<Call>): readonly Call[] =>
  calls.map((call) => (call === one ? { ...call, ...changes } : call));
const without = (one: Call): readonly Call[] => calls.filter((call) => call !== one);

describe("the books", () => {
  it("have nothing over where everything reconciles", () => expect(faultsOf({})).toEqual([]));

  for (const [what, bent, fault] of [
    [
      "a call without an answer",
      { calls: instead(normal, { status: 0, code: "ECONNRESET" }), reached: { "/orders/n": 0 } },
      /^a normal call has no answer \(first: east, \/orders\/n: ECONNRESET\)/,
    ],
    [
      "a normal caller that is denied",
      { calls: instead(normal, { status: 401 }), reached: {} },
      /^a normal caller was not served/,
    ],
    [
      "a normal call that came twice",
      { reached: { "/orders/n": 2 } },
      /^a normal call did not reach the upstream once/,
    ],
    [
      "a call that the upstream was not asked for",
      { reached: { "/orders/g": 0 } },
      /^an allowed call did not reach the upstream once/,
    ],
    [
      "a line that is missing in the audit log",
      { decisions: { g: decision("x") }, calls: instead(allowed, { requestId: "?" }) },
      /^an allowed call has no record/,
    ],
    [
      "a record that is not in the ledger",
      { decisions: { g: { ...right, isInLedger: false } } },
      /^a record is not in the ledger/,
    ],
    [
      "the record of another grant",
      { decisions: { g: { ...right, jti: "k" } } },
      /^the record of an allowed call says otherwise/,
    ],
    [
      "an answer that is not in the answers' log",
      { decisions: { g: { ...right, answers: 0, answersInLedger: 0 } } },
      /^an allowed call has not one line in the answers' log/,
    ],
    [
      "an answer that is not in the ledger",
      { decisions: { g: { ...right, answersInLedger: 0 } } },
      /^the answer of an allowed call is not in the ledger/,
    ],
    [
      "a record that says another denial",
      { decisions: { r: decision("expired") } },
      /^the record of a denial says otherwise/,
    ],
    ["a denied call that reached the upstream", { reached: { "/orders/r": 1 } }, /^a denied call reached the upstream/],
    [
      "a denial that nothing tells of",
      { dropped: 0 },
      /^denials without a record are not those that records_dropped counts \(first: east: 1, 0\)/,
    ],
    [
      "a grant that the filter did not see",
      { decided: 3 },
      /^the filter has not decided each grant once \(first: east: 3 of 4\)/,
    ],
    [
      "a forged grant that opens",
      { calls: instead(forged, { status: 200 }), reached: { "/orders/f": 1 } },
      /a forged grant opened something/,
    ],
    [
      "a revoked grant that opens",
      { calls: instead(allowed, { sent: NOW + 21, answered: NOW + 22 }) },
      /^a revoked grant opened something after it was applied/,
    ],
    [
      "a person who was revoked, and whose grant opens",
      { facts: { revocations: [revocation, { ...revocation, kind: "sub", name: "rita", applied: [NOW - 1] }] } },
      /^a revoked grant opened something after it was applied/,
    ],
    [
      "a grant that opens after its end",
      { calls: instead(allowed, { exp: NOW / 1000 }) },
      /^a grant opened something after its end/,
    ],
    [
      "a good grant that is denied",
      { facts: { revocations: [] } },
      /^a good grant was denied \(first: east, \/orders\/r: 401 revoked\)/,
    ],
    [
      "a push that lies",
      { facts: { rotations: [{ version: 9, gateway: 0, at: NOW - 1 }] } },
      /^a push said that a bundle serves everywhere, and an older one decided afterwards/,
    ],
    ["a call that nobody sent", { calls: without(allowed), decided: 3 }, /^the upstream was reached by no call/],
    ["a record of a call that nobody sent", { calls: without(revoked), decided: 3 }, /^a record is of no call/],
  ] as const satisfies readonly (readonly [string, Bent, RegExp])[])
    it(`name ${what}`, () => expect(faultsOf(bent).join("\n")).toMatch(new RegExp(fault.source, "m")));

  it("take a stream that was ended with its grant for one that was let in", () => {
    const ended = { ...right, further: [decision("revoked")] };
    const cut = instead(allowed, { status: 403, code: "revoked", answered: NOW + 30 });
    expect(faultsOf({ calls: cut, decisions: { g: ended } })).toEqual([]);
    expect(faultsOf({ calls: cut, decisions: { g: ended }, reached: { "/orders/g": 0 } })).toEqual([]);
  });
});

it("`npm run bench:whole` says in one line what is wrong", async () => {
  expect(await saidOf({ main }, ["--spoil", "all"])).toMatchObject({
    error: '--spoil is "all"; it can be record, upstream, filter.',
  });
  expect(await saidOf({ main }, ["--minutes", "0"])).toMatchObject({
    error: "--minutes and --seconds are both 0: there is nothing to do.",
  });
});

const found = z.looseObject({
  normal: z.looseObject({ count: z.number() }),
  allowed: z.looseObject({ count: z.number() }),
  forged: z.record(z.string(), z.number()),
  grants: z.number(),
  rotations: z.number(),
  revocations: z.object({ grants: z.number(), people: z.number() }),
  faults: z.array(z.string()),
});

/** Few and little: what counts is that each kind happens and is reconciled. */
const LITTLE = "--minutes 0 --seconds 2 --gateways 2 --normal 40 --grants 4 --forged 60 --revoke 1";

it("two seconds of everything on real Envoys: the books have nothing over, and RESULTS.md stays as it is", async () => {
  const ran = await programWithJson("whole.ts", LITTLE.split(" "));
  const { normal, allowed, forged, grants, rotations, revocations, faults } = found.parse(ran.json);
  expect(faults).toEqual([]);
  expect(ran).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Only a part") });
  for (const count of [normal.count, allowed.count, grants, rotations, revocations.grants])
    expect(count).toBeGreaterThan(0);
  expect(Object.keys(forged)).toContain("signature");
  expect(forged.allow).toBeUndefined();
}, 600_000);
