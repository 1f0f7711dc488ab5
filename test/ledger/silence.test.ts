/** What the ledger was silent about shows, whatever alarms stand in the log besides. */
import { describe, expect, it } from "vitest";
import { Auditor } from "../../control/ledger/chain/auditor.js";
import type { Entry, EntryType } from "../../control/ledger/entry.js";

const START = Date.parse("2026-11-26T17:20:00.000Z");
const HOUR = 3_600_000;

const entryAt = (type: EntryType, hours: number, body: string, sender = "ledger"): Entry => ({
  head: {
    ledger: 1,
    type,
    received: new Date(START + hours * HOUR).toISOString(),
    sender,
    via: sender === "ledger" ? "ledger" : "token",
    ...(type === "quarantine" ? { why: "json" } : {}),
  },
  body: Buffer.from(body),
});
const crowd = (hours: number): Entry =>
  entryAt(
    "alarm",
    hours,
    JSON.stringify({ code: "quarantined", subject: "many of liar", about: [], says: "liar sent what is no line" }),
  );

function untold(...entries: readonly Entry[]): readonly (number | undefined)[] {
  const auditor = new Auditor({ anchors: [] });
  for (const [index, entry] of entries.entries()) auditor.take(index, entry);
  return auditor.end().flatMap(({ isUntold, index }) => (isUntold === true ? [index] : []));
}

/** A ledger that goes on, and could have told of what was due. */
const beats = (hours: number): Entry[] =>
  Array.from({ length: 20 }, (_, i) => entryAt("heartbeat", hours + (i + 1) / 120, "{}", "gateway-1"));

describe("an alarm about an entry", () => {
  const nonsense = entryAt("quarantine", 0, "what is no line", "gateway-1");
  const about = (...indices: number[]): Entry =>
    entryAt("alarm", 0, JSON.stringify({ code: "quarantined", subject: "gateway-1", about: indices, says: "x" }));

  it("behind it tells of it", () => {
    expect(untold(nonsense, about(0))).toEqual([]);
    expect(untold(nonsense)).toEqual([0]);
  });

  it("that is not there yet, or that is another, tells of nothing", () => {
    // Longer than anything of the same subject may only be counted.
    expect(untold(about(1, 2), nonsense, ...beats(0))).toEqual([1]);
    expect(untold(entryAt("heartbeat", 0, "{}", "gateway-1"), nonsense, about(0), ...beats(0))).toEqual([1]);
  });
});

describe("an alarm that stands for many of one sender", () => {
  const SOON = 30 / 3600;
  const later = (sender: string, hours: number): Entry => entryAt("quarantine", hours, "not told of", sender);
  const end = (hours: number): Entry => entryAt("heartbeat", hours, "{}", "gateway-1");

  it("covers what comes of him until its sum is due", () => {
    expect(untold(crowd(0), later("liar", SOON), end(2 * SOON))).toEqual([]);
  });

  it("covers nothing of anybody else", () => {
    expect(untold(crowd(0), later("gateway-1", SOON), end(2 * SOON))).toEqual([1]);
  });

  it("does not cover everything of its kind for ever", () => {
    expect(untold(crowd(0), later("liar", SOON), ...beats(SOON))).toEqual([1]);
    expect(untold(crowd(0), later("liar", 1), ...beats(1))).toEqual([1]);
  });

  it("excuses a ledger that was away until it has been back for a while", () => {
    expect(untold(crowd(0), later("liar", SOON), end(25))).toEqual([]);
    expect(untold(crowd(0), later("liar", SOON), end(25), ...beats(25))).toEqual([1]);
  });
});
