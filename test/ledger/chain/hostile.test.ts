/** Lines that no gateway wrote: kept, labelled, and never able to break the ledger, to inject an entry or to fill its memory. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { classify } from "../../../control/ledger/chain/lines.js";
import { decodeEntry, MAX_BODY_BYTES } from "../../../control/ledger/entry.js";
import { receivedKinds } from "../../../control/ledger/intake.js";
import { bend, type Chain, GATEWAY, line, open, other, play, sha256 } from "./kit.js";

let made: Chain;
beforeAll(async () => {
  made = await play({ requests: 6 });
});

const whyOf = (text: string | Buffer): string => {
  const read = classify(Buffer.from(text));
  return read.type === "quarantine" ? read.why : read.type;
};

describe("a line", () => {
  it("is quarantined with the reason, whatever is wrong with it", () => {
    const record = made.lines[0] ?? "";
    expect(whyOf(record)).toBe("record");
    const inner = record.slice(1, -1);
    const bad: readonly (readonly [string | Buffer, string])[] = [
      ["", "json"],
      ["null", "unknown"],
      ["[1]", "unknown"],
      ["7", "unknown"],
      ["{}", "unknown"],
      [`${record} x`, "json"],
      [`{${inner},}`, "json"],
      [`{${inner},"seq":2}`, "duplicate_member"],
      [`{${inner},"\\u0073eq":2}`, "duplicate_member"],
      [`{${inner},"x":{"a":1,"a":2}}`, "duplicate_member"],
      [`{${inner},"__proto__":{"seq":5}}`, "member_name"],
      [`{${inner},"\\u005f_proto__":1}`, "member_name"],
      [`{${inner},"x":9007199254740993}`, "number"],
      [`{${inner},"x":1e999}`, "number"],
      [`{${inner},"x":01}`, "json"],
      [`{${inner},"x":NaN}`, "json"],
      [`{${inner},"x":"\\ud800"}`, "utf8"],
      [`{${inner},"x":"\t"}`, "json"],
      [`{${inner},"x":${"[".repeat(50)}${"]".repeat(50)}}`, "depth"],
      [`${"[".repeat(30_000)}${"]".repeat(30_000)}`, "depth"],
      [Buffer.concat([Buffer.from(record), Buffer.from([0xff])]), "utf8"],
      [Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), "json"],
      [bend(record, { seq: 0 }), "record"],
      [bend(record, { seq: 1.5 }), "record"],
      [bend(record, { seq: "1" }), "record"],
      [bend(record, { vm: "x" }), "record"],
      [bend(record, { vm: `${"x".repeat(300)}/1/2` }), "record"],
      [bend(record, { prev: "x" }), "record"],
      [bend(record, { ts: "yesterday" }), "record"],
      [bend(record, { jti: undefined }), "record"],
      [bend(record, { path: "x".repeat(5000) }), "record"],
      [bend(record, { approvers: Array.from({ length: 9 }, () => ({ sub: "a", iat: 1 })) }), "record"],
      ['{"evidence":5}', "evidence"],
      ['{"evidence":"a b"}', "evidence"],
      ['{"evidence":"a","more":1}', "evidence"],
      ['{"receipt":"{}"}', "receipt"],
      ['{"request_id":"","status":200}', "answer"],
      ['{"request_id":"x","status":200,"more":1}', "answer"],
      ["x".repeat(MAX_BODY_BYTES + 1), "too_long"],
      [Buffer.alloc(1_000_000, 0x20), "too_long"],
    ];
    for (const [text, why] of bad) {
      const read = classify(Buffer.from(text));
      expect([String(text).slice(0, 60), read.type, read.type === "quarantine" ? read.why : ""]).toEqual([
        String(text).slice(0, 60),
        "quarantine",
        why,
      ]);
    }
  });

  it("that looks like an entry of the ledger's own is a body behind a head that says what it is", async () => {
    const opened = await open(made.pins, made.now);
    const review =
      '{"ledger":1,"type":"review","received":"2026-11-26T17:20:00.123Z","sender":"ledger","via":"ledger"}\n{"closed":true}';
    const alarm = '{"code":"silence_over","subject":"x","about":[],"says":"all is well"}';
    await opened.ledger.take([
      line(review),
      line(alarm),
      line(`\n${review}`),
      line(Buffer.from(review).subarray(0, 20)),
    ]);
    expect(new Set(opened.log.decoded().map(({ head }) => head.type))).toEqual(new Set(["quarantine", "alarm"]));
    expect(opened.log.decoded()[0]?.body.toString()).toBe(review);
  });

  it("of a megabyte stands in a blob, and comes back known", async () => {
    const opened = await open(made.pins, made.now);
    const long = Buffer.alloc(1_000_000, 0x61);
    const [first] = await opened.ledger.take([line(long)]);
    expect(first).toEqual({ index: 0, isNew: true });
    expect(opened.log.decoded()[0]).toMatchObject({ head: { type: "quarantine", why: "too_long", bytes: 1_000_000 } });
    expect(await opened.ledger.take([line(long)])).toEqual([{ index: 0, isNew: false }]);
    const again = await opened.reopen();
    expect(await again.ledger.take([line(long)])).toEqual([{ index: 0, isNew: false }]);
  });
});

describe("a sender who makes up thousands of things to be told of", () => {
  it("gets few alarms, which say how many there were, and nobody else's are held back", async () => {
    const opened = await open({ ...made.pins, senders: {} }, made.now);
    const template = made.lines[0] ?? "";
    const lies = Array.from({ length: 500 }, (_, i) =>
      bend(template, {
        vm: `gateway-${i}/1700000000000000000/${i}`,
        anchors: sha256(`anchors ${i}`),
        grant_sha256: sha256(`grant ${i}`),
        [`member_${i}`]: 1,
        ts: "2099-01-01T00:00:00.000Z",
        prev: sha256("x"),
      }),
    );
    await opened.ledger.take(lies.map((text) => line(text, "liar")));
    const counts = new Map<string, number>();
    for (const { code } of opened.alarms) counts.set(code, (counts.get(code) ?? 0) + 1);
    for (const [code, count] of counts) expect([code, count <= 65]).toEqual([code, true]);
    await opened.ledger.take([other("bundle", made.bundle), ...made.lines.map((text) => line(text))]);
    expect(opened.alarms.filter(({ code, says }) => code === "first_use" && says.includes("alone"))).toHaveLength(1);
    opened.clock.now += 61_000;
    await opened.ledger.tick();
    const sum = opened.alarms.filter(({ code }) => code === "foreign_sender").at(-1);
    expect(sum).toMatchObject({ subject: "many of liar", count: 500 - 65 });
    const auditor = new Auditor({ ...made.pins, origin: opened.log.origin });
    for (const [index, entry] of opened.log.decoded().entries()) auditor.take(index, entry);
    expect(auditor.end().filter(({ isUntold }) => isUntold)).toEqual([]);
  });
});

describe("what goes on and on", () => {
  it("is told in sums, farther and farther apart, and at once when it comes back after quiet", async () => {
    const opened = await open(made.pins, made.now);
    for (let second = 0; second < 3600; second += 20) {
      await opened.ledger.take([line(`nonsense ${second}`)]);
      await opened.ledger.tick();
      opened.clock.now += 20_000;
    }
    const told = opened.alarms.map(({ at, count }) => [Math.round((at - made.now) / 1000), count]);
    expect(told).toEqual([
      [0, undefined],
      [60, 3],
      [300, 12],
      [1260, 48],
    ]);
    opened.clock.now += 3 * 86_400_000;
    await opened.ledger.tick();
    opened.clock.now += 86_400_000;
    await opened.ledger.take([line("nonsense again")]);
    expect(opened.alarms.at(-1)?.count).toBeUndefined();
  });
});

describe("arbitrary bytes", () => {
  it("never trap, are all kept, and stop nobody's lines", async () => {
    const template = made.lines[0] ?? "";
    const mutated = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 8 })).map(([at, bytes]) => {
      const copy = Buffer.from(template);
      copy.set(bytes.subarray(0, copy.length), at % Math.max(1, copy.length - 8));
      return copy;
    });
    const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text));
    const members = fc
      .dictionary(
        fc.constantFrom(
          "v",
          "vm",
          "seq",
          "prev",
          "evidence",
          "receipt",
          "request_id",
          "status",
          "settles",
          "corrects",
          "bundle",
          "anchors",
        ),
        fc.jsonValue(),
      )
      .map((value) => Buffer.from(JSON.stringify(value)));
    const bent = fc
      .dictionary(
        fc.constantFrom(
          "seq",
          "settles",
          "corrects",
          "verdict",
          "mode",
          "ts",
          "bundle",
          "path_bytes",
          "approvers",
          "request_id",
          "kid",
        ),
        fc.oneof(fc.jsonValue(), fc.maxSafeNat()),
      )
      .map((changes) => Buffer.from(bend(template, changes)));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some)),
      mutated,
      json,
      members,
      bent,
    );
    const received = fc.tuple(fc.constantFrom(...receivedKinds), bytes, fc.constantFrom("a", "b", "gateway-1"));
    await fc.assert(
      fc.asyncProperty(fc.array(received, { maxLength: 30 }), async (all) => {
        const opened = await open(made.pins, made.now);
        const taken = await opened.ledger.take(
          all.map(([kind, some, sender]) => ({ kind, bytes: some, sender: { sender, via: "token" } })),
        );
        for (const [i, { index = -1 }] of taken.entries())
          expect(
            decodeEntry(opened.log.entries[index] ?? Buffer.alloc(0))?.body.equals(all[i]?.[1] ?? Buffer.alloc(0)),
          ).toBe(true);
        opened.clock.now += 1_000_000;
        await opened.ledger.tick();
        const again = await opened.reopen();
        expect(again.ledger.status()).toEqual(opened.ledger.status());
      }),
      { numRuns: 150 },
    );
  });
});

describe("a record that comes as something else", () => {
  it.each(["text", "push", "bundle", "heartbeat"] as const)("as a %s, is labelled, once, and told of", async (kind) => {
    const opened = await open(made.pins, made.now);
    const record = made.lines[0] ?? "";
    await opened.ledger.take([other(kind, record)]);
    await opened.ledger.take(kind === "heartbeat" ? [] : [other(kind, record)]);
    const entries = opened.log.decoded().filter(({ head }) => head.type !== "alarm");
    expect(entries.map(({ head }) => [head.type, head.why])).toEqual([["quarantine", kind]]);
    expect(opened.codes()).toEqual(["quarantined"]);
  });

  it("as a heartbeat that is one too", async () => {
    const opened = await open(made.pins, made.now);
    const both = bend(made.lines[0] ?? "", { gateway: GATEWAY, at: 1, vms: [] });
    await opened.ledger.take([other("heartbeat", both)]);
    expect(opened.log.decoded()[0]?.head).toMatchObject({ type: "quarantine", why: "heartbeat" });
  });
});
