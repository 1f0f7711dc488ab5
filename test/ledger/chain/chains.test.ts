/** Chains of records that the release filter made: in any order the same, and whatever is dropped, edited or swapped is named. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { apply } from "../../../control/ledger/chain/apply.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import type { Alarm } from "../../../control/ledger/chain/finding.js";
import { alarmsFrom, openLedger } from "../../../control/ledger/chain/ledger.js";
import type { Pins } from "../../../control/ledger/chain/rules.js";
import { rulesOf } from "../../../control/ledger/chain/rules.js";
import { newState, type State } from "../../../control/ledger/chain/state.js";
import type { Received } from "../../../control/ledger/intake.js";
import { openFilesLog } from "../../../control/ledger/log/files.js";
import { madeLog } from "../log/made.js";
import {
  bend,
  type Chain,
  chained,
  GATEWAY,
  heartbeatOf,
  isRecord,
  line,
  memberOf,
  type Opened,
  open,
  other,
  play,
  sha256,
} from "./kit.js";

let one: Chain;
let two: Chain;
let pins: Pins;
let now: number;
/** Everything that came from both gateways. */
let all: Received[];

beforeAll(async () => {
  one = await play({ requests: 24, workers: 2 });
  two = await play({ requests: 8, nodeId: "gateway-2", world: one.world, claims: one.world.bundleClaims() });
  ({ pins, now } = one);
  all = [
    ...[...new Set(one.lines)].map((text) => line(text)),
    ...[...new Set(two.lines)].map((text) => line(text, "gateway-2")),
    other("bundle", one.bundle),
    other("bundle", two.bundle, "gateway-2"),
    other("heartbeat", heartbeatOf(one.lines, now)),
    other("heartbeat", heartbeatOf(two.lines, now, "gateway-2"), "gateway-2"),
  ];
});

const heads = ({ ledger }: Opened): Record<string, string> =>
  Object.fromEntries(ledger.status().vms.map(({ vm, seq, head }) => [vm, `${seq} ${head}`]));
const stateOf = ({ ledger }: Opened): State => {
  const state: State = Reflect.get(ledger, "state");
  return state;
};

/** Takes it all in, and lets all graces pass. Heartbeats go on. */
async function takeAll(received: readonly Received[], at = now): Promise<Opened> {
  const opened = await open(pins, at);
  await opened.ledger.take(received);
  opened.clock.now += 130_000;
  await opened.ledger.take(received.filter(({ kind }) => kind === "heartbeat"));
  await opened.ledger.tick();
  return opened;
}

describe("lines of several VMs", () => {
  it("give the same chains in any order, however often and in whatever batches they come, and no alarm", async () => {
    const expected = heads(await takeAll(all));
    expect(Object.keys(expected)).toHaveLength(3);
    const order = fc.shuffledSubarray([...all.keys(), ...all.keys()], { minLength: all.length * 2 });
    await fc.assert(
      fc.asyncProperty(order, fc.integer({ min: 1, max: 20 }), async (indices, size) => {
        const opened = await open(pins, now);
        for (let i = 0; i < indices.length; i += size) {
          await opened.ledger.take(indices.slice(i, i + size).flatMap((index) => all[index] ?? []));
          opened.clock.now += 500;
          await opened.ledger.tick();
        }
        opened.clock.now += 130_000;
        await opened.ledger.take(all.filter(({ kind }) => kind === "heartbeat"));
        await opened.ledger.tick();
        expect(opened.codes()).toEqual([]);
        expect(heads(opened)).toEqual(expected);
        expect(opened.ledger.status()).toMatchObject({ openGaps: 0, waiting: 0 });
      }),
      { numRuns: 15 },
    );
  });

  it("that come again are not entered, and hear where they are", async () => {
    const { ledger, log } = await takeAll(all);
    const size = log.size;
    const again = await ledger.take(all.filter(({ kind }) => kind === "line"));
    expect(again.some(({ isNew }) => isNew)).toBe(false);
    for (const [i, { index = -1 }] of again.entries())
      expect(log.decoded()[index]?.body.equals(all[i]?.bytes ?? Buffer.alloc(0))).toBe(true);
    expect(log.size).toBe(size);
  });

  it("are named when one of them is missing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(all.length - 1), async (at) => {
        const gone = all[at];
        if (gone === undefined || gone.kind !== "line") return;
        const { alarms } = await takeAll(all.filter((_, i) => i !== at));
        const text = gone.bytes.toString();
        if (isRecord(text)) {
          const found = alarms.find(({ code }) => ["gap", "late_start", "missing_vm"].includes(code));
          const seq = memberOf(text, "seq");
          expect(found).toMatchObject({ vm: memberOf(text, "vm"), ranges: [[seq, seq]] });
        } else expect(alarms.map(({ code }) => code)).toContain("evidence_missing");
      }),
      { numRuns: 20 },
    );
  });

  it("are named when one of them is edited, whatever byte it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(all.length - 1), fc.nat(), fc.integer({ min: 1, max: 127 }), async (at, place, bit) => {
        const victim = all[at];
        if (victim === undefined || victim.kind !== "line") return;
        const bytes = Buffer.from(victim.bytes);
        const i = place % bytes.length;
        bytes[i] = (bytes[i] ?? 0) ^ bit;
        const edited = all.map((received, index) => (index === at ? { ...received, bytes } : received));
        expect((await takeAll(edited)).codes()).not.toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it("are named when two of them have changed places in the chain", async () => {
    const [a = "", b = ""] = one.lines
      .filter((text) => isRecord(text) && memberOf(text, "vm") === memberOf(one.lines[0] ?? "", "vm"))
      .slice(3, 5);
    const swap = new Map([
      [a, bend(a, { seq: memberOf(b, "seq") })],
      [b, bend(b, { seq: memberOf(a, "seq") })],
    ]);
    const swapped = all.map((received) => ({
      ...received,
      bytes: Buffer.from(swap.get(received.bytes.toString()) ?? received.bytes),
    }));
    expect((await takeAll(swapped)).codes()).toContain("chain_break");
  });
});

describe("the state", () => {
  it("is the same after a replay of the entries, and from a snapshot and the rest", async () => {
    const spoilt = all.filter((_, i) => i % 7 !== 3);
    let kept: Buffer | undefined;
    const snapshots = {
      read: async () => kept,
      write: async (bytes: Buffer) => {
        kept = bytes;
      },
    };
    const first = await open(pins, now, { snapshots });
    await first.ledger.take(spoilt.slice(0, 20));
    first.clock.now += 200_000;
    await first.ledger.tick();
    await first.ledger.close();
    const second = await first.reopen();
    const readFrom: number[] = [];
    const entries = (from: number, to: number) => {
      readFrom.push(from);
      return first.log.reader(from, to);
    };
    const third = await second.reopen({ entries });
    // From the snapshot on: the entry before it is looked at, and nothing else.
    expect(Math.min(...readFrom)).toBe(first.log.size - 1);
    await third.ledger.take(spoilt.slice(20));
    third.clock.now += 200_000;
    await third.ledger.tick();
    // Whoever was not told before a restart reads them from the log.
    const again: Alarm[] = [];
    for await (const alarm of alarmsFrom(third.log.reader, 0, third.log.size)) again.push(alarm);
    expect(again).toEqual([...first.alarms, ...third.alarms]);
    const live = stateOf(third);
    const replayed = newState(live.salt);
    const rules = rulesOf({ origin: third.log.origin, ...pins });
    for (const [index, entry] of third.log.decoded().entries()) apply(replayed, rules, index, entry);
    expect(replayed).toEqual(live);
    expect(live.types.get("alarm")).toBeGreaterThan(3);
  });

  it("is kept now and then, and where that would hold others up, at the end and at the next start alone", async () => {
    const kept: Buffer[] = [];
    const snapshots = { read: async () => kept.at(-1), write: async (bytes: Buffer) => void kept.push(bytes) };
    const first = await open(pins, now, { snapshots, snapshotEvery: 10 });
    const take = async ({ ledger }: Opened, count: number) => {
      for (let i = 0; i < count; i++) await ledger.take([line(`nonsense ${first.log.size}`)]);
    };
    await take(first, 25);
    expect(kept.length).toBe(2);
    for (let i = 0; i < 200_000; i++) stateOf(first).codes.set(`code ${i}`, 1);
    await take(first, 25);
    expect(kept.length).toBe(2);
    // It ended without a word: what the next one had to read is kept, before anybody waits for it.
    const second = await first.reopen();
    expect(kept.length).toBe(3);
    await (await second.reopen()).ledger.close();
    expect(kept.length).toBe(3);
    await first.ledger.close();
    expect(kept.length).toBe(4);
  });

  it("is read anew where the snapshot is cut, of other rules or of another log", async () => {
    const first = await open(pins, now);
    await first.ledger.take(all);
    let kept: Buffer | undefined;
    const write = async (bytes: Buffer) => {
      kept = bytes;
    };
    const saved = await first.reopen({ snapshots: { read: async () => kept, write } });
    await saved.ledger.take([line("nonsense")]);
    await saved.ledger.close();
    const expected = (await first.reopen()).ledger.status();
    for (const bytes of [
      kept?.subarray(0, 1000),
      Buffer.alloc(10),
      kept === undefined ? undefined : Buffer.concat([kept, Buffer.from("x")]),
    ]) {
      const opened = await first.reopen({ snapshots: { read: async () => bytes, write } });
      expect(opened.ledger.status()).toEqual(expected);
    }
    const readFrom: number[] = [];
    const entries = (from: number, to: number) => {
      readFrom.push(from);
      return first.log.reader(from, to);
    };
    await first.reopen({ grace: { gap: 5 }, entries, snapshots: { read: async () => kept, write } });
    expect(readFrom).toEqual([0]);
    const other = await open(pins, now, { snapshots: { read: async () => kept, write } });
    expect(other.ledger.status().size).toBe(0);
  });

  it("is over after an append that failed: every caller hears it, and the log is as it was", async () => {
    const opened = await open(pins, now);
    await opened.ledger.take(all.slice(0, 5));
    opened.log.isBroken = true;
    const calls = [opened.ledger.take(all.slice(5, 8)), opened.ledger.take(all.slice(8, 9))];
    for (const call of calls) await expect(call).rejects.toThrow("disk is full");
    opened.log.isBroken = false;
    await expect(opened.ledger.take(all.slice(5, 6))).rejects.toThrow("disk is full");
    await expect(opened.ledger.tick()).rejects.toThrow("disk is full");
    const again = await opened.reopen();
    expect((await again.ledger.take(all)).filter(({ isNew }) => !isNew)).toHaveLength(5);
  });
});

describe("commits", () => {
  it("hold many callers' lines together, and no more than a log takes at once", async () => {
    const opened = await open(pins, now, { steady: () => 0 });
    const sizes: number[] = [];
    const { log } = opened;
    const append = log.append.bind(log);
    log.append = (entries) => {
      sizes.push(entries.length);
      return append(entries);
    };
    const some = (name: string, count: number) => Array.from({ length: count }, (_, i) => line(`${name} ${i}`));
    const first = opened.ledger.take(some("a", 1));
    const calls = [first, ...["b", "c", "d"].map((name) => opened.ledger.take(some(name, 10)))];
    const large = opened.ledger.take(some("e", 4200));
    await Promise.all(calls);
    expect(sizes.length).toBeLessThanOrEqual(2);
    expect((await large).map(({ index }) => index)).toEqual(Array.from({ length: 4200 }, (_, i) => 32 + i));
    expect(Math.max(...sizes)).toBeLessThan(4096);
    expect(sizes.length).toBeLessThanOrEqual(5);
  });
});

describe("a ledger on a log in a folder", () => {
  it("goes on where it was, and enters nothing twice", async () => {
    const made = madeLog();
    const alarms: string[] = [];
    const start = async () => {
      const log = await openFilesLog(made);
      const onAlarm = ({ code }: { code: string }): void => void alarms.push(code);
      return { log, ledger: await openLedger({ log, pins, clock: () => now, onAlarm }) };
    };
    const first = await start();
    const calls = [all.slice(0, 7), all.slice(7, 30), all.slice(5)].map((some) => first.ledger.take(some));
    const taken = (await Promise.all(calls)).flat();
    expect(taken.filter(({ isNew }) => isNew)).toHaveLength(all.length);
    const { size } = first.log;
    await first.ledger.close();
    await first.log.close();
    const second = await start();
    expect((await second.ledger.take(all)).filter(({ isNew }) => isNew)).toHaveLength(2); // heartbeats
    expect(second.log.size).toBe(size + 2);
    expect(new Set(alarms)).toEqual(new Set(["first_use", "single_key"]));
    await second.log.close();
  });
});

describe("one chain", () => {
  const from = (texts: readonly string[]): string[] => chained(`${GATEWAY}/1700000000000000000/7`, texts);
  const records = (): string[] =>
    one.lines.filter((text) => isRecord(text) && memberOf(text, "evidence") === undefined);
  const take = async (texts: readonly string[], seconds = 0): Promise<Opened> => {
    const opened = await open({ anchors: [] }, now);
    await opened.ledger.take(texts.map((text) => line(text)));
    opened.clock.now += seconds * 1000;
    await opened.ledger.tick();
    return opened;
  };
  const codesOf = ({ alarms }: Opened): string[] =>
    alarms.map(({ code }) => code).filter((code) => !["first_use", "single_key", "anchors"].includes(code));

  it("with two records of one seq is a fork: both are kept, and told of once", async () => {
    const texts = from(records().slice(0, 5));
    const fork = bend(texts[2] ?? "", { path: "/orders/elsewhere" });
    const { log, alarms, ledger } = await take([...texts, fork, fork, ...texts]);
    const found = alarms.filter(({ code }) => code === "fork");
    expect(found).toHaveLength(1);
    const [later = 0, earlier = 0] = found[0]?.about ?? [];
    expect(log.decoded()[later]?.body.toString()).toBe(fork);
    expect(log.decoded()[earlier]?.body.toString()).toBe(texts[2]);
    expect((await ledger.take([line(fork)]))[0]).toEqual({ index: later, isNew: false });
  });

  it("names both neighbours where prev is not the hash of the one before, whichever came first", async () => {
    const texts = from(records().slice(0, 5));
    texts[2] = bend(texts[2] ?? "", { path: "/orders/8" });
    for (const order of [texts, [...texts].reverse()]) {
      const opened = await take(order);
      const found = opened.alarms.find(({ code }) => code === "chain_break");
      const named = found?.about.map((index) => opened.log.decoded()[index]?.body.toString());
      expect(named?.toSorted()).toEqual([texts[2], texts[3]].toSorted());
    }
    expect(codesOf(await take([bend(texts[0] ?? "", { prev: sha256("x") })]))).toEqual(["chain_break"]);
  });

  it("has a gap when the grace is over and not before, and says when it is filled", async () => {
    const texts = from(records().slice(0, 8));
    const opened = await take([...texts.slice(0, 2), ...texts.slice(6)], 119);
    expect(codesOf(opened)).toEqual([]);
    opened.clock.now += 2000;
    await opened.ledger.tick();
    await opened.ledger.tick();
    expect(opened.alarms.filter(({ code }) => code === "gap")).toMatchObject([{ ranges: [[3, 6]] }]);
    await opened.ledger.take(texts.slice(2, 6).map((text) => line(text)));
    const filled = opened.alarms.filter(({ code }) => code === "gap_filled");
    expect(filled).toHaveLength(1);
    opened.clock.now += 61_000;
    await opened.ledger.tick();
    expect(opened.alarms.at(-1)).toMatchObject({ code: "gap_filled", count: 3 });
    expect(opened.ledger.status().openGaps).toBe(0);
  });

  it("does not follow a seq that jumps, and goes on after it", async () => {
    const texts = from(records().slice(0, 4));
    const far = bend(texts[3] ?? "", { seq: Number.MAX_SAFE_INTEGER - 1 });
    const opened = await take([...texts.slice(0, 3), far, far, ...texts.slice(3)]);
    expect(codesOf(opened)).toEqual(["seq_jump"]);
    expect(opened.ledger.status().vms[0]).toMatchObject({ seq: 4, missing: [] });
  });

  it("tells of a record from the future, of a newer format, and keeps both", async () => {
    const [a = "", b = "", c = ""] = records();
    const texts = from([a, bend(b, { ts: "2099-01-01T00:00:00.000Z" }), bend(c, { colour: "red" })]);
    const opened = await take(texts);
    expect(codesOf(opened)).toEqual(["future", "record_unknown_member", "clock_back"]);
    expect(opened.log.decoded().filter(({ head }) => head.type === "record")).toHaveLength(3);
    expect(opened.ledger.status().vms[0]).toMatchObject({ records: 3 });
  });

  it("remembers 65,536 records and no more: an older one is late, and named by its seq", async () => {
    const [template = ""] = records();
    const opened = await open({ anchors: [] }, now);
    const vm = `${GATEWAY}/1700000000000000000/7`;
    const numbered = (seq: number): string => bend(template, { vm, seq, prev: sha256(String(seq)) });
    await opened.ledger.take([line(numbered(1)), line(numbered(65_000)), line(numbered(130_000))]);
    await opened.ledger.take([line(numbered(2))]);
    expect(opened.alarms.filter(({ code }) => code === "late")).toEqual([]);
    opened.clock.now += 130_000;
    await opened.ledger.tick();
    const before = opened.log.size;
    await opened.ledger.take([line(numbered(1))]);
    expect(opened.log.size).toBe(before + 2);
    expect(opened.alarms.at(-1)).toMatchObject({ code: "late", seq: 1 });
  });
});

describe("senders", () => {
  it("who speak for another's gateway have a chain of their own, and cannot disturb his", async () => {
    const knowing: Pins = { ...pins, senders: { [GATEWAY]: [], liar: ["elsewhere"] } };
    const forged = one.lines.filter(isRecord).map((text) => bend(text, { path: "/orders/forged" }));
    for (const order of [0, 1]) {
      const opened = await open(knowing, now);
      const lies = forged.map((text) => line(text, "liar"));
      const truth = all.filter(({ sender }) => sender.sender === GATEWAY);
      await opened.ledger.take(order === 0 ? [...lies, ...truth] : [...truth, ...lies]);
      await opened.ledger.take([other("heartbeat", heartbeatOf(forged, now), "liar")]);
      await opened.ledger.tick();
      const chainsOf = (isRightful: boolean) => opened.ledger.status().vms.filter((vm) => vm.isRightful === isRightful);
      expect(chainsOf(true).map(({ head }) => head)).toEqual(
        (await takeAll(all)).ledger
          .status()
          .vms.slice(0, 2)
          .map(({ head }) => head),
      );
      expect(chainsOf(false)).toHaveLength(2);
      const blamed = opened.alarms.filter(({ code }) => ["fork", "chain_break", "head_mismatch"].includes(code));
      for (const { subject } of blamed) expect(subject).toContain("liar");
      expect(opened.codes()).toContain("foreign_sender");
    }
  });

  it("with more VMs than are followed get an alarm, and their records are kept", async () => {
    const [template = ""] = one.lines;
    const opened = await open({ anchors: [] }, now);
    const lines = Array.from({ length: 1025 }, (_, i) =>
      line(bend(template, { vm: `${GATEWAY}/1700000000000000000/${i}` })),
    );
    const taken = await opened.ledger.take(lines);
    expect(taken.every(({ isNew }) => isNew)).toBe(true);
    expect(opened.codes()).toContain("overflow");
    expect((await opened.ledger.take(lines)).some(({ isNew }) => isNew)).toBe(false);
  });
});

describe("the auditor", () => {
  const audit = (opened: Opened, keep: (index: number) => boolean = () => true) => {
    const auditor = new Auditor({ origin: opened.log.origin, ...pins });
    const found = opened.log.decoded().flatMap((entry, index) => (keep(index) ? auditor.take(index, entry) : []));
    const end = auditor.end();
    const isUntold = (finding: (typeof end)[number]): boolean => finding.isUntold === true;
    const late = end.filter((finding) => !isUntold(finding));
    return { found: [...found, ...late].map(({ code }) => code), silent: end.filter(isUntold) };
  };
  const spoilt = (): Received[] => {
    const records = all.filter(({ bytes }) => isRecord(bytes.toString()));
    const [edited, fork, gone] = [records[2], records[5], records[9]];
    return all.flatMap((received) => {
      if (received === gone) return [];
      if (received === edited)
        return [{ ...received, bytes: Buffer.from(bend(received.bytes.toString(), { path: "/x" })) }];
      return received === fork
        ? [received, { ...received, bytes: Buffer.from(bend(received.bytes.toString(), { path: "/y" })) }]
        : [received];
    });
  };

  it("finds the same from the entries alone, and nothing that the ledger was silent about", async () => {
    const clean = await takeAll(all);
    expect(audit(clean).found.filter((code) => !["first_use", "single_key"].includes(code))).toEqual([]);
    expect(audit(clean).silent).toEqual([]);
    const opened = await takeAll(spoilt());
    opened.clock.now += 300_000;
    await opened.ledger.take(all.filter(({ kind }) => kind === "heartbeat"));
    await opened.ledger.tick();
    const told = new Set(opened.alarms.map(({ code }) => code));
    expect([...told]).toEqual(expect.arrayContaining(["fork", "chain_break", "gap"]));
    const { found, silent } = audit(opened);
    expect(new Set(found)).toEqual(told);
    expect(silent).toEqual([]);
  });

  it("knows a liar by the log's own alarms, where nobody tells it who speaks for whom", async () => {
    const opened = await open({ ...pins, senders: {} }, now);
    const lies = one.lines.filter(isRecord).map((text) => line(bend(text, { path: "/orders/forged" }), "liar"));
    await opened.ledger.take([...lies.slice(0, 9), ...all, ...lies.slice(9)]);
    opened.clock.now += 130_000;
    await opened.ledger.take(all.filter(({ kind }) => kind === "heartbeat"));
    await opened.ledger.tick();
    opened.clock.now += 70_000;
    await opened.ledger.tick();
    expect(audit(opened).silent).toEqual([]);
    expect(audit(opened).found).not.toContain("fork");
  });

  it("names each alarm that the ledger did not raise", async () => {
    const opened = await takeAll(spoilt());
    opened.clock.now += 300_000;
    await opened.ledger.take(all.filter(({ kind }) => kind === "heartbeat"));
    await opened.ledger.tick();
    for (const code of ["fork", "chain_break", "gap"] as const) {
      const hidden = new Set(opened.alarms.filter((alarm) => alarm.code === code).map(({ entry }) => entry));
      const { silent } = audit(opened, (index) => !hidden.has(index));
      expect(silent.map((finding) => finding.code)).toContain(code);
    }
  });
});
