/**
 * The chains of records, one for each VM by `seq`: in whatever order lines come, the same chain results. A sender who does not speak
 * for a gateway has a chain of his own for it, and cannot disturb the rightful one.
 */
import { drop, keep, newShared, type Shared, taken } from "./bounded.js";
import { overflowOf, type Step } from "./finding.js";
import { gapOf, type Missing, overdue, type Room } from "./missing.js";
import { type Rules, speaksFor } from "./rules.js";
import { newWindow, type SeqWindow } from "./window.js";

/** Live VMs of one sender. An Envoy has a VM a thread, and one generation more over a hot restart. */
export const MAX_VMS = 1024;
/** VMs of all senders together that are over and still remembered, so that lines which come again are known. */
const MAX_ENDED = 256;
/** Of all senders together. */
const MAX_GATEWAYS = 4096;
/** `prev` of the first record. */
export const NO_HASH = "0".repeat(64);

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
  readonly room: Room;
  readonly missing: Missing[];
  /** The highest `seq` that is known of, by a record or a heartbeat. */
  top: number;
  records: number;
  /** Of these, such as came so late that a ledger may have forgotten that they were missing. */
  aged: number;
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
  ended: Shared<string, true>;
  /** By gateway and number, rightful ones that no later VM is known to have followed: the newest, and such as came back. */
  running: Map<string, Set<string>>;
  /** By sender. */
  rooms: Map<string, Room>;
  gateways: Shared<string, KnownGateway>;
  /** Records that no chain has room for: by hash, so that repetitions are known. */
  overflow: Shared<string, number>;
}

export const newChains = (): Chains => ({
  vms: new Map(),
  ended: newShared(),
  running: new Map(),
  rooms: new Map(),
  gateways: newShared(),
  overflow: newShared(),
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

export function gatewayOf({ gateways }: Chains, node: string, step: Step): KnownGateway {
  const known = gateways.all.get(node);
  if (known !== undefined) return known;
  const made: KnownGateway = { since: step.at, beatAt: undefined, silence: undefined, named: new Set() };
  const forgotten = keep(gateways, step.sender, node, made, MAX_GATEWAYS);
  if (forgotten?.value.beatAt !== undefined && forgotten.value.silence === undefined)
    step.say(overflowOf(forgotten.owner, step.index, `whether ${forgotten.key} goes on to beat is not followed`));
  return made;
}

const placeOf = ({ node, number }: Pick<Vm, "node" | "number">): string => `${node}\n${number}`;

/** Without heartbeats only a later VM of the same number tells that the process before it is gone, in whatever order they come. */
export function noteRunning(chains: Chains, vm: Vm, at: number): void {
  const { node, key, startedAt } = vm;
  if (!vm.isRightful) return;
  const running = taken(chains.running, placeOf(vm), () => new Set<string>());
  const isBeating = chains.gateways.all.get(node)?.beatAt !== undefined;
  for (const name of running) {
    const other = chains.vms.get(name);
    const earlier = other !== undefined && other.startedAt > startedAt ? vm : other;
    if (earlier !== undefined && !isBeating) earlier.goneSince ??= at;
    // It is not the newest: who comes next need not look at it.
    if (earlier === vm) return;
    running.delete(name);
  }
  running.add(key);
}

function dropRunning({ running }: Chains, vm: Vm): void {
  const those = running.get(placeOf(vm));
  those?.delete(vm.key);
  if (those?.size === 0) running.delete(placeOf(vm));
}

export const roomOf = (chains: Chains, sender: string): Room =>
  taken(chains.rooms, sender, () => ({ vms: 0, stretches: 0 }));

/** The chain of a VM, made where there is none; undefined where the sender has too many. */
export function chainOf(chains: Chains, rules: Rules, step: Step, vm: string): Vm | undefined {
  const key = chainKey(rules, step.sender, vm);
  const there = chains.vms.get(key);
  if (there !== undefined) return there;
  const room = roomOf(chains, step.sender);
  if (room.vms >= MAX_VMS) {
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
    predates: !isRightful || startedAt <= gatewayOf(chains, node, step).since,
    window: newWindow(),
    room,
    missing: [],
    top: 0,
    records: 0,
    aged: 0,
    last: { seq: 0, sha256: NO_HASH, index: 0 },
    heads: [],
    strays: new Map(),
    lastAt: step.at,
    goneSince: undefined,
    ended: undefined,
  };
  chains.vms.set(key, made);
  noteRunning(chains, made, step.at);
  room.vms += 1;
  return made;
}

/**
 * A record came after all of a VM whose gateway publishes no heartbeats: that it was over was only a guess, as it had been quiet, or as
 * its node id is that of many. What its chain says decides.
 */
export function reviveVm(chains: Chains, vm: Vm): void {
  if (vm.ended === undefined || chains.gateways.all.get(vm.node)?.beatAt !== undefined) return;
  vm.ended = undefined;
  vm.goneSince = undefined;
  if (vm.isRightful) taken(chains.running, placeOf(vm), () => new Set()).add(vm.key);
  drop(chains.ended, vm.key);
  vm.room.vms += 1;
}

/** Nobody looks for what is missing of it any more: that is told of now. */
function forgetVm(chains: Chains, key: string, step: Step): void {
  const vm = chains.vms.get(key);
  if (vm === undefined) return;
  for (const untold of overdue(vm, () => true)) step.say({ ...gapOf(vm, untold), about: [step.index] });
  vm.room.stretches -= vm.missing.length;
  chains.vms.delete(key);
  dropRunning(chains, vm);
}

/** It is over, as that entry of type `end` says. */
export function endVm(chains: Chains, key: string, step: Step): void {
  const vm = chains.vms.get(key);
  if (vm === undefined || vm.ended !== undefined) return;
  vm.ended = step.index;
  vm.heads = [];
  vm.room.vms -= 1;
  const forgotten = keep(chains.ended, vm.sender, key, true, MAX_ENDED);
  if (forgotten !== undefined) forgetVm(chains, forgotten.key, step);
}
