/** What the auditor keeps of a long log: little, and never at the price of a finding. */
import { describe, expect, it } from "vitest";
import { recordOf } from "../../../bench/ledger/verify.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { encodeFinding, type Finding } from "../../../control/ledger/chain/finding.js";
import type { Entry, EntryHead } from "../../../control/ledger/entry.js";
import { sha256 } from "./kit.js";

const START = Date.UTC(2026, 0, 1);
const SENDER = "gateway-1";
const entry = (type: EntryHead["type"], body: string | Buffer, second = 0, sender = SENDER): Entry => ({
  head: { ledger: 1, type, received: new Date(START + second * 1000).toISOString(), sender, via: "file" },
  body: Buffer.from(body),
});
const alarm = (finding: Omit<Finding, "says">, second: number): Entry =>
  entry("alarm", encodeFinding({ ...finding, says: "so" }), second, "ledger");

function takeAll(auditor: Auditor, entries: Iterable<Entry>): void {
  let index = 0;
  for (const one of entries) auditor.take(index++, one);
}

const untold = (auditor: Auditor): Finding[] => auditor.end().filter(({ isUntold }) => isUntold === true);

/** So many entries that are no lines of a gateway. */
function* nonsense(count: number, from = 0, every = 1): Generator<Entry> {
  for (let i = from; i < from + count; i++) yield entry("quarantine", `nonsense ${i}`, i * every);
}

describe("the auditor's memory", () => {
  it("holds nothing for what nobody can know who pins nothing", () => {
    const auditor = new Auditor({ anchors: [] });
    let prev = "0".repeat(64);
    const lines = Array.from({ length: 500 }, (_, i) => {
      const line = recordOf(i + 1, prev);
      prev = sha256(line);
      return entry("record", line);
    });
    takeAll(auditor, lines);
    expect(auditor.waiting).toBe(0);
    expect(untold(auditor)).toEqual([]);
  });

  it("lets go of what a sum told of, and of no more", () => {
    const auditor = new Auditor({ anchors: [] });
    const sum = { code: "quarantined", subject: SENDER } as const;
    // The first is told of at once; of the other 299 the sum names 64 and counts all.
    const first = alarm({ ...sum, about: [0] }, 0);
    const about = Array.from({ length: 64 }, (_, i) => i + 2);
    takeAll(auditor, [
      ...nonsense(1),
      first,
      ...nonsense(299, 1),
      // Judged once the next entry is there.
      entry("push", "{}", 300),
      alarm({ ...sum, about, count: 299 }, 301),
      ...nonsense(2, 302),
      entry("push", "{}", 305),
    ]);
    expect(auditor.waiting).toBe(2);
    expect(untold(auditor)).toEqual([]);
  });

  it("takes back what a sum was thought to have told of, where an alarm names it after all", () => {
    const sum = { code: "quarantined", subject: SENDER } as const;
    const named = (isNamed: boolean): number[] => {
      const auditor = new Auditor({ anchors: [] });
      const all = [...nonsense(3), entry("push", "{}", 3), alarm({ ...sum, about: [2], count: 2 }, 4)];
      // A day and more later what is told of the subject no longer counts for what came before.
      const rest = isNamed ? [alarm({ ...sum, about: [0], count: 1 }, 5)] : [];
      takeAll(auditor, [...all, ...rest, entry("push", "{}", 200_000)]);
      return untold(auditor).map(({ index = -1 }) => index);
    };
    expect(named(false)).toEqual([1]);
    expect(named(true)).toEqual([]);
  });

  it("has room for each kind of finding, however many there are of another", () => {
    const auditor = new Auditor({ anchors: [] });
    const [first, second] = [recordOf(1, "0".repeat(64)), recordOf(2, sha256("another"))];
    takeAll(auditor, [
      ...nonsense(100_001, 0, 0),
      entry("record", first),
      entry("record", second),
      entry("push", "{}"),
    ]);
    const codes = new Set(untold(auditor).map(({ code }) => code));
    expect(codes).toEqual(new Set(["quarantined", "chain_break"]));
  });
});
