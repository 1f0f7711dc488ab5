/**
 * What the live VMs of one process say of themselves, a line each, in shared data: told anew every few seconds, and taken out
 * when a VM leaves or has fallen silent (its thread trapped, or was replaced: nobody tells of its end).
 *
 *   | isWoundUp u64 | line | line | ...        line: | vm u64 | said at u64 ns | what it says, 24 bytes |
 */
import { arenaMark, rewindArena } from "../host/arena";
import { getShared, Slice, Status, setShared } from "../host/calls";
import { MAX_VMS } from "../limits";

const HEAD_BYTES: i32 = 8;
const LINE_BYTES: i32 = 40;
/** What a line says. */
export const SAID_BYTES: i32 = 24;
/** A VM that has said nothing for so long is gone: six times what VMs wait (ticks.ts). */
const SILENT_NS: u64 = 12_000_000_000;
/** More than the threads that can be overtaken by each other in one go; the next tick tries again. */
const RETRIES: i32 = 64;

const answer = new Slice();
const table: usize = memory.data(40968, 16); // HEAD_BYTES + MAX_VMS x LINE_BYTES
let lines: i32 = 0;

function lineAt(index: i32): usize {
  return table + HEAD_BYTES + <usize>index * LINE_BYTES;
}

/** Whether two readings of the clock are so far apart. It may have been set back. */
export function isLongAgo(then: u64, now: u64): bool {
  const age = <i64>(now - then);
  return (age < 0 ? -age : age) > <i64>SILENT_NS;
}

/** Reads the table. The version to write it back with is in `answer.cas`. False when it cannot be had. */
function read(keyPtr: usize, keyLen: i32): bool {
  const mark = arenaMark();
  const isThere = getShared(keyPtr, keyLen, answer) == Status.Ok && answer.len >= HEAD_BYTES;
  lines = isThere ? min((answer.len - HEAD_BYTES) / LINE_BYTES, MAX_VMS) : 0;
  if (isThere) memory.copy(table, answer.ptr, HEAD_BYTES + lines * LINE_BYTES);
  rewindArena(mark);
  return isThere;
}

function write(keyPtr: usize, keyLen: i32): bool {
  return setShared(keyPtr, keyLen, table, HEAD_BYTES + lines * LINE_BYTES, answer.cas) == Status.Ok;
}

/** Takes out this VM's line, and those of VMs that have fallen silent. */
function sweep(vm: u64, now: u64): void {
  let kept = 0;
  for (let i = 0; i < lines; i++) {
    const line = lineAt(i);
    if (load<u64>(line) == vm || isLongAgo(load<u64>(line, 8), now)) continue;
    if (kept != i) memory.copy(lineAt(kept), line, LINE_BYTES);
    kept += 1;
  }
  lines = kept;
}

/** Creates the table where it is missing, so that all further changes compare versions. */
export function createRegistry(keyPtr: usize, keyLen: i32): void {
  const mark = arenaMark();
  const status = getShared(keyPtr, keyLen, answer);
  rewindArena(mark);
  if (status != Status.NotFound) return;
  store<u64>(table, 0);
  setShared(keyPtr, keyLen, table, HEAD_BYTES, 0);
}

/**
 * Enters what this VM says now. The table is afterwards what the others see too (`saidBy`).
 * @param isNew with a new configuration: whoever has wound up this vm_id before is overruled
 */
export function say(keyPtr: usize, keyLen: i32, vm: u64, now: u64, said: usize, isNew: bool): bool {
  for (let i = 0; i < RETRIES; i++) {
    if (!read(keyPtr, keyLen)) return false;
    sweep(vm, now);
    if (isNew) store<u64>(table, 0);
    if (lines >= MAX_VMS) return false;
    const line = lineAt(lines);
    store<u64>(line, vm);
    store<u64>(line, now, 8);
    memory.copy(line + 16, said, SAID_BYTES);
    lines += 1;
    if (write(keyPtr, keyLen)) return true;
  }
  return false;
}

/**
 * This VM says nothing more. One that leaves while it lives shows that its vm_id is being given up: the others, which live
 * on only for open streams, must not tell the gateway about VMs any more (a newer vm_id's VMs do).
 */
export function withdraw(keyPtr: usize, keyLen: i32, vm: u64, now: u64): void {
  for (let i = 0; i < RETRIES; i++) {
    if (!read(keyPtr, keyLen)) return;
    sweep(vm, now);
    store<u64>(table, 1);
    if (write(keyPtr, keyLen)) return;
  }
}

/** Reads the table again: what others have said since. */
export function listen(keyPtr: usize, keyLen: i32, now: u64): bool {
  if (!read(keyPtr, keyLen)) return false;
  sweep(0, now);
  return true;
}

/** How many VMs are in the table that was read last. */
export function sayers(): i32 {
  return lines;
}

/** What each of them says: 24 bytes. */
export function saidBy(index: i32): usize {
  return lineAt(index) + 16;
}

/** A VM of this vm_id has left for good, so a newer vm_id may be in force. */
export function isWoundUp(): bool {
  return load<u64>(table) != 0;
}
