/**
 * The chains of records, one for each VM by `seq`: in whatever order lines come, the same chain results. A sender who does not speak
 * for a gateway has a chain of his own for it, and cannot disturb the rightful one.
 */
import { remember } from "./bounded.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";
import { addMissing, findMissing, forgetMissing, type Missing, splitMissing } from "./missing.js";
import { type Rules, speaksFor } from "./rules.js";
import { headAt, indexAt, isForgotten, isSame, newWindow, put, type SeqWindow, shortHash } from "./window.js";

/** Live VMs of one sender. An Envoy has a VM a thread, and one generation more over a hot restart. */
export const MAX_VMS = 1024;
/** VMs that are over and still remembered, so that lines which come again are known. */
const MAX_ENDED = 256;
const MAX_GATEWAYS = 4096;
/** Forks, late records and those far ahead: they stand outside of the window. */
const MAX_STRAYS = 256;
/** Published heads whose records have not come. */
const MAX_HEADS = 32;
const NO_HASH = "0".repeat(64);

export interface PublishedHead {
  readonly seq: number;
  /** 12 hex digits; undefined where only the seq was published. */
  readonly head: string | undefined;
  /** Its heartbeat's entry. */
  readonly index: number;
}

export interface Vm {
  readonly key: string;
  readonly vm: string;
  readonly node: string;
  /** In milliseconds since 1970, as its name says. */
  readonly startedAt: number;
  readonly number: string;
  /** Who brought it first: it counts among his. */
  readonly sender: string;
  /** Said by its own gateway, or by somebody who speaks for it. */
  readonly isRightful: boolean;
  /** It is older than what is known of its gateway. */
  readonly predates: boolean;
  window: SeqWindow;
  missing: Missing[];
  /** The highest `seq` that is known of, by a record or a heartbeat. */
  top: number;
  records: number;
  last: { seq: number; sha256: string; index: number };
  heads: PublishedHead[];
  strays: Map<string, number>;
  lastAt: number;
  /** Since when its gateway does not name it. */
  goneSince: number | undefined;
  ended: number | undefined;
}

export interface KnownGateway {
  readonly since: number;
  beatAt: number | undefined;
  /** The entry that says that it is silent. */
  silence: number | undefined;
  named: Set<string>;
}

export interface Chains {
  vms: Map<string, Vm>;
  ended: Map<string, true>;
  /** Live VMs by sender. */
  counts: Map<string, number>;
  gateways: Map<string, KnownGateway>;
  /** Records that no chain has room for: by hash, so that repetitions are known. */
  overflow: Map<string, number>;
}

export const newChains = (): Chains => ({
  vms: new Map(),
  ended: new Map(),
  counts: new Map(),
  gateways: new Map(),
  overflow: new Map(),
});

interface VmName {
  readonly node: string;
  readonly start: string;
  readonly number: string;
}

/** The parts of `node id/start in ns/number`; a node id may have slashes. */
export function partsOf(vm: string): VmName {
  const last = vm.lastIndexOf("/");
  const first = vm.lastIndexOf("/", last - 1);
  return { node: vm.slice(0, Math.max(0, first)), start: vm.slice(first + 1, last), number: vm.slice(last + 1) };
}

export function chainKey(rules: Rules, sender: string, vm: string): string {
  return speaksFor(rules, sender, partsOf(vm).node) ? vm : `${vm}\n${sender}`;
}

export function gatewayOf(chains: Chains, node: string, at: number): KnownGateway {
  const known = chains.gateways.get(node);
  if (known !== undefined) return known;
  const made: KnownGateway = { since: at, beatAt: undefined, silence: undefined, named: new Set() };
  remember(chains.gateways, node, made, MAX_GATEWAYS);
  return made;
}

/** Without heartbeats only a later VM of the same number tells that the process before it is gone. */
function noteRestart(chains: Chains, { node, number, startedAt }: Vm, at: number): void {
  if (chains.gateways.get(node)?.beatAt !== undefined) return;
  for (const other of chains.vms.values()) {
    if (other.node !== node || other.number !== number || other.startedAt === startedAt || !other.isRightful) continue;
    if (other.startedAt < startedAt) other.goneSince ??= at;
  }
}

/** The chain of a VM, made where there is none; undefined where the sender has too many. */
export function chainOf(chains: Chains, rules: Rules, step: Step, vm: string): Vm | undefined {
  const key = chainKey(rules, step.sender, vm);
  const there = chains.vms.get(key);
  if (there !== undefined) return there;
  const count = chains.counts.get(step.sender) ?? 0;
  if (count >= MAX_VMS) {
    step.say({ code: "overflow", subject: step.sender, vm, says: `${step.sender} has more than ${MAX_VMS} VMs` });
    return undefined;
  }
  const { node, start, number } = partsOf(vm);
  const startedAt = Math.floor(Number(start) / 1e6);
  const isRightful = key === vm;
  const made: Vm = {
    key,
    vm,
    node,
    startedAt,
    number,
    sender: step.sender,
    isRightful,
    predates: !isRightful || startedAt <= gatewayOf(chains, node, step.at).since,
    window: newWindow(),
    missing: [],
    top: 0,
    records: 0,
    last: { seq: 0, sha256: NO_HASH, index: 0 },
    heads: [],
    strays: new Map(),
    lastAt: step.at,
    goneSince: undefined,
    ended: undefined,
  };
  if (isRightful) noteRestart(chains, made, step.at);
  chains.vms.set(key, made);
  chains.counts.set(step.sender, count + 1);
  return made;
}

const strayKey = (seq: number, hash: Buffer): string => `${seq}:${hash.toString("hex")}`;

/** The entry of this very record, where it is known. @param hash shortHash of the record */
export function knownRecord(chains: Chains, key: string, seq: number, hash: Buffer): number | undefined {
  const vm = chains.vms.get(key);
  if (vm === undefined) return chains.overflow.get(hash.toString("hex"));
  const index = indexAt(vm.window, seq);
  return index !== undefined && isSame(vm.window, seq, hash) ? index : vm.strays.get(strayKey(seq, hash));
}

function stray(vm: Vm, seq: number, hash: Buffer, index: number): void {
  remember(vm.strays, strayKey(seq, hash), index, MAX_STRAYS);
}

function about(vm: Vm, seq: number): { subject: string; vm: string; seq: number } {
  return { subject: vm.key, vm: vm.vm, seq };
}

/** Compares with the record before it, where that is there. */
function checkPrevious(vm: Vm, salt: Uint8Array, record: AuditRecord, step: Step): void {
  const { seq, prev } = record;
  const before = indexAt(vm.window, seq - 1);
  if (seq === 1 ? prev === NO_HASH : before === undefined) return;
  if (before === undefined) {
    step.say({ code: "chain_break", ...about(vm, seq), says: `${vm.vm} begins with a prev that is not zero` });
    return;
  }
  const hash = shortHash(salt, Buffer.from(prev, "hex"));
  if (isSame(vm.window, seq - 1, hash)) return;
  const other = vm.strays.get(strayKey(seq - 1, hash));
  const fork = other === undefined ? "" : `: it follows entry ${other}, the other record of that seq`;
  step.say({
    code: "chain_break",
    ...about(vm, seq),
    about: [step.index, before],
    says: `${vm.vm}: the prev of seq ${seq} is not the hash of seq ${seq - 1}${fork}`,
  });
}

/** Compares with the `prev` of the record behind it, which came earlier. */
function checkNext(vm: Vm, { to, next }: Missing, record: AuditRecord, sha256: Buffer, step: Step): void {
  if (record.seq !== to || next === undefined || next.prev === sha256.toString("hex")) return;
  step.say({
    code: "chain_break",
    ...about(vm, record.seq),
    about: [step.index, next.index],
    says: `${vm.vm}: the prev of seq ${to + 1} is not the hash of seq ${to}`,
  });
}

function checkHeads(vm: Vm, seq: number, sha256: Buffer, step: Step): void {
  const head = sha256.toString("hex", 0, 6);
  for (const published of vm.heads.filter((one) => one.seq === seq && one.head !== head))
    sayMismatch(vm, published, step);
  vm.heads = vm.heads.filter((one) => one.seq !== seq);
}

function sayMismatch(vm: Vm, { seq, index: heartbeat }: PublishedHead, step: Step, record = step.index): void {
  step.say({
    code: "head_mismatch",
    ...about(vm, seq),
    about: [record, heartbeat],
    says: `${vm.vm}: seq ${seq} is not the record whose hash the gateway published: the file was rewritten`,
  });
}

/** A head that the gateway published: compared now, or when its record comes. */
export function takeHead(vm: Vm, published: PublishedHead, rules: Rules, step: Step): void {
  const { seq, head } = published;
  const index = indexAt(vm.window, seq);
  if (head === undefined) {
    // Nothing to compare.
  } else if (index !== undefined) {
    if (headAt(vm.window, seq) !== head) sayMismatch(vm, published, step, index);
  } else if (!isForgotten(vm.window, seq, rules.windowSlots)) {
    const same = vm.heads.find((one) => one.seq === seq);
    if (same !== undefined && same.head !== head) sayMismatch(vm, published, step, same.index);
    if (same === undefined) vm.heads = [...vm.heads, published].slice(-MAX_HEADS);
  }
  if (seq > vm.top) {
    addMissing(vm, { from: vm.top + 1, to: seq, since: step.at, next: undefined, alarm: undefined }, step);
    vm.top = seq;
  }
}

/** Puts the record into its chain. Only for one that is not known already. */
export function takeRecord(
  vm: Vm,
  salt: Uint8Array,
  rules: Rules,
  record: AuditRecord,
  sha256: Buffer,
  step: Step,
): void {
  const { seq, prev } = record;
  const hash = shortHash(salt, sha256);
  vm.lastAt = step.at;
  if (vm.ended !== undefined)
    step.say({
      code: "after_end",
      ...about(vm, seq),
      about: [step.index, vm.ended],
      says: `${vm.vm}: seq ${seq} came after the VM was over`,
    });
  const there = indexAt(vm.window, seq);
  if (there !== undefined) {
    stray(vm, seq, hash, step.index);
    step.say({
      code: "fork",
      ...about(vm, seq),
      about: [step.index, there],
      says: `${vm.vm}: seq ${seq} has two different records`,
    });
    return;
  }
  const gap = findMissing(vm, seq);
  if (gap === undefined && seq <= vm.top) {
    stray(vm, seq, hash, step.index);
    step.say({ code: "late", ...about(vm, seq), says: `${vm.vm}: seq ${seq} came when ${vm.top} was there` });
    return;
  }
  if (vm.top > 0 && seq > vm.top + rules.windowSlots) {
    stray(vm, seq, hash, step.index);
    step.say({ code: "seq_jump", ...about(vm, seq), says: `${vm.vm}: seq ${seq} came behind ${vm.top}` });
    return;
  }
  if (gap !== undefined) {
    checkNext(vm, gap, record, sha256, step);
    splitMissing(vm, gap, seq, { prev, index: step.index });
    if (gap.alarm !== undefined)
      step.say({
        code: "gap_filled",
        ...about(vm, seq),
        about: [step.index, gap.alarm],
        says: `${vm.vm}: seq ${seq} came after all`,
      });
  } else {
    const next = { prev, index: step.index };
    if (seq > vm.top + 1)
      addMissing(vm, { from: vm.top + 1, to: seq - 1, since: step.at, next, alarm: undefined }, step);
    else {
      const open = findMissing(vm, seq - 1);
      if (open !== undefined) open.next = next;
    }
    vm.top = seq;
  }
  checkPrevious(vm, salt, record, step);
  checkHeads(vm, seq, sha256, step);
  put(vm.window, seq, hash, step.index, rules.windowSlots);
  vm.records += 1;
  if (seq > vm.last.seq) vm.last = { seq, sha256: sha256.toString("hex"), index: step.index };
  forgetMissing(vm, (to) => isForgotten(vm.window, to, rules.windowSlots));
}

/** It is over: its entry, of type `end`, is at that index. */
export function endVm(chains: Chains, key: string, index: number): void {
  const vm = chains.vms.get(key);
  if (vm === undefined || vm.ended !== undefined) return;
  vm.ended = index;
  vm.heads = [];
  chains.counts.set(vm.sender, (chains.counts.get(vm.sender) ?? 1) - 1);
  const forgotten = remember(chains.ended, key, true, MAX_ENDED);
  if (forgotten !== undefined) chains.vms.delete(forgotten[0]);
}
