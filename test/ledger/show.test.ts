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

describe("what the ledger looked up, or was sent beside the records", () => {
  const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const jws = (claims: unknown): string => `${segment({ alg: "Ed25519", kid: "k".repeat(43) })}.${segment(claims)}.sig`;
  const shown = (type: EntryHead["type"], body: string): string =>
    showEntry({ index: 7, bytes: Buffer.from(body), head: { ...head, type }, body: Buffer.from(body) });
  const vms = [
    { vm: "gateway-1/1/1", seq: 3, head: "0".repeat(12) },
    { vm: "gateway-1/1/2", seq: 1, head: "0".repeat(12) },
  ];
  const successor = { origin: "ledger.example/12", vkey: "k" };
  const receipt = jws({ origin: "ledger.example/11", index: 4, record_sha256: "ab".repeat(32), iat: 1 });
  const said: readonly (readonly [EntryHead["type"], string, string])[] = [
    ["heartbeat", JSON.stringify({ gateway: "gateway-1", at: "t", vms }), "2 VMs of gateway-1, last seq 3"],
    ["heartbeat", JSON.stringify({ gateway: "gateway-1", at: "t", vms: [] }), "0 VMs of gateway-1"],
    ["bundle", `${jws({ version: 2, aud: ["x", "y"] })}~${jws({})}`, "bundle version 2 of audience x, y"],
    ["text", jws({ version: 5 }), `revocations version 5, signed by key ${"k".repeat(12)}...`],
    [
      "push",
      JSON.stringify({ gateway: "gateway-1", generation: 9, bundle: 2, texts: { rita: 5 }, anchors: "0" }),
      "gateway-1 serves bundle version 2, and 1 text of revocations (generation 9)",
    ],
    ["push", JSON.stringify({ gateway: "gateway-1", bundle: 0 }), "gateway-1 serves no bundle"],
    ["receipt", JSON.stringify({ receipt }), "for entry 4 of ledger.example/11, record abababababab..."],
    ["shard", JSON.stringify({ next: successor }), "sealed: goes on as ledger.example/12"],
    [
      "shard",
      JSON.stringify({ predecessor: { ...successor, checkpoint: "c" }, carried: {} }),
      "goes on from ledger.example/12",
    ],
    [
      "end",
      JSON.stringify({ vm: "gateway-1/1/1", seq: 3, why: "not named" }),
      "gateway-1/1/1 is over, last seq 3 (not named)",
    ],
  ];

  it("is a sentence each", () => {
    for (const [type, body, words] of said)
      expect(
        shown(type, body)
          .split(`  ${type.padEnd(10)}  `)
          .at(-1),
      ).toBe(words);
  });

  it("is shown as it is where it says something else, in one line of ink", () => {
    const bodies = [
      "",
      "~",
      "..",
      "a.b.c",
      "{}",
      "[]",
      "null",
      JSON.stringify({ gateway: "g", vms: [null, 1, { seq: "3" }] }),
    ];
    const odd = [...hostile, ...hostile.map((value) => ({ gateway: value, vms: value, receipt: value, vm: value }))];
    for (const [type] of said)
      for (const body of [...bodies, ...odd.map((value) => JSON.stringify(value)), ...odd.map(jws)])
        expect(shown(type, body)).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u);
  });
});
