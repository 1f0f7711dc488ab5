/** What happens every day, and is nobody's fault: nobody is woken for it. Beside each stands what he would be woken for. */
import { beforeAll, describe, expect, it } from "vitest";
import { apply } from "../../../control/ledger/chain/apply.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { carry } from "../../../control/ledger/chain/carry.js";
import { anchorsHash, type Pins, rulesOf } from "../../../control/ledger/chain/rules.js";
import { newState } from "../../../control/ledger/chain/state.js";
import { encodeEntry } from "../../../control/ledger/entry.js";
import type { Received } from "../../../control/ledger/intake.js";
import { encodeOpening, shardHead } from "../../../control/ledger/shard.js";
import { compact } from "../../kit/token.js";
import {
  anchorsOf,
  bend,
  type Chain,
  chained,
  GATEWAY,
  heartbeatOf,
  line,
  memberOf,
  type Opened,
  open,
  other,
  playFew,
  sha256,
} from "./kit.js";

let made: Chain;
let now: number;
let pins: Pins;
/** The first acceptance of a grant with two approvals, and its evidence. */
let record: string;
let evidence: string;

beforeAll(async () => {
  ({ made, now, record, evidence } = await playFew());
  pins = { ...made.pins, gateways: [GATEWAY], senders: { [GATEWAY]: [] } };
});

const lines = (texts: readonly string[]): Received[] => texts.map((text) => line(text));
const beat = (texts: readonly string[] = []): Received => other("heartbeat", heartbeatOf(texts, 1));
const pass = async ({ clock, ledger }: Opened, seconds: number): Promise<void> => {
  clock.now += seconds * 1000;
  await ledger.tick();
};
/** Time passes, and the gateway goes on publishing. */
const wait = async (opened: Opened, seconds: number, heartbeat = beat()): Promise<void> => {
  for (let passed = 0; passed < seconds; passed += 10) {
    opened.clock.now += 10_000;
    await opened.ledger.take([heartbeat]);
    await opened.ledger.tick();
  }
};
const untold = (opened: Opened): string[] => {
  const auditor = new Auditor({ anchors: pins.anchors, origin: opened.log.origin });
  for (const [index, entry] of opened.log.decoded().entries()) auditor.take(index, entry);
  return auditor.end().flatMap(({ isUntold, says }) => (isUntold === true ? [says] : []));
};
/** Records that need nothing else, as one chain. */
const denied = (vm: string, count: number, ts = now): string[] =>
  chained(
    vm,
    Array.from({ length: count }, () =>
      bend(record, {
        ...{ verdict: "expired", mode: "shadow", evidence: undefined, bundle: undefined },
        anchors: anchorsHash(anchorsOf(made.world), "shadow"),
        ts: new Date(ts).toISOString(),
      }),
    ),
  );

describe("a ledger that was down for an hour", () => {
  /** Everything that may be under way when it goes down: records behind a heartbeat, evidence, a bundle, an answer's record. */
  const goesDown = async (): Promise<Opened> => {
    const opened = await open(pins, now);
    await opened.ledger.take([beat(made.lines), ...lines(made.lines.slice(0, 1))]);
    await opened.ledger.take(lines([JSON.stringify({ request_id: "request-5", status: 200 })]));
    opened.clock.now += 3_600_000;
    return opened.reopen();
  };

  it("waits for what was under way, and says nothing of what comes then", async () => {
    const opened = await goesDown();
    await opened.ledger.tick();
    await pass(opened, 100);
    expect(opened.codes()).toEqual([]);
    await opened.ledger.take([other("bundle", made.bundle), ...lines(made.lines), beat(made.lines)]);
    await wait(opened, 600, beat(made.lines));
    expect(opened.codes()).toEqual([]);
    expect(untold(opened)).toEqual([]);
  });

  it("tells of what does not come", async () => {
    const opened = await goesDown();
    await pass(opened, 121);
    expect(opened.codes()).toEqual(expect.arrayContaining(["gap", "evidence_missing", "answer_without_record"]));
    await pass(opened, 60);
    expect(opened.codes()).toContain("silence");
  });
});

describe("a machine that slept, or a clock that was set", () => {
  const start = async (): Promise<{ opened: Opened; steady: { now: number } }> => {
    const steady = { now: 5 };
    const opened = await open(pins, now, { steady: () => steady.now });
    await opened.ledger.take([beat(made.lines)]);
    await opened.ledger.tick();
    return { opened, steady };
  };

  it("blames no gateway for the time in which nobody looked", async () => {
    for (const slept of [0, 1_200_000]) {
      const { opened, steady } = await start();
      steady.now += slept;
      await pass(opened, 1200);
      await pass(opened, 2);
      expect(opened.codes()).toEqual([]);
      for (let seconds = 0; seconds < 200; seconds += 2) {
        steady.now += 2000;
        await pass(opened, 2);
      }
      expect(opened.codes()).toEqual(["missing_vm", "silence"]);
    }
  });

  it("goes on looking after a clock was set back", async () => {
    const { opened, steady } = await start();
    await pass(opened, -7200);
    for (let seconds = 0; seconds < 200; seconds += 2) {
      steady.now += 2000;
      await pass(opened, 2);
    }
    expect(opened.codes()).toEqual(["missing_vm", "silence"]);
  });
});

describe("a backlog", () => {
  const vm = `${GATEWAY}/1700000000000000000/7`;
  /** An hour old, and all of it published; the first of it came, and an answer whose record is somewhere in it. */
  const start = async (): Promise<{ opened: Opened; old: string[]; ahead: Received }> => {
    const old = denied(vm, 80, now - 3_600_000);
    const ahead = beat(old);
    const opened = await open(pins, now);
    await opened.ledger.take([ahead, ...lines(old.slice(0, 1))]);
    await opened.ledger.take(lines([JSON.stringify({ request_id: "nobody", status: 200 })]));
    return { opened, old, ahead };
  };
  /** A minute passes with each of these. */
  const send = async (opened: Opened, texts: readonly string[], ahead: Received): Promise<void> => {
    for (const text of texts) {
      await opened.ledger.take([line(text), ahead]);
      await pass(opened, 60);
    }
  };

  it("that is being read is no gap, however far the heartbeat is ahead of it", async () => {
    const { opened, old, ahead } = await start();
    await send(opened, old.slice(1, 15), ahead);
    expect(opened.codes()).toEqual([]);
    await wait(opened, 130, ahead);
    expect(opened.codes()).toEqual(expect.arrayContaining(["gap", "answer_without_record"]));
  });

  it("is a gap after an hour, also where somebody goes on sending old records", async () => {
    const { opened, old, ahead } = await start();
    await send(opened, old.slice(1, 60), ahead);
    expect(opened.codes()).toEqual([]);
    await send(opened, old.slice(60, 64), ahead);
    expect(opened.codes()).toContain("gap");
    expect(untold(opened)).toEqual([]);
  });
});

describe("a gateway", () => {
  it("whose clock is 20 minutes ahead is not behind a bundle that was just pushed", async () => {
    const version = (number: number) => made.world.bundle(made.world.bundleClaims({ version: number }));
    const opened = await open(pins, now);
    await opened.ledger.take([other("bundle", version(7)), other("bundle", version(8))]);
    const decided = (ts: number) =>
      chained(`${GATEWAY}/1/1`, [
        bend(record, { bundle: 7, evidence: undefined, verdict: "expired", ts: new Date(ts).toISOString() }),
      ]);
    await opened.ledger.take(lines(decided(now + 1_200_000)));
    expect(opened.codes()).toEqual(["future"]);
  });

  it("that publishes no heartbeats may be quiet for weeks, or be one of many of its name", async () => {
    const texts = denied(`${GATEWAY}/1700000000000000000/7`, 3);
    const quiet = await open({ ...pins, gateways: [] }, now);
    await quiet.ledger.take(lines(texts.slice(0, 1)));
    await pass(quiet, 31 * 86_400);
    const replaced = await open({ ...pins, gateways: [] }, now);
    await replaced.ledger.take(lines([...texts.slice(0, 1), ...denied(`${GATEWAY}/1700000001000000000/7`, 1)]));
    await pass(replaced, 901);
    for (const opened of [quiet, replaced]) {
      const over = () => opened.ledger.status().vms.map(({ isOver }) => isOver);
      expect(over()[0]).toBe(true);
      await opened.ledger.take(lines(texts.slice(1, 2)));
      expect(over()[0]).toBe(false);
      expect(opened.codes()).toEqual([]);
      await opened.ledger.take(lines([bend(texts[2] ?? "", { prev: sha256("x") })]));
      expect(opened.codes()).toEqual(["chain_break"]);
      expect(untold(opened)).toEqual([]);
    }
  });

  it("that was taken out of the configuration is missed by nobody", async () => {
    const opened = await open(pins, now);
    await opened.ledger.take([beat()]);
    opened.clock.now += 60_000;
    const without = await opened.reopen({ pins: { ...pins, gateways: [], senders: { another: [] } } });
    await pass(without, 600);
    expect(without.codes()).toEqual([]);
    expect(without.ledger.status().gateways).toEqual([]);
    const served = await opened.reopen({ pins: { ...pins, gateways: [], senders: { another: [GATEWAY] } } });
    await pass(served, 600);
    expect(served.codes()).toEqual(["silence"]);
  });

  it("in shadow denies nobody anything", async () => {
    const opened = await open(pins, now);
    await opened.ledger.take(lines(denied(`${GATEWAY}/1/1`, 50)));
    expect(opened.codes()).toEqual([]);
  });
});

describe("a new shard", () => {
  /** A request waited when the shard before was sealed; its record comes with the others, or was there before. */
  const settled = async (origin: string, isCarried = true): Promise<string[]> => {
    const { world } = made;
    const key = world.crowd[8] ?? world.stranger;
    const bundle = world.bundle(world.bundleClaims({ version: memberOf(record, "bundle"), ledgers: [key.jwk] }));
    const [pending = "", final = ""] = chained(`${GATEWAY}/1700000000000000000/7`, [
      bend(record, { verdict: "pending" }),
      bend(record, { evidence: undefined, settles: 1 }),
    ]);
    const before = newState(Buffer.alloc(32));
    const head = {
      ledger: 1,
      type: "record",
      received: new Date(now).toISOString(),
      sender: GATEWAY,
      via: "file",
    } as const;
    if (isCarried) apply(before, rulesOf(pins), 0, { head, body: Buffer.from(pending) });
    const opened = await open(pins, now);
    const predecessor = { origin: "ledger.example/before", vkey: "v", checkpoint: "c" };
    const body = encodeOpening({ predecessor, carried: carry(before) });
    opened.log.entries.push(encodeEntry({ head: shardHead(now), body }));
    const next = await opened.reopen();
    const claims = { origin, index: 4711, record_sha256: sha256(pending), iat: Math.floor(now / 1000) };
    const receipt = compact({ alg: key.alg, kid: key.kid, typ: "bg-receipt+jws" }, claims, key);
    await next.ledger.take([
      other("bundle", bundle),
      ...lines([pending, JSON.stringify({ evidence }), final, JSON.stringify({ receipt })]),
    ]);
    await wait(next, 130);
    return next.codes();
  };

  it("takes the receipts that its predecessor gave to requests which were under way, and nobody else's", async () => {
    expect(await settled("ledger.example/before")).toEqual([]);
    expect(await settled("ledger.example/other")).toContain("receipt_wrong");
  });

  it("takes no receipt of its predecessor's for a request of its own", async () => {
    expect(await settled("ledger.example/before", false)).toEqual(["receipt_wrong", "receipt_missing"]);
  });

  it("misses the evidence that its predecessor waited for", async () => {
    const state = newState(Buffer.alloc(32));
    const received = new Date(now).toISOString();
    const head = { ledger: 1, type: "record", received, sender: GATEWAY, via: "file" } as const;
    apply(state, rulesOf(pins), 0, { head, body: Buffer.from(record) });
    const predecessor = { origin: "ledger.example/before", vkey: "v", checkpoint: "c" };
    const body = encodeOpening({ predecessor, carried: carry(state) });
    for (const comes of [true, false]) {
      const opened = await open(pins, now);
      opened.log.entries.push(encodeEntry({ head: shardHead(now), body }));
      const next = await opened.reopen();
      await next.ledger.take([other("bundle", made.bundle)]);
      if (comes) await next.ledger.take(lines([JSON.stringify({ evidence })]));
      await wait(next, 130);
      expect(next.codes()).toEqual(comes ? [] : ["evidence_missing"]);
    }
  });

  it("knows whose record was dated back over the seam", async () => {
    const [first = "", back = ""] = chained(`${GATEWAY}/1700000000000000000/7`, [
      record,
      bend(record, { evidence: undefined, cached: true, ts: new Date(now - 3_600_000).toISOString() }),
    ]);
    const opened = await open(pins, now);
    await opened.ledger.take([other("bundle", made.bundle), ...lines([first, JSON.stringify({ evidence })])]);
    const predecessor = { origin: "ledger.example/before", vkey: "v", checkpoint: "c" };
    const state = newState(Buffer.alloc(32));
    for (const [index, entry] of opened.log.decoded().entries()) apply(state, rulesOf(pins), index, entry);
    const log = await open(pins, now);
    log.log.entries.push(
      encodeEntry({ head: shardHead(now), body: encodeOpening({ predecessor, carried: carry(state) }) }),
    );
    const next = await log.reopen();
    await next.ledger.take(lines([back]));
    expect(next.codes()).toContain("clock_back");
  });
});

describe("what is remembered no more", () => {
  it("is no fork for `verify` when a stream that was open for long says its line again", async () => {
    const vm = `${GATEWAY}/1700000000000000000/7`;
    const numbered = (seq: number): string => bend(denied(vm, 1)[0] ?? "", { seq, prev: sha256(String(seq)) });
    const opened = await open(pins, now);
    await opened.ledger.take(lines([numbered(1), numbered(65_000), numbered(130_000)]));
    await pass(opened, 130);
    await opened.ledger.take(lines([numbered(1)]));
    expect(opened.codes()).toContain("late");
    expect(untold(opened)).toEqual([]);
  });

  it("is no missing evidence, where it came and its bundle is not known yet", async () => {
    const opened = await open({ ...pins, senders: { [GATEWAY]: [] } }, now);
    await opened.ledger.take([other("bundle", made.world.bundle(made.world.bundleClaims({ version: 1 })))]);
    await opened.ledger.take(lines([record, JSON.stringify({ evidence })]));
    await opened.ledger.take(Array.from({ length: 2100 }, (_, i) => line(JSON.stringify({ evidence: `${i}x~y` }))));
    await pass(opened, 130);
    expect(opened.codes()).toContain("bundle_unknown");
    expect(opened.codes()).not.toContain("evidence_missing");
  });
});
