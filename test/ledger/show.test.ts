/** An entry as a line for people, whatever somebody who holds the log's key wrote into it. */
import { describe, expect, it } from "vitest";
import { toApiActivity } from "../../control/ledger/audit/ocsf.js";
import { showEntry } from "../../control/ledger/audit/show.js";
import type { EntryHead } from "../../control/ledger/entry.js";

const head: EntryHead = {
  ledger: 1,
  type: "record",
  received: "2026-11-26T17:20:00.123Z",
  sender: "eu-1",
  via: "file",
};
const hostile: readonly unknown[] = [
  { toString: 1, valueOf: 1 },
  { toString: null },
  [[[]]],
  { sub: { toString: 1, valueOf: 1 } },
  { sub: ["bob"] },
  { sub: null },
  "\u202e\u001b[31mbob\r",
  12.5,
  null,
];

describe("an entry of a log that lies", () => {
  it("is shown in one line of ink whatever its members are", () => {
    for (const value of hostile)
      for (const name of ["approvers", "sub", "verdict", "ts", "corrects", "ended", "reason", "source"])
        for (const wrapped of [value, [value]]) {
          const body = JSON.stringify({ v: 1, verdict: "allow", [name]: wrapped });
          const shown = showEntry({ index: 0, bytes: Buffer.from(body), head, body: Buffer.from(body) });
          expect(shown).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u);
          expect(() =>
            JSON.stringify(toApiActivity(JSON.parse(body), { index: 0, head, sha256: "", origin: "log" })),
          ).not.toThrow();
        }
  });

  it("names as approvers only those whom it names by text", () => {
    const body = JSON.stringify({
      approvers: [{ sub: "anna" }, { sub: { toString: 1 } }, { sub: ["bob"] }, "bob", null],
    });
    const shown = showEntry({ index: 0, bytes: Buffer.from(body), head, body: Buffer.from(body) });
    expect(shown).toContain("approved by anna, ?, ?, ?, ?");
  });
});
