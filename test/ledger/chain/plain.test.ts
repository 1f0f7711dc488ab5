/** What is read in one step is what the strict reader and the schemas would have made of it, whatever the bytes. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { recordOf } from "../../../bench/ledger/verify.js";
import { classify, readLine, readPlain } from "../../../control/ledger/chain/lines.js";
import { channels, encodeEntry, entryHeadSchema, entryTypes, readHead } from "../../../control/ledger/entry.js";
import { bend, play } from "./kit.js";

const hashOf = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();
const bySchema = (bytes: Buffer): unknown => readLine(bytes, hashOf(bytes));
const plainly = (text: string): unknown => readPlain(Buffer.from(text), hashOf(Buffer.from(text)));

/** The one answer, by both ways. @returns whether the short one was taken */
function agree(bytes: Buffer): boolean {
  const expected = bySchema(bytes);
  expect(classify(bytes)).toEqual(expected);
  const plain = readPlain(bytes, hashOf(bytes));
  if (plain !== undefined) expect(plain).toEqual(expected);
  return plain !== undefined;
}

const ANSWER =
  '{"bytes_received":0,"bytes_sent":12,"details":"via_upstream","duration_ms":3,"request_id":"r","status":200,"time":"t","verdict":"allow"}';
const KID = "k".repeat(43);
let lines: string[];

beforeAll(async () => {
  lines = [
    ...(await play({ requests: 12, workers: 2 })).lines,
    recordOf(1, "0".repeat(64)),
    ANSWER,
    ANSWER.replace("12", "null").replace('"via_upstream"', "null"),
    '{"receipt":"a.b.c"}',
  ];
});

describe("a line just as a gateway writes it", () => {
  it("is read in one step", () => {
    for (const text of lines) expect([text, agree(Buffer.from(text))]).toEqual([text, true]);
  });

  it("is another line where the value is one that only a newer version knows", () => {
    for (const changes of [{ verdict: "newer" }, { mode: "newer" }, { v: 2 }, { more: 1 }])
      agree(Buffer.from(bend(lines[0] ?? "", changes)));
    expect(classify(Buffer.from(bend(lines[0] ?? "", { verdict: "newer" })))).toMatchObject({
      unknown: "verdict newer",
    });
  });
});

describe("the short way and the schema agree", () => {
  it("at both sides of each bound", () => {
    const head = `{"v":1,"vm":"n/1/1","seq":1,"prev":"${"0".repeat(64)}","ts":"2026-01-01T00:00:00.000Z"`;
    const rest = ',"mode":"enforce","verdict":"allow"';
    const of = (more: string): string => `${head}${rest}${more}}`;
    const x = (count: number): string => "x".repeat(count);
    const bounded: readonly (readonly [number, (text: string) => string])[] = [
      [64, (text) => of(`,"kid":"${text}"`)],
      [64, (text) => of(`,"source":"${text}"`)],
      [128, (text) => of(`,"request_id":"${text}"`)],
      [64, (text) => of(`,"drill":"${text}"`)],
      [9000, (text) => `{"evidence":"${text}"}`],
      [2048, (text) => `{"receipt":"${text}"}`],
      [256, (text) => ANSWER.replace('"r"', `"${text}"`)],
      [1024, (text) => ANSWER.replace("via_upstream", text)],
      [32, (text) => ANSWER.replace("200", `"${text}"`)],
      [64, (text) => ANSWER.replace('"t"', `"${text}"`)],
    ];
    for (const [max, made] of bounded) {
      expect([made(""), agree(Buffer.from(made(x(max))))]).toEqual([made(""), true]);
      for (const text of ["", x(max + 1), `${x(max - 1)}\\u0041`, `${x(max - 2)}é`, `${x(max - 1)}\x7f`])
        agree(Buffer.from(made(text)));
    }
    const record = lines[0] ?? "";
    const wide: Readonly<Record<string, number>> = {
      jti: 64,
      sub: 64,
      ent: 64,
      reason: 64,
      incident: 64,
      method: 64,
      host: 255,
      path: 4096,
    };
    for (const [name, max] of Object.entries(wide))
      for (const length of [0, max, max + 1])
        agree(Buffer.from(record.replace(new RegExp(`("${name}":")[^"]*`), `$1${x(length)}`)));
    const approver = '{"sub":"a","iat":1}';
    for (const count of [0, 1, 8, 9])
      agree(
        Buffer.from(record.replace(/"approvers":\[[^\]]*\]/, `"approvers":[${Array(count).fill(approver).join(",")}]`)),
      );
    for (const number of [
      "0",
      "1",
      "01",
      "-1",
      "1.0",
      "1e3",
      "999999999999999",
      "1000000000000000",
      "9007199254740991",
      "9007199254740992",
    ])
      for (const name of ["seq", "bundle", "settles", "corrects"]) {
        agree(Buffer.from(of(`,"${name}":${number}`)));
        agree(Buffer.from(record.replace(new RegExp(`"${name}":[0-9]+`), `"${name}":${number}`)));
      }
    for (const vm of [
      `${x(150)}/1/1`,
      `${x(151)}/1/1`,
      `${x(188)}/1/1`,
      `${x(189)}/1/1`,
      "/1/1",
      "a/b/1/1",
      `/${"1".repeat(21)}/1`,
      "1/1",
    ])
      agree(Buffer.from(record.replace(/("vm":")[^"]*/, `$1${vm}`)));
    for (const twice of [
      `,"kid":"${KID}","kid":"${KID}"`,
      ',"kid":"a","sub":"b"',
      ',"ended":true,"ended":true',
      ',"cached":1',
    ])
      expect(agree(Buffer.from(of(twice)))).toBe(false);
  });

  it("over real lines that were bent, cut and joined, and over arbitrary ones", () => {
    const real = fc.nat().map((at) => lines[at % lines.length] ?? "");
    const byte = fc.tuple(real, fc.nat(), fc.nat(255)).map(([text, at, value]) => {
      const copy = Buffer.from(text);
      copy[at % copy.length] = value;
      return copy;
    });
    const member = fc.tuple(real, real, fc.nat(), fc.nat()).map(([text, other, from, to]) => {
      // A member of one line put between, or in place of, those of another.
      const [mine, theirs] = [text.slice(1, -1).split(/,(?=")/), other.slice(1, -1).split(/,(?=")/)];
      mine.splice(from % mine.length, to % 2, theirs[to % theirs.length] ?? "");
      return Buffer.from(`{${mine.join(",")}}`);
    });
    const inserted = fc
      .tuple(real, fc.nat(), fc.constantFrom(" ", "\\", '"', "\\u0041", "é", "\0", "\n", "}", "0", ","))
      .map(([text, at, more]) =>
        Buffer.from(text.slice(0, at % (text.length + 1)) + more + text.slice(at % (text.length + 1))),
      );
    const cut = fc.tuple(real, fc.nat()).map(([text, at]) => Buffer.from(text.slice(0, at % (text.length + 1))));
    const bent = fc
      .tuple(
        real,
        fc.dictionary(fc.constantFrom("v", "seq", "mode", "ts", "approvers", "path", "kid", "status"), fc.jsonValue(), {
          maxKeys: 2,
        }),
      )
      .map(([text, changes]) => Buffer.from(bend(text, changes)));
    const arbitrary = fc
      .oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.json().map((text) => Buffer.from(text)),
      )
      .map((some) => Buffer.from(some));
    fc.assert(
      fc.property(fc.oneof(byte, member, inserted, cut, bent, arbitrary), (bytes) => void agree(bytes)),
      { numRuns: 1000 },
    );
  });

  it("soon, where nothing matches and much could be tried", () => {
    const hostile = ["/1".repeat(4000), '"'.repeat(9000), '","path":"'.repeat(900), ',"kid":""'.repeat(800)];
    for (const text of hostile)
      for (const line of lines)
        expect(plainly(line.replace('"', `"${text}`).replace("gateway-1", text))).toBeUndefined();
  });
});

describe("the head of an entry", () => {
  const HEAD = {
    ledger: 1,
    type: "record",
    received: "2026-11-26T17:20:00.123Z",
    sender: "eu-1",
    via: "file",
  } as const;
  const byHeadSchema = (line: string): unknown => {
    try {
      return entryHeadSchema.safeParse(JSON.parse(line)).data;
    } catch {
      return undefined; // No JSON, so no head.
    }
  };
  const same = (line: string): void => expect([line, readHead(line)]).toEqual([line, byHeadSchema(line)]);

  it("is what its schema says, for each type, channel and day of a year", () => {
    for (const type of entryTypes) for (const via of channels) same(JSON.stringify({ ...HEAD, type, via }));
    for (const year of ["0000", "2024", "2026", "2100"])
      for (let month = 0; month <= 13; month++)
        for (let day = 0; day <= 32; day++) {
          const date = `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
          same(JSON.stringify({ ...HEAD, received: `${date}T00:00:00.000Z` }));
        }
    for (const time of ["23:59:59.999", "24:00:00.000", "00:60:00.000", "00:00:60.000", "00:00:00", "00:00:00.00"])
      same(JSON.stringify({ ...HEAD, received: `2026-01-01T${time}Z` }));
  });

  it("is what its schema says, whatever stands in it", () => {
    const full = JSON.stringify({
      ...HEAD,
      type: "quarantine",
      why: "too_long",
      sha256: "a".repeat(64),
      bytes: 70_000,
    });
    const base = fc.constantFrom(JSON.stringify(HEAD), full);
    const spliced = fc
      .tuple(base, fc.nat(), fc.nat(3), fc.string({ maxLength: 3 }))
      .map(([line, at, gone, more]) => line.slice(0, at % line.length) + more + line.slice((at % line.length) + gone));
    const changed = fc
      .record(
        {
          sender: fc.oneof(
            fc.string(),
            fc.nat(130).map((n) => "s".repeat(n)),
          ),
          why: fc.string(),
          bytes: fc.oneof(fc.integer(), fc.double()),
          more: fc.nat(),
        },
        { requiredKeys: [] },
      )
      .map((changes) => JSON.stringify({ ...HEAD, ...changes }));
    fc.assert(
      fc.property(fc.oneof(spliced, changed), (line) => void same(line)),
      { numRuns: 1000 },
    );
  });

  it("is written as the schema has it, and refused where it is none", () => {
    const body = Buffer.alloc(0);
    const turned = { via: "file", sender: "eu-1", received: HEAD.received, type: "record", ledger: 1 } as const;
    expect(encodeEntry({ head: turned, body })).toEqual(encodeEntry({ head: HEAD, body }));
    expect(() => encodeEntry({ head: { ...HEAD, sender: "a b" }, body })).toThrow();
    expect(() => encodeEntry({ head: { ...HEAD, received: "2026-02-30T00:00:00.000Z" }, body })).toThrow();
  });
});
