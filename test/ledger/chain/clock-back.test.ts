/** The ledger's clock is wrong for a minute, and is set right: alarms go on, and whoever verifies the log sees nothing amiss. */
import { beforeAll, describe, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { decodeFinding } from "../../../control/ledger/chain/finding.js";
import type { Pins } from "../../../control/ledger/chain/rules.js";
import type { Entry } from "../../../control/ledger/entry.js";
import type { Received } from "../../../control/ledger/intake.js";
import { bend, type Chain, chained, GATEWAY, line, type Opened, open, other, play } from "./kit.js";

const HOUR = 3600;
const FAR = [HOUR, 365 * 24 * HOUR] as const;
const JUMPS = [...FAR, 200, 20] as const;
const VM = `${GATEWAY}/1700000000000000000/7`;

let made: Chain;
let denied: string;
let pins: Pins;
beforeAll(async () => {
  made = await play({ requests: 5 });
  denied = bend(made.lines[0] ?? "", { evidence: undefined, verdict: "scope_path" });
  pins = { ...made.pins, gateways: [GATEWAY], senders: { [GATEWAY]: [] } };
});

/** A ledger whose clock can be wrong, and what really passes. */
class Days {
  real = 0;
  ahead = 0;
  count = 0;
  private constructor(readonly opened: Opened) {}

  static async begin(on = pins): Promise<Days> {
    const self: { days?: Days } = {};
    const opened = await open(on, made.now, { steady: () => self.days?.real ?? 0 });
    self.days = new Days(opened);
    return self.days;
  }

  get ledger() {
    return this.opened.ledger;
  }

  /** Seconds, looked at every so many; what `each` makes is taken each time. */
  async pass(seconds: number, each: () => readonly Received[] = () => [this.beat()], every = 10): Promise<void> {
    for (let i = 0; i < seconds; i += every) {
      this.real += every * 1000;
      this.opened.clock.now = made.now + this.real + this.ahead * 1000;
      const lines = each();
      if (lines.length > 0) await this.ledger.take(lines);
      await this.ledger.tick();
    }
  }

  /** Its clock steps: it is so many seconds ahead of what is. */
  async step(ahead: number): Promise<void> {
    this.ahead = ahead;
    this.opened.clock.now = made.now + this.real + ahead * 1000;
    await this.ledger.tick();
  }

  beat(vms: readonly unknown[] = []): Received {
    const at = new Date(this.opened.clock.now).toISOString();
    return other("heartbeat", JSON.stringify({ gateway: GATEWAY, at, vms }));
  }

  junk = (): readonly Received[] => [this.beat(), line(`junk ${this.count++}`)];

  get ts(): string {
    return new Date(made.now + this.real).toISOString();
  }

  codes(from = 0): string[] {
    return this.opened.alarms.slice(from).map(({ code }) => code);
  }
}

function verify(entries: readonly Entry[], on = pins): readonly string[] {
  const auditor = new Auditor({ ...on, origin: "ledger.example/test" });
  for (const [index, entry] of entries.entries()) auditor.take(index, entry);
  return auditor.end().flatMap(({ isUntold, code, says }) => (isUntold === true ? [`${code}: ${says}`] : []));
}
const untoldOf = ({ opened }: Days): readonly string[] => verify(opened.log.decoded());

describe("what goes on while the ledger's clock is ahead for a minute", () => {
  it.each(FAR)("and %i seconds, is told of afterwards as before, in sums that count all of it", async (ahead) => {
    const days = await Days.begin();
    await days.pass(120, days.junk);
    await days.step(ahead);
    await days.pass(60, days.junk);
    await days.step(0);
    const before = days.opened.alarms.length;
    await days.pass(300, days.junk);
    expect(untoldOf(days)).toEqual([]);
    await days.pass(2 * HOUR, undefined, 60);
    expect(days.codes(before)).toContain("quarantined");
    const told = days.opened.alarms.filter(({ code }) => code === "quarantined");
    expect(told.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(days.count);
    expect(untoldOf(days)).toEqual([]);
  });

  it.each(JUMPS)("and %i seconds, is looked for by whoever verifies the log up to any entry", async (ahead) => {
    const days = await Days.begin();
    await days.pass(70, days.junk);
    await days.step(ahead);
    await days.pass(60, days.junk);
    await days.step(0);
    await days.pass(100, days.junk);
    const entries = days.opened.log.decoded();
    for (let end = 1; end <= entries.length; end++) {
      // What stands behind an entry in the same commit is there with it.
      if (entries[end]?.head.type === "alarm") continue;
      expect([end, verify(entries.slice(0, end))]).toEqual([end, []]);
    }
  });

  it.each(FAR)("and %i seconds: a ledger that tells of nothing afterwards is found out", async (ahead) => {
    const days = await Days.begin();
    await days.pass(70, days.junk);
    await days.step(ahead);
    await days.pass(60, days.junk);
    await days.step(0);
    const from = days.opened.log.size;
    // And steps again and again, as if that excused it.
    for (let i = 0; i < 6; i++) {
      await days.pass(200, days.junk);
      await days.step(ahead);
      await days.pass(10, days.junk);
      await days.step(0);
    }
    const hidden = days.opened.log.decoded().map((entry, index): Entry => {
      const isAlarm = index >= from && decodeFinding(entry.body)?.code === "quarantined";
      return isAlarm ? { head: { ...entry.head, type: "push" }, body: Buffer.from(`${index}`) } : entry;
    });
    expect(verify(hidden).filter((says) => says.startsWith("quarantined")).length).toBeGreaterThan(50);
  });
});

describe("a clock that was ahead", () => {
  const records = (count: number, ts: (i: number) => string): string[] =>
    chained(
      VM,
      Array.from({ length: count }, (_, i) => bend(denied, { ts: ts(i) })),
    );

  it.each(JUMPS)("by %i seconds hides no gap, and makes none of what is waited for", async (ahead) => {
    const days = await Days.begin();
    const texts = records(9, (i) => new Date(made.now + i * 10_000).toISOString());
    await days.pass(10, () => [days.beat(), line(texts[0] ?? "")]);
    await days.step(ahead);
    // Each of these comes an hour after its decision, by that clock.
    await days.pass(10, () => [days.beat(), line(texts[1] ?? "")]);
    await days.pass(10, () => [days.beat(), line(texts[3] ?? "")]);
    expect(days.codes()).not.toContain("gap");
    await days.step(0);
    await days.pass(60);
    expect(days.codes()).not.toContain("gap");
    await days.pass(400);
    expect(days.codes()).toContain("gap");
    expect(days.codes()).not.toContain("silence");
    expect(untoldOf(days)).toEqual([]);
  });

  it.each(JUMPS)("by %i seconds hides no silence", async (ahead) => {
    const days = await Days.begin();
    await days.pass(60);
    await days.step(ahead);
    await days.pass(60);
    await days.step(0);
    await days.pass(120, () => []);
    expect(days.codes()).not.toContain("silence");
    await days.pass(300, () => []);
    expect(days.codes()).toContain("silence");
    expect(untoldOf(days)).toEqual([]);
  });

  it("by little makes nobody silent", async () => {
    const days = await Days.begin();
    await days.pass(400);
    for (const ahead of [-0.1, -5, -40]) await days.step(ahead);
    expect(days.codes()).toEqual([]);
  });

  it.each(FAR)("by %i seconds closes no VM, and dates no record back", async (ahead) => {
    const days = await Days.begin();
    const one = (i: number) => line(records(i + 1, () => days.ts)[i] ?? "");
    const named = (seq: number) => days.beat([{ vm: VM, seq }]);
    await days.pass(10, () => [one(0), named(1)]);
    await days.step(ahead);
    await days.pass(60, () => [named(1)]);
    await days.step(0);
    await days.pass(100, () => [named(1)]);
    await days.pass(10, () => [line(bend(denied, { vm: VM, seq: 2, ts: days.ts }))]);
    expect(days.opened.log.decoded().filter(({ head }) => head.type === "end")).toEqual([]);
    expect(days.codes()).not.toContain("clock_back");
    expect(untoldOf(days).filter((says) => says.startsWith("clock_back"))).toEqual([]);
  });

  it.each(FAR)("by %i seconds when a bundle came, hides nobody who decides by an older one", async (ahead) => {
    const days = await Days.begin();
    const { world } = made;
    const version = Number(JSON.parse(denied).bundle) + 1;
    const newer = world.bundle(world.bundleClaims({ version }));
    await days.pass(10, () => [other("bundle", made.bundle)]);
    await days.step(ahead);
    await days.pass(10, () => [other("bundle", newer)]);
    await days.step(0);
    await days.pass(1200, () => [line(bend(denied, { vm: VM, seq: ++days.count, ts: days.ts }))], 60);
    expect(days.codes()).toContain("bundle_behind");
    expect(untoldOf(days).filter((says) => says.startsWith("bundle_behind"))).toEqual([]);
  });

  it.each(FAR)("by %i seconds when a grant was used first, hides no review that is overdue", async (ahead) => {
    const days = await Days.begin();
    await days.step(ahead);
    await days.pass(10, () => made.lines.map((text) => line(text)));
    await days.step(0);
    for (let hour = 0; hour < 50; hour++) {
      days.real += HOUR * 1000;
      await days.step(0);
    }
    expect(days.codes()).toContain("review_overdue");
  });
});

describe("a ledger that was down for a day", () => {
  it("and first tells of what it had counted, accuses no gateway, and is not accused", async () => {
    const days = await Days.begin();
    await days.pass(30, days.junk);
    days.real += 24 * HOUR * 1000;
    days.opened.clock.now = made.now + days.real;
    const { ledger, log, clock } = await days.opened.reopen();
    await ledger.tick();
    expect(decodeFinding(log.decoded().at(-1)?.body ?? Buffer.alloc(0))).toMatchObject({
      code: "quarantined",
      count: 2,
    });
    clock.now += 1000;
    await ledger.take([days.beat()]);
    expect(verify(log.decoded())).toEqual([]);
  });
});
