/**
 * What the VMs of one process tell each other, in the gateway's shared data: which configurations the canary accepted, and the
 * newest bundle of each domain (registry.ts has what they say of themselves). Each value is changed by compare-and-swap in a
 * bounded retry: lost under contention is only what the next configuration says again.
 */

import { Ascii, ascii } from "../host/ascii";
import { getShared, Slice, Status, setShared } from "../host/calls";
import { MAX_VMS } from "../limits";
import { writeHex, writeLiteral } from "../text/bytes";

const VMS = ascii("glassgate.vms");

/** As many as there are VMs: each try that fails is another VM's that succeeded. */
const RETRIES: i32 = MAX_VMS;
const answer = new Slice();
/** Room for the largest value: a version and a hash. */
const value: usize = memory.data(64, 16);

const HASH_BYTES: i32 = 32;

function create(key: Ascii): void {
  if (getShared(key.ptr, key.len, answer) == Status.NotFound) setShared(key.ptr, key.len, value, 0, 0);
}

/** Creates the value that is changed by several threads. Runs in `on_vm_start`: first of all on the main thread. */
export function createShared(): void {
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
