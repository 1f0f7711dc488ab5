/** What all senders share: a flood of one pushes out what it brought itself, and says so; nobody else is unjudged or blamed for it. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { noteAccess } from "../../../control/ledger/chain/access.js";
import { apply } from "../../../control/ledger/chain/apply.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { drop, keep, newShared } from "../../../control/ledger/chain/bounded.js";
import { noteTrust } from "../../../control/ledger/chain/bundles.js";
import { gatewayOf } from "../../../control/ledger/chain/chains.js";
import { noteTime } from "../../../control/ledger/chain/clock.js";
import { noteDenial } from "../../../control/ledger/chain/denials.js";
import { due } from "../../../control/ledger/chain/due.js";
import type { Finding, Step } from "../../../control/ledger/chain/finding.js";
import { dueOfFloods, type Floods, hold, noteTold } from "../../../control/ledger/chain/floods.js";
import { noteGrant } from "../../../control/ledger/chain/grants.js";
import { noteLag } from "../../../control/ledger/chain/lag.js";
import { type AuditRecord, classify } from "../../../control/ledger/chain/lines.js";
import { noteSettling } from "../../../control/ledger/chain/receipts.js";
import { type Pins, type Rules, rulesOf } from "../../../control/ledger/chain/rules.js";
import { openSnapshot, sealSnapshot } from "../../../control/ledger/chain/snapshot.js";
import { newState } from "../../../control/ledger/chain/state.js";
import type { EntryType } from "../../../control/ledger/entry.js";
import { receiptOf } from "../../kit/ledger.js";
import { newSigner } from "../../kit/token.js";
import { bend, type Chain, chained, GATEWAY, line, memberOf, open, playFew, sha256 } from "./kit.js";

const FLOODER = "gateway-2";
const USUAL = new Set(["first_use", "single_key", "late_start"]);
const vm = `${GATEWAY}/1700000000000000000/7`;
const DAY = 86_400;

let made: Chain;
let record = "";
let evidence = "";
beforeAll(async () => {
  ({ made, record, evidence } = await playFew(2));
});

/** The fold of a finished log, entry by entry, by the second. */
class Fold {
  readonly state = newState(Buffer.alloc(32));
  readonly rules: Rules;
  readonly found: Finding[] = [];

  constructor(pins: Partial<Pins> = {}) {
    this.rules = rulesOf({ ...made.pins, origin: "ledger.example/test", ...pins }, {}, { isCounting: false });
  }

  take(type: EntryType, text: string, at = 0, sender = GATEWAY): void {
    const received = new Date(made.now + at * 1000).toISOString();
    const head = { ledger: 1 as const, type, received, sender, via: "file" as const };
    this.found.push(...apply(this.state, this.rules, this.state.size, { head, body: Buffer.from(text) }));
  }

  /** So many records of the flooder, of which only that part of the fold takes note: all of it would take a minute. */
  flood(count: number, note: (record: AuditRecord, step: Step, i: number) => void): void {
    const line = classify(Buffer.from(bend(record, { vm: `${FLOODER}/1700000000000000000/1`, evidence: undefined })));
    if (line.type !== "record") throw new Error("no record");
    for (let i = 0; i < count; i++) {
      const index = this.state.size++;
      const say: Step["say"] = (said) => this.found.push({ ...said, about: said.about ?? [index] });
      note({ ...line.record, seq: i + 1 }, { index, at: made.now, sender: FLOODER, say }, i);
    }
  }

  /** What is wrong, also what time has brought. */
  wrong(at: number): Finding[] {
    const look = { since: 0, now: made.now + at * 1000, patience: 0 };
    return [...this.found, ...due(this.state, this.rules, look).findings].filter(({ code }) => !USUAL.has(code));
  }

  codesOf(sender: string, at: number): string[] {
    const own = this.wrong(at).filter(({ subject, vm: of = "" }) => `${subject} ${of}`.includes(sender));
    return [...new Set(own.map(({ code }) => code))];
  }
}

const hexOf = (i: number): string => i.toString(16).padStart(64, "0");
const FLOOD = 66_000;

describe("a flood of one sender", () => {
  it("of bundle versions hides no other's, and is told of", () => {
    const fold = new Fold();
    const { bundles, rules } = { ...fold.state, rules: fold.rules };
    fold.take("bundle", made.bundle);
    fold.take("record", chained(vm, [bend(record, { bundle: 5001 })])[0] ?? "");
    fold.take("evidence", JSON.stringify({ evidence }));
    fold.flood(5000, (one, step, i) => noteTrust(bundles, rules, one.vm, { ...one, bundle: 6000 + i }, step));
    expect(
      fold
        .wrong(300)
        .filter(({ code }) => code === "bundle_unknown")
        .map(({ subject }) => subject),
    ).toContain("0/5001");
    expect(fold.codesOf(GATEWAY, 1)).toEqual([]);
    expect(fold.codesOf(FLOODER, 1)).toContain("overflow");
  });

  it("of evidence that never comes and of grants leaves no other unjudged, and blames no other", () => {
    const fold = new Fold();
    const { bundles, grants } = fold.state;
    fold.take("bundle", made.bundle);
    const text = `${evidence}.`;
    const cached = bend(record, { evidence: undefined, cached: true });
    const [first = "", resting = "", forged = ""] = chained(vm, [
      record,
      cached,
      bend(record, { evidence: sha256(text) }),
    ]);
    fold.take("record", first);
    fold.take("evidence", JSON.stringify({ evidence }));
    fold.flood(FLOOD, (one, step, i) => {
      const made = { evidence: hexOf(i), grant_sha256: hexOf(i), jti: `j${i}`, sub: `u${i}`, verdict: "scope_path" };
      noteGrant(grants, bundles, fold.rules, one.vm, { ...one, ...made }, step);
    });
    fold.take("record", resting, 1);
    expect(fold.codesOf(GATEWAY, 600)).toEqual([]);
    // Its evidence comes, and does not hold: it is judged all the same.
    fold.take("record", forged, 1);
    expect(fold.codesOf(GATEWAY, 1)).toEqual([]);
    fold.take("evidence", JSON.stringify({ evidence: text }), 1);
    expect(fold.codesOf(GATEWAY, 1)).toEqual(["bad_evidence"]);
    expect(fold.found.filter(({ code, subject }) => code === "first_use" && subject === grantOf(first))).toHaveLength(
      1,
    );
    expect(fold.codesOf(FLOODER, 1)).toEqual(["overflow"]);
  });

  it("of accesses under a version that nobody shows leaves no other unjudged", () => {
    const fold = new Fold();
    const { accesses, bundles } = fold.state;
    fold.take("record", chained(vm, [bend(record, { bundle: 5001, path: "/admin" })])[0] ?? "");
    fold.flood(FLOOD, (one, step) => noteAccess(accesses, bundles, fold.rules, one.vm, { ...one, bundle: 9 }, step));
    fold.take("bundle", made.world.bundle(made.world.bundleClaims({ version: 5001 })));
    expect(fold.found.map(({ says }) => says)).toContain(`seq 1 of ${vm} was allowed, and repair does not open it`);
    expect(fold.codesOf(FLOODER, 1)).toEqual(["overflow"]);
  });

  it("of requests that wait leaves no other's receipt unjudged", () => {
    const fold = new Fold();
    const by = newSigner("Ed25519");
    const claims = { version: memberOf(record, "bundle"), ledgers: [by.jwk] };
    fold.take("bundle", made.world.bundle(made.world.bundleClaims(claims)));
    const pending = bend(record, { verdict: "pending", evidence: undefined });
    const [waited = "", settles = "", another = ""] = chained(vm, [pending, bend(record, { settles: 1 }), pending]);
    for (const one of [waited, settles, another]) fold.take("record", one);
    fold.take("evidence", JSON.stringify({ evidence }));
    fold.flood(FLOOD, (one, step, i) => {
      const hash = Buffer.from(hexOf(i), "hex");
      noteSettling(fold.state.receipts, one.vm, { ...one, verdict: "pending" }, hash, step);
    });
    const receipt = (of: string, index: number): string =>
      JSON.stringify({
        receipt: receiptOf(by, of, made.world.now, { claims: { origin: "ledger.example/test", index } }),
      });
    fold.take("receipt", receipt(waited, 1), 1);
    expect(fold.codesOf(GATEWAY, 1)).toEqual([]);
    fold.take("receipt", receipt(another, 2), 1);
    expect(fold.codesOf(GATEWAY, 1)).toEqual(["receipt_wrong"]);
    expect(fold.codesOf(GATEWAY, 600)).toEqual(["receipt_wrong", "unsettled"]);
    expect(fold.codesOf(FLOODER, 1)).toEqual(["overflow"]);
  });

  it("of copies of a record that waits takes no receipt from it", () => {
    const fold = new Fold({ senders: {} });
    const by = newSigner("Ed25519");
    const claims = { version: memberOf(record, "bundle"), ledgers: [by.jwk] };
    fold.take("bundle", made.world.bundle(made.world.bundleClaims(claims)));
    const pending = bend(record, { verdict: "pending", evidence: undefined });
    const [waited = "", settles = ""] = chained(vm, [pending, bend(record, { settles: 1 })]);
    fold.take("record", waited);
    fold.take("record", waited, 0, FLOODER);
    fold.take("record", settles);
    fold.take("evidence", JSON.stringify({ evidence }));
    const names = { claims: { origin: "ledger.example/test", index: 1 } };
    fold.take("receipt", JSON.stringify({ receipt: receiptOf(by, waited, made.world.now, names) }), 1);
    expect(fold.wrong(600).filter(({ code, about }) => code === "receipt_wrong" || about[0] === 1)).toEqual([]);
  });

  it("of VMs, gateways, places and late records leaves another's clock, silence, denials and lag known", () => {
    const fold = new Fold({ anchors: [] });
    const { chains, clocks, denials, lags } = fold.state;
    const denied = bend(record, { evidence: undefined, verdict: "expired" });
    const beat = { gateway: GATEWAY, at: new Date(made.now).toISOString(), vms: [{ vm, seq: 1 }] };
    fold.take("record", chained(vm, [denied])[0] ?? "");
    fold.take("heartbeat", JSON.stringify(beat));
    const known = () => [
      chains.gateways.all.get(GATEWAY),
      clocks.all.get(vm),
      [...denials.all.keys()].find((key) => key.startsWith("person")),
    ];
    const before = known();
    expect(before).not.toContain(undefined);
    fold.flood(20_000, (one, step, i) => {
      const other = `${FLOODER}-${i}/1700000000000000000/1`;
      noteTime(clocks, other, one, step);
      noteLag(lags, { ...one, vm: other, ts: "2020-01-01T00:00:00.000Z" }, step.sender, step.at);
      noteDenial(
        denials,
        fold.rules,
        { ...one, verdict: "signature", sub: undefined, kid: `k${i}`, source: `s${i}` },
        step,
      );
      gatewayOf(chains, `${FLOODER}-${i}`, step).beatAt = step.at;
    });
    expect(known()).toEqual(before);
    expect([clocks.taken, lags.taken, denials.taken, chains.gateways.taken]).toEqual([16_384, 4096, 16_384, 4096]);
    // Whose heartbeats are followed no more is told of.
    expect(fold.codesOf(FLOODER, 1)).toContain("overflow");
    expect(fold.codesOf(GATEWAY, 1)).toEqual([]);
  });

  it("of alarms forgets none that was only counted", () => {
    const floods: Floods = newShared();
    const finding = (i: number): Finding => ({
      code: "jti_reused",
      subject: `j${i}`,
      about: [i],
      index: i,
      says: `${i}`,
    });
    noteTold(floods, finding(0), FLOODER, 60, 0);
    hold(floods, finding(0));
    noteTold(floods, { ...finding(0), code: "gap" }, GATEWAY, 60, 0);
    hold(floods, { ...finding(0), code: "gap" });
    for (let i = 1; i <= 20_000; i++) noteTold(floods, finding(i), FLOODER, 60, 0);
    expect(floods.taken).toBe(16_384);
    const sums = dueOfFloods(floods, 61_000).map(({ code, subject, count }) => [code, subject, count]);
    expect(sums).toEqual(
      expect.arrayContaining([
        ["gap", "j0", 1],
        ["jti_reused", `many of ${FLOODER}`, 1],
      ]),
    );
    expect(sums).toHaveLength(2);
  });

  it("of ended VMs forgets no missing record without a word", () => {
    const fold = new Fold();
    const [a = "", , c = ""] = chained(vm, [record, record, record]);
    fold.take("record", a);
    fold.take("record", c);
    const others = Array.from({ length: 300 }, (_, i) => `${FLOODER}/1700000000000000000/${i}`);
    for (const one of others) fold.take("record", bend(record, { vm: one, seq: 2 }), 0, FLOODER);
    const end = (of: string): string =>
      JSON.stringify({ vm: of, seq: 2, head: "", records: 1, missing: [], why: "idle" });
    for (const one of [vm, ...others]) fold.take("end", end(one), 31 * DAY, "ledger");
    expect(fold.state.chains.vms.has(vm)).toBe(true);
    const look = { since: 0, now: made.now + 31 * DAY * 1000 };
    const missing = [...fold.found, ...due(fold.state, fold.rules, look).findings].filter(({ ranges }) => ranges);
    expect(new Set(missing.map((one) => one.vm))).toEqual(new Set([vm, ...others]));
  });
});

describe("the running ledger", () => {
  it("tells of what is missing of a VM before it is forgotten, and a restart knows it", async () => {
    const opened = await open(made.pins, made.now);
    const vms = Array.from({ length: 300 }, (_, i) => `${GATEWAY}/1700000000000000000/${i + 10}`);
    await opened.ledger.take(vms.map((one) => line(bend(record, { vm: one, seq: 2 }))));
    opened.clock.now += 31 * DAY * 1000;
    // As late as that: whoever is catching up has nothing called missing yet.
    await opened.ledger.take([line(chained(vm, [record])[0] ?? "")]);
    await opened.ledger.tick();
    const { vms: left } = opened.ledger.status();
    const of = (all: typeof left): string[] => all.map((one) => one.vm);
    const gone = vms.filter((one) => !of(left).includes(one));
    expect(gone.length).toBeGreaterThan(0);
    const told = opened.alarms.filter(({ ranges }) => ranges).map((one) => one.vm);
    expect(told).toEqual(gone);
    // The rest is told of when nobody is catching up any more.
    opened.clock.now += 300_000;
    await opened.ledger.tick();
    const auditor = new Auditor({ ...made.pins, origin: opened.log.origin });
    for (const [index, entry] of opened.log.decoded().entries()) auditor.take(index, entry);
    expect(auditor.end().filter(({ isUntold, ranges }) => isUntold && ranges)).toEqual([]);
    const again = await opened.reopen();
    expect(of(again.ledger.status().vms)).toEqual(of(left));
    expect(again.ledger.status().alarms).toEqual(opened.ledger.status().alarms);
  });
});

describe("what waits", () => {
  it("is known by a snapshot as it was", () => {
    const fold = new Fold();
    fold.take("bundle", made.bundle);
    const forged = bend(record, { approvers: [{ sub: "bob", iat: 1 }] });
    fold.take("record", chained(vm, [forged])[0] ?? "");
    const again = openSnapshot(sealSnapshot(fold.state, fold.rules, Buffer.alloc(32)), fold.rules)?.state;
    if (again === undefined) throw new Error("no snapshot");
    Object.assign(fold.state, again);
    fold.take("evidence", JSON.stringify({ evidence }));
    expect(fold.codesOf(GATEWAY, 1)).toEqual(["bad_evidence"]);
    const { records, byKey } = fold.state.grants.byEvidence;
    expect([records.taken, records.all.size, records.owners.size, records.rooms.size, byKey.size]).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });
});

describe("a map that all share", () => {
  it("keeps what is in anybody's room, and makes room in the fullest", () => {
    const step = fc.tuple(fc.constantFrom("keep", "drop"), fc.nat(4), fc.nat(30));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (steps, max) => {
        const shared = newShared<number, number>();
        const rooms = new Map<string, number[]>();
        for (const [what, who, key] of steps) {
          const owner = `sender ${who}`;
          if (what === "drop") {
            drop(shared, key);
            for (const [name, keys] of rooms) rooms.set(name, without(keys, key));
          } else {
            rooms.set(owner, [...without(rooms.get(owner) ?? [], key), key]);
            const before = [...rooms.values()].map(({ length }) => length);
            const isFull = before.reduce((sum, length) => sum + length, 0) > max;
            const forgotten = keep(shared, owner, key, key, max);
            const sizes = [...rooms].map(([name, keys]) => keys.length - (shared.rooms.get(name)?.size ?? 0));
            // One goes at most, and from a room than which none was fuller.
            expect(sizes.filter((lost) => lost > 0)).toEqual(isFull ? [1] : []);
            const at = sizes.indexOf(1);
            if (at >= 0) expect(before[at]).toBe(Math.max(...before));
            const [name, keys] = [...rooms][at] ?? ["", []];
            const lost = keys.shift();
            const isGone = lost !== undefined && ![...rooms.values()].flat().includes(lost);
            expect(forgotten).toEqual(isGone ? { key: lost, value: lost, owner: name } : undefined);
          }
          const all = [...rooms.values()].flat();
          expect(shared.taken).toBe(all.length);
          expect(new Set(shared.all.keys())).toEqual(new Set(all));
          expect(new Set(shared.owners.keys())).toEqual(new Set(all));
        }
      }),
    );
  });
});

const without = (keys: readonly number[], key: number): number[] => keys.filter((one) => one !== key);
const grantOf = (text: string): string => String(memberOf(text, "grant_sha256"));
