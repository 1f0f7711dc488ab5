/** At the end of a log whatever may be wrong is a finding, or is said to be undecided: nothing is passed over. */
import { beforeAll, describe, expect, it } from "vitest";
import { apply } from "../../../control/ledger/chain/apply.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { carry } from "../../../control/ledger/chain/carry.js";
import { encodeFinding, type Finding } from "../../../control/ledger/chain/finding.js";
import { type Pins, rulesOf } from "../../../control/ledger/chain/rules.js";
import { newState } from "../../../control/ledger/chain/state.js";
import type { Entry, EntryType } from "../../../control/ledger/entry.js";
import { encodeOpening } from "../../../control/ledger/shard.js";
import { bend, type Chain, chained, GATEWAY, playFew, sha256 } from "./kit.js";

let made: Chain;
let record: string;
let evidence: string;
let denied: string;
beforeAll(async () => {
  ({ made, record, evidence } = await playFew(2));
  denied = bend(record, { evidence: undefined, verdict: "scope_path" });
});

const VM = `${GATEWAY}/1700000000000000000/7`;
const DAY = 86_400;

const at = (seconds: number, body: string, type: EntryType = "record", sender = GATEWAY): Entry => ({
  head: { ledger: 1, type, received: new Date(made.now + seconds * 1000).toISOString(), sender, via: "file" },
  body: Buffer.from(body),
});
const text = (seconds: number, of: string): Entry => at(seconds, JSON.stringify({ evidence: of }), "evidence");
const bundle = (): Entry => at(0, made.bundle, "bundle");
const beat = (seconds: number): Entry => at(seconds, "{}", "push");
const beats = (from: number, to: number, every = 60): Entry[] =>
  Array.from({ length: Math.ceil((to - from) / every) }, (_, i) => beat(from + i * every));
const alarm = (seconds: number, finding: Omit<Finding, "says">): Entry =>
  at(seconds, encodeFinding({ ...finding, says: "so" }).toString(), "alarm", "ledger");
/** As of then, by its gateway's clock too. */
const now = (seconds: number, line: string, late = 0): string =>
  bend(line, { ts: new Date(made.now + (seconds - late) * 1000).toISOString() });

const USUAL = new Set(["first_use", "single_key", "late_start", "clock_back"]);

function audit(entries: readonly Entry[], pins: Pins = made.pins) {
  const auditor = new Auditor(pins);
  for (const [index, entry] of entries.entries()) auditor.take(index, entry);
  const silent = auditor.end().filter(({ isUntold, code }) => isUntold === true && !USUAL.has(code));
  return {
    silent: silent.map(({ code }) => code),
    undecided: auditor.undecided.map(({ code }) => code).filter((code) => !USUAL.has(code)),
    open: auditor.open.map(({ from, to }) => [from, to]),
  };
}

const bob = { approvers: [{ sub: "bob", iat: 1 }] };

describe("what was still waited for when the log ends", () => {
  it("is undecided, whatever it is", () => {
    const [a = "", b = "", c = ""] = chained(VM, [bend(record, bob), denied, denied]);
    expect(audit([bundle(), at(0, a), at(1, c)])).toEqual({
      ...{ silent: [], undecided: ["evidence_missing"], open: [[2, 2]] },
    });
    expect(audit([at(0, a), text(1, evidence), at(2, b)]).undecided).toEqual(["bundle_unknown"]);
    expect(audit([text(0, evidence)]).undecided).toEqual(["evidence_without_record"]);
    const orphan = JSON.stringify({ request_id: "r", status: 200, time: new Date(made.now).toISOString() });
    expect(audit([at(0, orphan, "answer")]).undecided).toEqual(["answer_without_record"]);
    const [pending = ""] = chained(VM, [bend(record, { verdict: "pending", evidence: undefined })]);
    expect(audit([bundle(), at(0, pending)]).undecided).toEqual(["unsettled"]);
    const [settling = ""] = chained(VM, [bend(denied, { seq: 2, settles: 1 })]);
    expect(audit([bundle(), at(0, bend(settling, { seq: 2 }))]).undecided).toEqual(["settles_wrong"]);
  });

  it("is undecided as long as its gateway catches up, and no longer than an hour", () => {
    const [a = "", , c = ""] = chained(VM, [record, denied, denied]);
    const missing = [bundle(), at(0, a), at(0, c)];
    const late = (seconds: number) => at(seconds, chained(`${VM}${seconds}`, [now(seconds, denied, 130)])[0] ?? "");
    expect(audit([...missing, ...beats(1, 300), late(300)]).silent).toContain("gap");
    const soon = audit([...missing, ...beats(1, 200), late(200), ...beats(201, 300), late(301)]);
    expect(soon.silent).toEqual([]);
    expect(soon).toMatchObject({ undecided: ["evidence_missing"], open: [[2, 2]] });
    const sparse = Array.from({ length: 20 }, (_, i) => beat(200 + i * DAY));
    expect(audit([...missing, ...sparse, late(21 * DAY)])).toMatchObject({
      ...{ silent: expect.arrayContaining(["gap", "evidence_missing"]), undecided: [], open: [] },
    });
  });

  it("is found in the midst of a log, though a late record comes every two minutes", () => {
    const [a = "", , c = "", ...more] = chained(VM, [record, ...Array.from({ length: 60 }, () => denied)]);
    const lates = more.map((line, i) => at(i * 120.5, now(i * 120.5, line, 130)));
    expect(audit([bundle(), at(0, a), text(0, evidence), at(0, c), ...lates]).silent).toContain("gap");
  });
});

describe("an alarm", () => {
  const one = (): Entry => at(4000, chained(VM, [bend(record, bob)])[0] ?? "");
  const bad = (): Entry[] => [one(), text(4000, evidence)];
  const subject = { code: "bad_evidence", subject: VM } as const;
  const many = { code: "bad_evidence", subject: `many of ${GATEWAY}` } as const;

  it("excuses nothing that comes when its pause is over, whatever it counts", () => {
    const earlier = [bundle(), ...beats(1, 30)];
    for (const finding of [
      { ...subject, about: [0] },
      { ...many, about: [0] },
      { ...subject, about: [0], count: 1e15 },
      { ...many, about: [0], count: 1e15 },
      { ...many, about: [], count: 1000 },
    ])
      expect(audit([...earlier, alarm(40, finding), ...beats(41, 3990), ...bad(), ...beats(4001, 5000)])).toMatchObject(
        {
          ...{ silent: ["bad_evidence"], undecided: [] },
        },
      );
  });

  it("excuses what comes within its pause until that is over", () => {
    const before = [bundle(), ...beats(1, 3990)];
    for (const finding of [subject, many]) {
      const told = [...before, alarm(3999, { ...finding, about: [0] }), ...bad()];
      expect(audit(told)).toMatchObject({ silent: [], undecided: ["bad_evidence"] });
      expect(audit([...told, ...beats(4001, 4400)]).silent).toEqual(["bad_evidence"]);
    }
    // Everybody of another sender.
    const others = alarm(3999, { code: "bad_evidence", subject: "many of gateway-2", about: [0] });
    expect(audit([...before, others, ...bad()]).silent).toEqual(["bad_evidence"]);
  });

  it("names the holes of now, and none that is yet to come", () => {
    const [a = "", , c = "", , e = ""] = chained(VM, [denied, denied, denied, denied, denied]);
    const wide = alarm(130, { code: "gap", subject: VM, vm: VM, about: [0], ranges: [[1, 100_000]] });
    const first = [at(0, a), at(0, c), ...beats(1, 130), wide];
    expect(audit([...first, ...beats(131, 600)], { anchors: [] })).toEqual({ silent: [], undecided: [], open: [] });
    expect(audit([...first, at(140, e), ...beats(141, 600)], { anchors: [] }).silent).toEqual(["gap"]);
  });

  it("that a VM's records are missing names them also once some have come", () => {
    const texts = chained(VM, [denied, denied, denied, denied]);
    const vms = [{ vm: VM, seq: 4 }];
    const heart = at(0, JSON.stringify({ gateway: GATEWAY, at: 1, vms }), "heartbeat");
    const told = alarm(125, { code: "missing_vm", subject: VM, vm: VM, about: [0], ranges: [[1, 4]] });
    const some = texts.flatMap((line, i) => (i === 1 ? [] : [at(130, line)]));
    const ends = [...beats(131, 900), at(901, JSON.stringify({ gateway: GATEWAY, at: 2, vms }), "heartbeat")];
    const { silent, open } = audit([heart, ...beats(1, 125), told, ...some, ...ends], { anchors: [] });
    expect([silent.filter((code) => !/^(?:gap_filled|silence)/.test(code)), open]).toEqual([[], []]);
  });
});

describe("a clock that was ahead", () => {
  it("accuses nobody, and time goes on from where it is right again", () => {
    const [a = "", b = "", , d = ""] = chained(VM, [denied, denied, denied, denied]);
    const ahead = [at(0, a), beat(365 * DAY), at(10, b), at(11, d)];
    expect(audit([...ahead, beat(20)], { anchors: [] })).toEqual({ silent: [], undecided: [], open: [[3, 3]] });
    expect(audit([...ahead, ...beats(20, 600)], { anchors: [] }).silent).toEqual(["gap"]);
  });
});

describe("a shard that has just been opened", () => {
  it("is not accused of what was open in the one before: its grace begins anew", () => {
    const [a = "", , c = ""] = chained(VM, [denied, denied, denied]);
    const state = newState(Buffer.alloc(32));
    const rules = rulesOf({ anchors: [] }, { gap: 5 });
    for (const [index, entry] of [at(0, a), at(0, c)].entries()) apply(state, rules, index, entry);
    const predecessor = { origin: "old", vkey: "old+00000000+AA==", checkpoint: "of then" };
    const opening = at(3600, encodeOpening({ predecessor, carried: carry(state) }).toString(), "shard", "ledger");
    const ended = (entries: readonly Entry[]) => {
      const auditor = new Auditor({ anchors: [] }, { gap: 5 });
      for (const [index, entry] of [opening, ...entries].entries()) auditor.take(index, entry);
      const silent = auditor.end().filter(({ isUntold, code }) => isUntold === true && !USUAL.has(code));
      return [silent.map(({ code }) => code), auditor.open.map(({ from, to }) => [from, to])];
    };
    expect(ended([])).toEqual([[], [[2, 2]]]);
    expect(ended([beat(3660)])).toEqual([[], [[2, 2]]]);
    expect(ended([beat(3660), beat(3700), beat(3800)])).toEqual([["gap"], []]);
  });
});

describe("an end", () => {
  it("has the last seq of its chain and the head, or the ledger said what is not so", () => {
    const [a = "", b = ""] = chained(VM, [denied, denied]);
    const said = (seq: number, head: string, more: object = {}, second = b) => {
      const end = { vm: VM, seq, head, records: 2, missing: [], why: "idle", ...more };
      const auditor = new Auditor({ anchors: [] });
      const entries = [at(0, a), at(0, second), at(31 * DAY, JSON.stringify(end), "end", "ledger"), beat(31 * DAY)];
      for (const [index, entry] of entries.entries()) auditor.take(index, entry);
      auditor.end();
      return auditor.faults.map(({ index }) => index);
    };
    expect([said(2, sha256(b)), said(1, sha256(a)), said(2, sha256(a)), said(0, "")]).toEqual([[], [2], [2], [2]]);
    // How many came, and which did not.
    const [, , , d = ""] = chained(VM, [denied, denied, denied, denied]);
    const of = (more: object) => said(4, sha256(d), more, d);
    expect([of({ missing: [[2, 3]] }), of({ records: 3, missing: [[2, 3]] }), of({ records: 1 })]).toEqual([
      [],
      [2],
      [2],
    ]);
    expect([of({}), of({ missing: [[2, 2]] }), of({ missing: [[1, 3]] })]).toEqual([[2], [2], [2]]);
    expect(
      of({
        missing: [
          [2, 3],
          [5, 6],
        ],
      }),
    ).toEqual([2]);
  });
});
