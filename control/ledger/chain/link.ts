/** One record or published head, put into its chain: compared with its neighbours, whichever came first. */
import { remember } from "./bounded.js";
import { type Chains, NO_HASH, type PublishedHead, type Vm } from "./chains.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";
import { addMissing, findMissing, forgetMissing, type Missing, splitMissing } from "./missing.js";
import { type Rules, WINDOW_SLOTS } from "./rules.js";
import { headAt, indexAt, isForgotten, isSame, put, shortHash } from "./window.js";

/** Forks, late records and those far ahead: they stand outside of the window. */
const MAX_STRAYS = 256;
/** A power of two; gaps of three records out of four are none that a chain has for long. */
const ROOM_A_RECORD = 4;
/** Published heads whose records have not come. */
const MAX_HEADS = 32;

const strayKey = (seq: number, hash: Buffer): string => `${seq}:${hash.toString("hex")}`;

/** The entry of this very record, where it is known. @param hash shortHash of the record */
export function knownRecord(chains: Chains, key: string, seq: number, hash: Buffer): number | undefined {
  const vm = chains.vms.get(key);
  if (vm === undefined) return chains.overflow.all.get(hash.toString("hex"));
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
  if (vm.last.seq === seq - 1 && vm.last.sha256 === prev) return;
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

/**
 * Slots that the window may have. Where there is room for all records, a few that are far apart must not take the room of as many as lie
 * between them.
 */
function slotsOf({ records }: Vm, { windowSlots }: Rules): number {
  const fitting = 2 ** Math.ceil(Math.log2(ROOM_A_RECORD * (records + 1)));
  return Math.min(windowSlots, Math.max(WINDOW_SLOTS, fitting));
}

/** A head that the gateway published: compared now, or when its record comes. */
export function takeHead(vm: Vm, published: PublishedHead, rules: Rules, step: Step): void {
  const { seq, head } = published;
  const index = indexAt(vm.window, seq);
  if (head === undefined) {
    // Nothing to compare.
  } else if (index !== undefined) {
    if (headAt(vm.window, seq) !== head) sayMismatch(vm, published, step, index);
  } else if (!isForgotten(vm.window, seq, slotsOf(vm, rules))) {
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
  // The line came again when the ledger remembered it no more, and was entered twice: whoever remembers more sees that it is the same.
  if (there !== undefined && isSame(vm.window, seq, hash)) return;
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
  // The ledger's own bound, also for an auditor with more room: both must see the same.
  if (vm.top > 0 && seq > vm.top + Math.min(rules.windowSlots, WINDOW_SLOTS)) {
    stray(vm, seq, hash, step.index);
    step.say({ code: "seq_jump", ...about(vm, seq), says: `${vm.vm}: seq ${seq} came behind ${vm.top}` });
    return;
  }
  if (gap !== undefined) {
    if (isForgotten(vm.window, seq, WINDOW_SLOTS)) vm.aged += 1;
    checkNext(vm, gap, record, sha256, step);
    splitMissing(vm, gap, record, step);
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
  put(vm.window, seq, hash, step.index, slotsOf(vm, rules));
  vm.records += 1;
  if (seq > vm.last.seq) vm.last = { seq, sha256: sha256.toString("hex"), index: step.index };
  forgetMissing(vm, (to) => isForgotten(vm.window, to, slotsOf(vm, rules)));
}
