/** Without heartbeats a later VM of the same number tells that the one before it is gone; however many there are, each is looked at little. */
import { describe, expect, it } from "vitest";
import {
  type Chains,
  chainOf,
  newChains,
  noteRunning,
  reviveVm,
  type Vm,
} from "../../../control/ledger/chain/chains.js";
import { rulesOf } from "../../../control/ledger/chain/rules.js";

const RULES = rulesOf({ anchors: [] });

/** Counts how often a VM is looked up. */
class Counted extends Map<string, Vm> {
  looks = 0;
  override get(key: string): Vm | undefined {
    this.looks += 1;
    return super.get(key);
  }
  override values() {
    this.looks += this.size;
    return super.values();
  }
}

function begin(): { chains: Chains; add: (node: string, start: number, at?: number) => Vm } {
  const chains = newChains();
  let count = 0;
  const add = (node: string, start: number, at = start): Vm => {
    // Each of another sender: none has too many.
    const step = { index: count, at, sender: `sender-${Math.floor(count++ / 500)}`, say: () => undefined };
    const vm = chainOf(chains, RULES, step, `${node}/${start}000000/1`);
    if (vm === undefined) throw new Error("no room");
    return vm;
  };
  return { chains, add };
}

describe("VMs of a gateway without heartbeats", () => {
  it("are gone when a later one is there, in whatever order they come", () => {
    const { chains, add } = begin();
    const [first, third, second] = [add("eu", 1000), add("eu", 3000), add("eu", 2000, 4000)];
    const other = add("us", 5000);
    expect([first, second, third, other].map(({ goneSince }) => goneSince)).toEqual([3000, 4000, undefined, undefined]);
    // One that was quiet, and came back: its node id is that of two.
    first.ended = 9;
    reviveVm(chains, first);
    expect(first.goneSince).toBeUndefined();
    add("eu", 6000);
    expect([first, third].map(({ goneSince }) => goneSince)).toEqual([6000, 6000]);
  });

  it("that has begun to beat, are gone when it says so", () => {
    const { chains, add } = begin();
    const first = add("eu", 1000);
    const gateway = chains.gateways.all.get("eu");
    if (gateway !== undefined) gateway.beatAt = 1;
    add("eu", 2000);
    noteRunning(chains, first, 3000);
    expect(first.goneSince).toBeUndefined();
  });

  it.each([
    ["of one gateway, the oldest first", (i: number) => ["eu", i + 1] as const],
    ["of one gateway, the newest first", (i: number) => ["eu", 1_000_000 - i] as const],
    ["of one gateway, as they fall", (i: number) => ["eu", ((i * 7919) % 20_011) + 1] as const],
    ["each of its own gateway", (i: number) => [`eu-${i}`, i + 1] as const],
  ])("%s: twice as many are twice the work", (_, of) => {
    const looksAt = (count: number): number => {
      const { chains, add } = begin();
      const vms = new Counted();
      chains.vms = vms;
      for (let i = 0; i < count; i++) {
        const [node, start] = of(i);
        add(node, start);
      }
      return vms.looks;
    };
    expect(looksAt(8000)).toBeLessThan(8000 * 4);
  });
});
