/** Each entry is judged as of when it came: alarms that were raised later, and stand behind it, make nothing of it late. */
import { describe, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import type { Finding } from "../../../control/ledger/chain/finding.js";
import type { Entry, EntryType } from "../../../control/ledger/entry.js";
import { ChainedVm } from "../whole.js";

const START = Date.now();
const VM = "gateway-1/1767225000123456789/1";

const entryAt = (type: EntryType, seconds: number, body: string, sender = "gateway-1"): Entry => ({
  head: { ledger: 1, type, received: new Date(START + seconds * 1000).toISOString(), sender, via: "file" },
  body: Buffer.from(body),
});
const alarmAt = (seconds: number): Entry =>
  entryAt("alarm", seconds, JSON.stringify({ code: "silence", subject: "gateway-2", about: [], says: "x" }), "ledger");

/** What was found untold: code and seqs. */
function untold(entries: readonly Entry[]): readonly unknown[] {
  const auditor = new Auditor({ anchors: [] });
  for (const [index, entry] of entries.entries()) auditor.take(index, entry);
  return auditor
    .end()
    .flatMap(({ isUntold, code, ranges }: Finding & { isUntold?: true }) =>
      isUntold === true ? [[code, ranges]] : [],
    );
}

/** Four records; the last but one comes at the end, at `filled` seconds, and an alarm about another matter behind it. */
function hole(filled: number, alarm: number): Entry[] {
  const chain = new ChainedVm(VM);
  const [a = "", b = "", c = "", d = ""] = [1, 2, 3, 4].map(() => chain.next());
  const record = (seconds: number, text: string) => entryAt("record", seconds, text);
  const beats = Array.from({ length: Math.floor(filled / 60) }, (_, i) => entryAt("quarantine", 60 * (i + 1), `${i}`));
  const told = beats.map((_, i) =>
    entryAt(
      "alarm",
      60 * (i + 1),
      JSON.stringify({ code: "quarantined", subject: "gateway-1", about: [3 + 2 * i], says: "x" }),
    ),
  );
  const between = beats.flatMap((beat, i) => [beat, told[i] ?? beat]);
  return [
    record(0, a),
    record(0, b),
    record(0, d),
    ...between,
    record(filled, c),
    alarmAt(alarm),
    record(alarm + 1, chain.next()),
  ];
}

describe("a hole", () => {
  it("that the entry before an alarm fills is none, however late the alarm", () => {
    for (const [filled, alarm] of [
      [0, 49],
      [119, 130],
      [119, 300],
      [230, 290],
      [230, 260],
    ] as const)
      expect(untold(hole(filled, alarm)), `filled at ${filled} s, the alarm at ${alarm} s`).toEqual([]);
  });

  it("that is filled after twice the grace was one to be told of", () => {
    expect(untold(hole(300, 310))).toContainEqual(["gap", [[3, 3]]]);
  });
});
