/**
 * Whoever exchanged a gateway's filter, or owns the ledger, writes what he likes into records. An access that nobody approved shows all the
 * same: to the running ledger, and to whoever verifies its log.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { apply } from "../../../control/ledger/chain/apply.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { carry, takeCarried } from "../../../control/ledger/chain/carry.js";
import type { Alarm } from "../../../control/ledger/chain/finding.js";
import { anchorsHash, rulesOf } from "../../../control/ledger/chain/rules.js";
import { newState, type State } from "../../../control/ledger/chain/state.js";
import type { Received } from "../../../control/ledger/intake.js";
import { receiptOf } from "../../kit/ledger.js";
import { compact, newSigner } from "../../kit/token.js";
import type { Json } from "../../kit/world.js";
import {
  anchorsOf,
  bend,
  type Chain,
  chained,
  GATEWAY,
  line,
  MemoryLog,
  memberOf,
  type Opened,
  open,
  other,
  playFew,
  sha256,
} from "./kit.js";

let made: Chain;
let now: number;
/** The first acceptance of a grant with two approvals, and its evidence. */
let record: string;
let evidence: string;
beforeAll(async () => {
  ({ made, now, record, evidence } = await playFew());
});

const vm = `${GATEWAY}/1700000000000000000/7`;
const evidenceLine = (text: string): string => JSON.stringify({ evidence: text });
const lines = (texts: readonly string[]): Received[] => texts.map((text) => line(text));
const resting = (changes: Json): string => bend(record, { evidence: undefined, cached: true, ...changes });
const version = (more = 0): number => Number(memberOf(record, "bundle")) + more;
const bundleOf = (changes: Json): Received => other("bundle", made.world.bundle(made.world.bundleClaims(changes)));

/** What the ledger tells, after its graces; and a verifier of the same entries without those alarms is told the same. */
async function told(received: readonly Received[]): Promise<Opened> {
  const opened = await open(made.pins, now);
  await opened.ledger.take(received);
  opened.clock.now += 125_000;
  await opened.ledger.tick();
  const auditor = new Auditor({ anchors: made.pins.anchors, origin: opened.log.origin });
  const silent = opened.log.decoded().filter(({ head }) => head.type !== "alarm");
  const [last] = silent.slice(-1);
  for (const [index, entry] of silent.entries()) auditor.take(index, entry);
  for (let i = 1; i <= 10 && last !== undefined; i++) {
    const received = new Date(now + i * 60_000).toISOString();
    const head = { ...last.head, type: "heartbeat" as const, received };
    auditor.take(silent.length + i, { head, body: Buffer.from(JSON.stringify({ gateway: GATEWAY, at: 1, vms: [] })) });
  }
  const usual = new Set(["first_use", "single_key", "late_start"]);
  const found = auditor.end().flatMap(({ code, isUntold }) => (isUntold === true && !usual.has(code) ? [code] : []));
  expect(new Set(found)).toEqual(new Set(opened.codes()));
  return opened;
}
const codes = async (received: readonly Received[]): Promise<string[]> => (await told(received)).codes();
const saysOf = ({ alarms }: Opened): string => alarms.find(({ code }) => code === "bad_evidence")?.says ?? "";
/** One access with that evidence, under the bundle that the gateway had. */
const access = (changes: Json, text = evidence): Received[] => [
  other("bundle", made.bundle),
  ...lines([...chained(vm, [bend(record, { evidence: sha256(text), ...changes })]), evidenceLine(text)]),
];
/** An honest access, and another one that rests on its evidence. */
const second = (changes: Json, bundles: readonly Received[] = [other("bundle", made.bundle)]): Received[] => {
  const [one = "", two = ""] = chained(vm, [record, resting(changes)]);
  return [...bundles, ...lines([one, evidenceLine(evidence), two])];
};
const bob = { approvers: [{ sub: "bob", iat: 1 }] };
const none = Object.fromEntries(
  ["jti", "grant_sha256", "sub", "ent", "reason", "approvers", "method", "host", "path"].map((name) => [
    name,
    undefined,
  ]),
);

describe("a record of an access that leaves out by what it would be judged", () => {
  it("is told of, whatever it leaves out", async () => {
    expect(await codes(access({}))).toEqual([]);
    for (const changes of [
      { ...bob, anchors: undefined },
      { ...bob, bundle: undefined },
      { ...bob, anchors: undefined, bundle: undefined },
      { anchors: undefined, mode: "shadow" },
      none,
      { ...none, evidence: undefined },
    ])
      expect([changes, await codes(access(changes))]).toEqual([changes, expect.arrayContaining(["bad_evidence"])]);
    expect(await codes(access({ ...bob, anchors: undefined }, "x.y.z"))).toContain("bad_evidence");
    expect(await codes(access({ ...none, verdict: "pending" }))).toContain("bad_evidence");
  });

  it("is one alarm for as many as there are", async () => {
    const texts = chained(
      vm,
      Array.from({ length: 50 }, () => bend(record, { ...none, evidence: undefined })),
    );
    const opened = await open(made.pins, now);
    await opened.ledger.take(lines(texts));
    expect(opened.codes()).toEqual(["bad_evidence"]);
  });
});

describe("an access that rests on evidence from before", () => {
  it("is judged by the claims of that evidence", async () => {
    expect(await codes(second({}))).toEqual([]);
    const iats = [
      { sub: "adam", iat: 5 },
      { sub: "anna", iat: 5 },
    ];
    for (const changes of [
      { sub: "anna" },
      { ent: "alone", single_key: true },
      { ent: "root" },
      { reason: "drill" },
      { incident: "INC-9" },
      { drill: "d-1" },
      { jti: "other-jti" },
      { approvers: [] },
      { approvers: [{ sub: "adam", iat: made.world.now }] },
      { approvers: iats },
      // Between the ask and the access, and not when she signed.
      { approvers: ["adam", "anna"].map((sub, i) => ({ sub, iat: made.world.now - i })) },
      { path: "/orders" },
    ]) {
      const found = await codes(second(changes));
      expect([changes, found.filter((code) => code !== "jti_reused")]).toEqual([changes, ["bad_evidence"]]);
    }
  });

  it("is judged by the bundle that it names: roles, keys, revocations and its end", async () => {
    const { world } = made;
    const under = (changes: Json): Received[] =>
      second({ bundle: version(1) }, [other("bundle", made.bundle), bundleOf({ version: version(1), ...changes })]);
    expect(await codes(under({}))).toEqual([]);
    for (const changes of [
      { revoked: { sub: ["adam"] } },
      { revoked: { kid: [world.adam.kid] } },
      { revoked: { issued_before: [{ at: world.now + 1000 }] } },
      { revoked: { issued_before: [{ at: world.now + 1000, sub: "anna" }] } },
      { entitlements: [world.entitlement("repair", { approvals: [{ role: "crowd", count: 1 }] })] },
      { entitlements: [world.entitlement("repair", { reasons: ["drill"] })] },
      { entitlements: [world.entitlement("repair", { require: ["cnf"] })] },
      { entitlements: [world.entitlement("repair", { drill: true })] },
      { entitlements: [world.entitlement("repair", { max_ttl: 1 })] },
      { exp: world.now - 100 },
    ])
      expect([changes, await codes(under(changes))]).toEqual([changes, ["bad_evidence"]]);
    const others = { revoked: { sub: ["alex"], issued_before: [{ at: world.now + 1000, sub: "alex" }] } };
    expect(await codes(under(others))).toEqual([]);
  });

  it("waits for the evidence, and for the bundle, in whatever order they come", async () => {
    const [one = "", two = ""] = chained(vm, [record, resting({ bundle: version(1) })]);
    const [, bad = ""] = chained(vm, [record, resting({ bundle: version(1), sub: "anna" })]);
    const newer = bundleOf({ version: version(1) });
    for (const [text, expected] of [
      [two, []],
      [bad, ["bad_evidence"]],
    ] as const) {
      const all = [other("bundle", made.bundle), newer, ...lines([one, evidenceLine(evidence), text])];
      for (let turn = 0; turn < all.length; turn++)
        expect([turn, await codes([...all.slice(turn), ...all.slice(0, turn)])]).toEqual([turn, expected]);
    }
  });

  it("does not rest on evidence that was bad", async () => {
    const [one = "", two = ""] = chained(vm, [bend(record, { approvers: [] }), resting({})]);
    const opened = await told([other("bundle", made.bundle), ...lines([one, evidenceLine(evidence), two])]);
    expect(opened.alarms.filter(({ code }) => code === "bad_evidence").flatMap(({ about }) => about)).toContain(3);
  });

  it("is as narrow as the grant, and not as wide as the entitlement", async () => {
    expect(await codes(second({ path: "/orders/8" }))).toEqual([]);
    expect(await codes(second({ path: "/orders/8/items" }))).toEqual(["bad_evidence"]);
  });
});

describe("whoever approves a grant a second time", () => {
  it("has it on record when, each time by evidence that shows it", async () => {
    const { world } = made;
    const [payload = "", , anna = ""] = evidence.split("~");
    const again = [payload, world.approve(payload, { by: world.adam, iat: world.now - 1 }), anna].join("~");
    const approvers = ["adam", "anna"].map((sub, i) => ({ sub, iat: world.now + i - 1 }));
    const [one = "", two = "", three = "", four = ""] = chained(vm, [
      record,
      bend(record, { approvers, evidence: sha256(again) }),
      resting({ approvers }),
      resting({}),
    ]);
    const all = [one, evidenceLine(evidence), two, evidenceLine(again), three, four];
    expect(await codes([other("bundle", made.bundle), ...lines(all)])).toEqual([]);
    expect(
      await codes([other("bundle", made.bundle), ...lines(all.filter((text) => text !== evidenceLine(again)))]),
    ).toEqual(["evidence_missing", "bad_evidence"]);
  });
});

describe("a grant", () => {
  const payloadOf = (changes: Json): string => {
    const [payload = ""] = evidence.split("~");
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    return compact({}, { ...Object(claims), ...changes }, made.world.rita).split(".")[1] ?? "";
  };
  const approved = (changes: Json, said: Json = {}): Received[] => {
    const payload = payloadOf(changes);
    const { adam, anna, now: at } = made.world;
    const text = [payload, made.world.approve(payload, { by: adam }), made.world.approve(payload, { by: anna })].join(
      "~",
    );
    const approvers = ["adam", "anna"].map((sub) => ({ sub, iat: at }));
    return access({ approvers, grant_sha256: sha256(payload), ...said }, text);
  };

  it("for another environment, or longer than its entitlement allows, opens nothing here, whoever approved it", async () => {
    expect(await codes(approved({}))).toEqual([]);
    expect(saysOf(await told(approved({ aud: "staging" })))).toContain("it is not for test");
    expect(await codes(approved({ aud: ["staging", "test"] }))).toEqual([]);
    expect(saysOf(await told(approved({ exp: made.world.now + 100_000 })))).toContain("longer than repair allows");
    expect(saysOf(await told(approved({ reason: "boredom" }, { reason: "boredom" })))).toContain("its reason");
  });

  it("for some networks opens nothing from elsewhere, with evidence and resting on it", async () => {
    const net = ["192.0.2.0/24", "2001:db8::/32"];
    const from = (source: string | undefined) => approved({ net }, { source });
    for (const source of ["192.0.2.1:5000", "[2001:db8::1]:5000", "2001:db8::1", "[::ffff:192.0.2.9]:1", "192.0.2.255"])
      expect([source, await codes(from(source))]).toEqual([source, []]);
    for (const source of ["192.0.3.1:5000", "[2001:db9::1]:5000", "[::ffff:192.0.3.9]:1", "/run/a.sock", "", undefined])
      expect([source, await codes(from(source))]).toEqual([source, ["bad_evidence"]]);
    const said = (source: string): Received[] => {
      const all = from("192.0.2.1:5000");
      const [bundle, one, text] = all;
      const first = one?.bytes.toString() ?? "";
      const [, two = ""] = chained(vm, [first, bend(first, { evidence: undefined, cached: true, source })]);
      return [...(bundle && one && text ? [bundle, one, text] : []), line(two)];
    };
    expect(await codes(said("192.0.2.77:1"))).toEqual([]);
    expect(await codes(said("192.0.3.77:1"))).toEqual(["bad_evidence"]);
  });

  it("that one key opened says so", async () => {
    const [alone = "", text = ""] = made.lines.slice(2, 4);
    const of = (changes: Json): Received[] => [
      other("bundle", made.bundle),
      ...lines([...chained(vm, [bend(alone, changes)]), text]),
    ];
    expect(memberOf(alone, "ent")).toBe("alone");
    expect(await codes(of({}))).toEqual([]);
    expect(await codes(of({ single_key: undefined }))).toEqual(["bad_evidence"]);
  });
});

describe("a mode that is not that of the anchors", () => {
  const demands = (): Received =>
    bundleOf({ version: version(), entitlements: [made.world.entitlement("repair", { audit: "receipt" })] });

  it("is told of, and what was let in is judged as such", async () => {
    const texts = (changes: Json) => lines([...chained(vm, [bend(record, changes)]), evidenceLine(evidence)]);
    expect(await codes([demands(), ...texts({ mode: "shadow" })])).toEqual(["anchors", "receipt_missing"]);
    const anchors = anchorsHash(anchorsOf(made.world), "shadow");
    expect(await codes([demands(), ...texts({ anchors })])).toEqual(["anchors", "receipt_missing"]);
    expect(await codes([demands(), ...texts({ anchors, mode: "shadow" })])).toEqual([]);
  });
});

describe("a VM that enforced, and then calls an access a rehearsal", () => {
  const anchors = (): string => anchorsHash(anchorsOf(made.world), "shadow");
  const later = (seconds: number): Json => ({
    ts: new Date(Date.parse(String(memberOf(record, "ts"))) + seconds * 1000).toISOString(),
  });
  const shadow = (seconds: number, changes: Json = {}): string =>
    bend(record, { mode: "shadow", anchors: anchors(), ...later(seconds), ...changes });
  const take = async (texts: readonly string[], order = [0, 1]): Promise<string[]> => {
    const chain = chained(vm, texts);
    const opened = await open(made.pins, now + 3600_000);
    const ordered = order.map((i) => chain[i] ?? "");
    await opened.ledger.take([other("bundle", made.bundle), ...lines([...ordered, evidenceLine(evidence)])]);
    return opened.codes();
  };

  it("is told of, whichever comes first; a rollout is not, in either direction", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      expect(await take([record, shadow(1000)], order)).toContain("anchors");
      // The configuration was changed, and its old connections drained.
      expect(await take([record, shadow(600)], order)).not.toContain("anchors");
      expect(await take([shadow(0), bend(record, later(2000))], order)).not.toContain("anchors");
      expect(await take([record, shadow(2000, { ended: true })], order)).not.toContain("anchors");
    }
  });

  it("also where another shard goes on", async () => {
    const opened = await open(made.pins, now);
    await opened.ledger.take([other("bundle", made.bundle), ...lines([record, evidenceLine(evidence)])]);
    const state: State = Reflect.get(opened.ledger, "state");
    const next = newState(Buffer.alloc(32));
    const rules = rulesOf(made.pins);
    const step = { index: 0, at: now, sender: "ledger", say: () => undefined };
    takeCarried(next, rules, JSON.parse(JSON.stringify(carry(state))), step);
    const text = bend(shadow(1000), { seq: 2, prev: sha256(record) });
    const head = {
      ledger: 1,
      type: "record",
      received: new Date(now + 1000).toISOString(),
      sender: GATEWAY,
      via: "file",
    } as const;
    const found = apply(next, rules, 1, { head, body: Buffer.from(text) });
    expect(found.map(({ code }) => code)).toContain("anchors");
  });
});

describe("a request that waited for a receipt", () => {
  it("and of which nobody knew what became owes it all the same when it was let in", async () => {
    const entitlements = [made.world.entitlement("repair", { audit: "receipt" })];
    const bundle = bundleOf({ version: version(), ledgers: [newSigner("Ed25519").jwk], entitlements });
    const [pending = "", final = ""] = chained(vm, [
      bend(record, { verdict: "pending" }),
      resting({ cached: false, settles: 1 }),
    ]);
    const opened = await open(made.pins, now);
    await opened.ledger.take([bundle, ...lines([pending, evidenceLine(evidence)])]);
    const pass = async (): Promise<string[]> => {
      opened.clock.now += 125_000;
      await opened.ledger.tick();
      return opened.codes();
    };
    expect([await pass(), await pass()]).toEqual([["unsettled"], ["unsettled"]]);
    await opened.ledger.take(lines([final]));
    expect([await pass(), await pass()]).toEqual([
      ["unsettled", "receipt_missing"],
      ["unsettled", "receipt_missing"],
    ]);
    const auditor = new Auditor({ anchors: made.pins.anchors, origin: opened.log.origin });
    const entries = opened.log.decoded().filter((one) => !one.body.toString().includes('"receipt_missing"'));
    for (const [index, entry] of entries.entries()) auditor.take(index, entry);
    auditor.end();
    expect(auditor.undecided.map(({ code }) => code)).toEqual(["receipt_missing"]);
  });

  it("is settled once, as it asked", async () => {
    const by = newSigner("Ed25519");
    const entitlements = [made.world.entitlement("repair", { audit: "receipt" })];
    const bundle = bundleOf({ version: version(), ledgers: [by.jwk], entitlements });
    const settle = async (finals: readonly Json[], isLast = false): Promise<string[]> => {
      const [pending = "", ...settled] = chained(vm, [
        bend(record, { verdict: "pending" }),
        ...finals.map((changes) => resting({ cached: false, settles: 1, ...changes })),
      ]);
      const texts = isLast ? [...settled, pending] : [pending, ...settled];
      const opened = await open(made.pins, now);
      await opened.ledger.take([bundle, ...lines([...texts, evidenceLine(evidence)])]);
      const index = opened.log.decoded().findIndex(({ body }) => body.toString() === pending);
      const claims = { origin: new MemoryLog().origin, index };
      const receipt = JSON.stringify({ receipt: receiptOf(by, pending, made.world.now, { claims }) });
      await opened.ledger.take(lines([receipt]));
      opened.clock.now += 125_000;
      await opened.ledger.tick();
      return opened.codes();
    };
    for (const isLast of [false, true]) {
      expect(await settle([{}], isLast)).toEqual([]);
      expect(await settle([{}, {}], isLast)).toEqual(["settles_wrong"]);
      expect(await settle([{}, { path: "/orders/99" }], isLast)).toEqual(["settles_wrong"]);
      expect(await settle([{ path: "/orders/99" }], isLast)).toEqual(["settles_wrong"]);
      expect(await settle([{ method: "POST" }], isLast)).toEqual(["settles_wrong"]);
      expect(await settle([{ ...none, verdict: "revoked" }], isLast)).toEqual([]);
    }
  });
});

describe("a record that is dated back", () => {
  const at = (seconds: number): Json => ({ ts: new Date(now + seconds * 1000).toISOString() });
  it("is told of, in whatever order its chain comes", async () => {
    const denied = (seconds: number): string =>
      bend(record, { evidence: undefined, verdict: "scope_path", ...at(seconds) });
    const chain = (...all: readonly number[]): string[] => chained(vm, all.map(denied));
    const take = (texts: readonly string[]) => codes([other("bundle", made.bundle), ...lines(texts)]);
    expect(await take(chain(0, 60, -300, 500))).toEqual([]);
    const back = chain(0, 100, -3000, 200);
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [0, 1, 3, 2],
      [2, 3, 1, 0],
    ])
      expect((await take(order.map((i) => back[i] ?? ""))).slice(0, 1)).toEqual(["clock_back"]);
  });

  it("is told of where nothing stands behind it, by what its gateway published before", async () => {
    const first = bend(record, { evidence: undefined, verdict: "scope_path", ...at(0) });
    const opened = await open({ anchors: [] }, now);
    await opened.ledger.take(lines(chained(vm, [first])));
    const heard = async (seq: number): Promise<void> => {
      const vms = [{ vm, seq }];
      const beat = JSON.stringify({ gateway: GATEWAY, at: new Date(opened.clock.now).toISOString(), vms });
      await opened.ledger.take([other("heartbeat", beat)]);
    };
    for (let hour = 0; hour < 5; hour++) {
      opened.clock.now += 3600_000;
      await heard(1);
    }
    const clock = (): Alarm[] => opened.alarms.filter(({ code }) => code === "clock_back");
    // Decided then and on its way for five hours it was not: its gateway had published nothing of it.
    const [, back = "", , late = ""] = chained(vm, [first, bend(first, at(60)), first, bend(first, at(5 * 3600))]);
    await opened.ledger.take(lines([bend(late, { seq: 4 })]));
    expect(clock()).toEqual([]);
    await opened.ledger.take(lines([back]));
    expect(clock()).toMatchObject([
      { seq: 2, says: expect.stringContaining("its gateway published seq 1 as the last") },
    ]);
  });

  it("is no record that its gateway published in time, and that was long on its way", async () => {
    const first = bend(record, { evidence: undefined, verdict: "scope_path", ...at(0) });
    const [one = "", two = "", three = ""] = chained(vm, [first, bend(first, at(60)), bend(first, at(120))]);
    const opened = await open({ anchors: [] }, now);
    await opened.ledger.take(lines([one]));
    for (let minute = 3; minute < 300; minute++) {
      opened.clock.now = now + minute * 60_000;
      const beat = { gateway: GATEWAY, at: new Date(opened.clock.now).toISOString(), vms: [{ vm, seq: 3 }] };
      await opened.ledger.take([other("heartbeat", JSON.stringify(beat))]);
    }
    await opened.ledger.take(lines([two, three]));
    expect(opened.codes()).not.toContain("clock_back");
  });
});
