/**
 * What the VMs of one process tell each other, in the gateway's shared data: which configurations the canary accepted, the
 * newest bundle of each domain, and which VM serves which generation. Each value is changed by compare-and-swap in a
 * bounded retry: lost under contention is only what the next configuration says again.
 */

import { Ascii, ascii } from "../host/ascii";
import { getShared, Slice, Status, setShared } from "../host/calls";
import { writeHex, writeLiteral } from "../text/bytes";

const GENERATIONS = ascii("glassgate.generations");
const VMS = ascii("glassgate.vms");

const RETRIES: i32 = 16;
const answer = new Slice();
/** Room for the largest value. */
const value: usize = memory.data(16384, 16);

const HASH_BYTES: i32 = 32;

function create(key: Ascii): void {
  if (getShared(key.ptr, key.len, answer) == Status.NotFound) setShared(key.ptr, key.len, value, 0, 0);
}

/** Creates the values that are changed by several threads. Runs in `on_vm_start`: first of all on the main thread. */
export function createShared(): void {
  create(GENERATIONS);
  create(VMS);
}

/** A number that no other VM of this process has had. */
export function nextVmNumber(): u64 {
  for (let i = 0; i < RETRIES; i++) {
    if (getShared(VMS.ptr, VMS.len, answer) != Status.Ok) return 0;
    const number: u64 = answer.len == 8 ? load<u64>(answer.ptr) : 0;
    store<u64>(value, number + 1);
    if (setShared(VMS.ptr, VMS.len, value, 8, answer.cas) == Status.Ok) return number + 1;
  }
  return 0;
}

const acceptedKey: usize = memory.data(64, 16);

/** A key for each accepted configuration, as Envoy keeps its canary's verdicts for as long: none may be forgotten before. */
function writeAcceptedKey(hash: usize): i32 {
  const len = writeLiteral(acceptedKey, "glassgate.accepted.");
  memory.copy(acceptedKey + len, hash, HASH_BYTES);
  return len + HASH_BYTES;
}

/** Whether the canary accepted the configuration of that hash. */
export function isAccepted(hash: usize): bool {
  return getShared(acceptedKey, writeAcceptedKey(hash), answer) == Status.Ok;
}

/** Remembers an accepted configuration. */
export function markAccepted(hash: usize): void {
  store<u8>(value, 1);
  setShared(acceptedKey, writeAcceptedKey(hash), value, 1, 0);
}

/** A version and the bundle's hash, as one VM tells the others. */
export class SharedVersion {
  version: i64 = -1;
  hash: usize = memory.data(32, 8);
}

const domainKey: usize = memory.data(96, 16);

function writeDomainKey(domain: usize): i32 {
  const len = writeLiteral(domainKey, "glassgate.domain.");
  return len + writeHex(domainKey + len, domain, HASH_BYTES);
}

/** The newest version accepted in the domain; -1 when none is known. */
export function readSharedVersion(domain: usize, out: SharedVersion): void {
  const keyLen = writeDomainKey(domain);
  out.version = -1;
  if (getShared(domainKey, keyLen, answer) != Status.Ok || answer.len != 8 + HASH_BYTES) return;
  out.version = load<i64>(answer.ptr);
  memory.copy(out.hash, answer.ptr + 8, HASH_BYTES);
}

/** Raises the domain's newest version. Never lowers it. */
export function raiseSharedVersion(domain: usize, version: i64, hash: usize): void {
  const keyLen = writeDomainKey(domain);
  for (let i = 0; i < RETRIES; i++) {
    const found = getShared(domainKey, keyLen, answer) == Status.Ok && answer.len == 8 + HASH_BYTES;
    if (found && load<i64>(answer.ptr) >= version) return;
    store<i64>(value, version);
    memory.copy(value + 8, hash, HASH_BYTES);
    if (setShared(domainKey, keyLen, value, 8 + HASH_BYTES, answer.cas) == Status.Ok) return;
  }
}

/** One VM's newest generation in one domain: | vm u64 | first 8 bytes of the domain | generation i64 | */
const ENTRY_BYTES: i32 = 24;
const MAX_ENTRIES: i32 = 16384 / ENTRY_BYTES;

function placeFor(count: i32, vm: u64, domain: u64): i32 {
  for (let i = 0; i < count; i++) {
    const entry = value + <usize>i * ENTRY_BYTES;
    if (load<u64>(entry) == vm && load<u64>(entry, 8) == domain) return i;
  }
  // When full, the oldest entry of a VM long gone makes room.
  return count < MAX_ENTRIES ? count : 0;
}

/** Tells the others what this VM serves now. */
export function registerGeneration(vm: u64, domain: usize, generation: i64): void {
  const domainPrefix = load<u64>(domain);
  for (let i = 0; i < RETRIES; i++) {
    if (getShared(GENERATIONS.ptr, GENERATIONS.len, answer) != Status.Ok) answer.clear();
    let count = min(answer.len / ENTRY_BYTES, MAX_ENTRIES);
    memory.copy(value, answer.ptr, count * ENTRY_BYTES);
    const place = placeFor(count, vm, domainPrefix);
    const entry = value + <usize>place * ENTRY_BYTES;
    store<u64>(entry, vm);
    store<u64>(entry, domainPrefix, 8);
    store<i64>(entry, generation, 16);
    if (place == count) count += 1;
    if (setShared(GENERATIONS.ptr, GENERATIONS.len, value, count * ENTRY_BYTES, answer.cas) == Status.Ok) return;
  }
}

/** How many VMs serve that generation of the domain. */
export function countServing(domain: usize, generation: i64): i32 {
  if (getShared(GENERATIONS.ptr, GENERATIONS.len, answer) != Status.Ok) return 0;
  const domainPrefix = load<u64>(domain);
  let serving = 0;
  for (let at = 0; at + ENTRY_BYTES <= answer.len; at += ENTRY_BYTES) {
    const entry = answer.ptr + <usize>at;
    if (load<u64>(entry, 8) == domainPrefix && load<i64>(entry, 16) == generation) serving += 1;
  }
  return serving;
}
