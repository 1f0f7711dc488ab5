/** Records that come by themselves, far ahead of the file with what lies between: they are waited for, and nobody is accused. */
import { describe, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import type { Finding } from "../../../control/ledger/chain/finding.js";
import {
  addMissing,
  findMissing,
  MAX_MISSING,
  type Missing,
  splitMissing,
} from "../../../control/ledger/chain/missing.js";
import type { State } from "../../../control/ledger/chain/state.js";
import { ChainedVm } from "../whole.js";
import { line, type Opened, open } from "./kit.js";

const VM = "gateway-1/1767225000123456789/1";
const CHAIN_CODES = new Set(["gap", "late", "late_start", "missing_vm", "gap_filled", "seq_jump", "chain_break"]);
const recordsOf = (count: number, vm = VM): string[] => {
  const chain = new ChainedVm(vm);
  return Array.from({ length: count }, () => chain.next());
};
const take = (opened: Opened, texts: readonly string[]) => opened.ledger.take(texts.map((text) => line(text)));
const every = (texts: readonly string[], rest: number): string[] => texts.filter((_, i) => i % 2 === rest);
const ofChains = ({ alarms }: Opened) => alarms.filter(({ code }) => CHAIN_CODES.has(code));

function audited({ log }: Opened): { readonly auditor: Auditor; readonly untold: readonly Finding[] } {
  const auditor = new Auditor({ anchors: [], origin: log.origin });
  for (const [index, entry] of log.decoded().entries()) auditor.take(index, entry);
  return { auditor, untold: auditor.end().filter(({ isUntold }) => isUntold === true) };
}

const stateOf = ({ ledger }: Opened): State => {
  const state: State = Reflect.get(ledger, "state");
  return state;
};

describe("records that come ahead of what lies between", () => {
  for (const [name, ahead] of [
    ["a second of 200 receipts", 200],
    ["twenty seconds of them", 4000],
  ] as const)
    it(`${name}: are waited for, whatever comes last`, async () => {
      const texts = recordsOf(2 * ahead);
      const opened = await open({ anchors: [] }, Date.now());
      await take(opened, every(texts, 1));
      expect(opened.ledger.status().openGaps).toBe(ahead);
      // The file has all of it.
      await take(opened, texts);
      opened.clock.now += 130_000;
      await opened.ledger.tick();
      expect(ofChains(opened)).toEqual([]);
      expect(opened.ledger.status()).toMatchObject({ openGaps: 0, vms: [{ seq: 2 * ahead, records: 2 * ahead }] });
      const { auditor, untold } = audited(opened);
      expect(untold).toEqual([]);
      expect([...auditor.chains.vms.values()]).toMatchObject([{ records: 2 * ahead, missing: [] }]);
    });

  it("are counted the same after a restart from a snapshot", async () => {
    let kept: Buffer | undefined;
    const write = async (bytes: Buffer) => {
      kept = bytes;
    };
    const first = await open({ anchors: [] }, Date.now(), { snapshots: { read: async () => kept, write } });
    await take(first, every(recordsOf(1000), 1));
    await first.ledger.close();
    const { chains } = stateOf(await first.reopen());
    const room = chains.rooms.get("gateway-1");
    expect(room).toEqual({ vms: 1, stretches: 500 });
    for (const vm of chains.vms.values()) expect(vm.room).toBe(room);
  });

  it("and whose rest never comes: one look tells of all of it, each stretch by its seq", async () => {
    const texts = recordsOf(1300);
    const opened = await open({ anchors: [] }, Date.now());
    await take(opened, every(texts, 1));
    opened.clock.now += 130_000;
    await opened.ledger.tick();
    const told = ofChains(opened).flatMap(({ ranges = [] }) => ranges);
    expect(told).toEqual(Array.from({ length: 650 }, (_, i) => [2 * i + 1, 2 * i + 1]));
    expect(Math.max(...ofChains(opened).map(({ says }) => says.length))).toBeLessThan(600);
    await opened.ledger.tick();
    expect(ofChains(opened)).toHaveLength(3); // Its beginning is another matter.
    opened.clock.now += 600_000;
    await take(opened, ["the log goes on"]);
    expect(audited(opened).untold).toEqual([]);
  });
});

describe("more stretches than are followed", () => {
  const chainOf = (room = { vms: 1, stretches: 0 }) => {
    const missing: Missing[] = [];
    return { key: VM, vm: VM, predates: false, records: 1, room, missing };
  };
  const said: Omit<Finding, "about" | "index">[] = [];
  const step = { index: 7, at: 0, sender: "gateway-1", say: (one: (typeof said)[number]) => void said.push(one) };
  const single = (seq: number): Missing => ({ from: seq, to: seq, since: 0, next: undefined, alarm: undefined });

  it("of one chain: the oldest is told of at once, and the alarm says why", () => {
    said.length = 0;
    const chain = chainOf();
    for (let i = 1; i <= MAX_MISSING; i++) addMissing(chain, single(2 * i), step);
    expect(said).toEqual([]);
    addMissing(chain, single(2 * MAX_MISSING + 2), step);
    expect(said).toMatchObject([{ code: "gap", ranges: [[2, 2]] }]);
    expect(said[0]?.says).toMatch(
      /seq 2 did not come yet: more stretches of missing records are open than are followed/,
    );
    expect([findMissing(chain, 2), findMissing(chain, 5), findMissing(chain, 4)?.from]).toEqual([
      undefined,
      undefined,
      4,
    ]);
    expect(chain.room.stretches).toBe(MAX_MISSING);
  });

  it("by records in the middle of one stretch, as a heartbeat told how far it goes: no more are kept", () => {
    said.length = 0;
    const chain = chainOf();
    const whole = 3 * MAX_MISSING;
    addMissing(chain, { ...single(1), to: whole }, step);
    for (let seq = 2; seq < whole; seq += 2) {
      const stretch = findMissing(chain, seq);
      if (stretch !== undefined) splitMissing(chain, stretch, { seq, prev: "" }, step);
    }
    expect(chain.missing).toHaveLength(MAX_MISSING);
    expect(said).toHaveLength(whole / 2 - MAX_MISSING);
  });

  it("of all chains of a sender: one that has few keeps them", () => {
    said.length = 0;
    const room = { vms: 12, stretches: 0 };
    const quiet = chainOf(room);
    const busy = Array.from({ length: 11 }, () => chainOf(room));
    for (const chain of busy) for (let i = 1; i <= MAX_MISSING; i++) addMissing(chain, single(2 * i), step);
    expect(room.stretches).toBe(busy.reduce((sum, { missing }) => sum + missing.length, 0));
    expect(room.stretches).toBeLessThanOrEqual(65_536 + 11 * 256);
    const before = said.length;
    expect(before).toBe(11 * MAX_MISSING - room.stretches);
    for (let i = 1; i <= 200; i++) addMissing(quiet, single(2 * i), step);
    expect(said).toHaveLength(before);
    expect(quiet.missing).toHaveLength(200);
  });
});
