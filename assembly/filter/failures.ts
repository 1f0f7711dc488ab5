/**
 * Failed signature checks by source: what bounds the price of a flood of forged grants. A source is the network of the request
 * until the requester's signature holds, and the requester's key from then on (for proofs: that key in that network). One that has failed too often waits; no other
 * does, and none that has not failed. Fixed memory, decided before a signature is looked at.
 *
 * Where a source stands depends on the VM's secret, so nobody can choose networks that share a place.
 */
import { sipHash } from "../crypto/siphash";
import { MAX_FAILED } from "../limits";
import { isV4, parseAddress } from "../text/address";
import { vmSecret } from "./secret";

/** Seconds. */
export const WINDOW: i64 = 10;
/**
 * Room for 4,096 sources. To fill it with such as are over their limit takes 131,072 failed checks, which is more than a worker
 * does in a window. When a thousand sources fail at once, some set is overfull once in five thousand times; in 512 sets of
 * eight ways it would be once in ten.
 */
const SETS: u64 = 256;
const WAYS: usize = 16;
/** | source u64 | window's start, seconds u32 | failed u32 | */
const COUNTER_BYTES: usize = 16;
const counters: usize = memory.data(65536, 8); // SETS x WAYS x COUNTER_BYTES
const address: usize = memory.data(16, 8);
const hashed: usize = memory.data(8, 8);
const pair: usize = memory.data(16, 8);

/** The network of a source: its /24 or, for IPv6, its /56, as a number that is never 0. 0 when the gateway names no address. */
export function networkOf(ptr: usize, len: i32): u64 {
  if (!parseAddress(ptr, len, address)) return 0;
  if (isV4(address)) return ((<u64>4) << 56) | (bswap<u32>(load<u32>(address, 12)) >> 8);
  return ((<u64>6) << 56) | (bswap<u64>(load<u64>(address)) >> 8);
}

/** The key of that kid, as a number that no network has. Two kids of one number cannot be found without the VM's secret. */
export function keyOf(kidPtr: usize, kidLen: i32): u64 {
  return ((<u64>1) << 63) | (sipHash(vmSecret(), kidPtr, kidLen) >> 1);
}

/**
 * That key as it is used from that network: by this the failed proofs of a bound grant are counted. Whoever has got hold of the
 * grant but not of its key cannot make its holder wait from elsewhere.
 */
export function holderOf(kidPtr: usize, kidLen: i32, network: u64): u64 {
  return pairOf(keyOf(kidPtr, kidLen), network);
}

/** That key as it signed at that time. */
export function keyAt(kidPtr: usize, kidLen: i32, seconds: i64): u64 {
  return pairOf(keyOf(kidPtr, kidLen), <u64>seconds);
}

function pairOf(key: u64, other: u64): u64 {
  store<u64>(pair, key);
  store<u64>(pair, other, 8);
  return ((<u64>1) << 63) | (sipHash(vmSecret(), pair, 16) >> 1);
}

function setOf(source: u64): usize {
  store<u64>(hashed, source);
  return counters + <usize>(sipHash(vmSecret(), hashed, 8) % SETS) * WAYS * COUNTER_BYTES;
}

/** Its failures in a window that holds `now`. A clock that went back ends the window. */
function failuresOf(counter: usize, now: i64): u32 {
  const age = now - <i64>load<u32>(counter, 8);
  return age >= 0 && age < WINDOW ? load<u32>(counter, 12) : 0;
}

/** Whether the source has failed too often within the last seconds. An unknown source is never busy. */
export function isBusy(source: u64, now: i64): bool {
  if (source == 0) return false;
  const set = setOf(source);
  for (let way: usize = 0; way < WAYS; way++) {
    const counter = set + way * COUNTER_BYTES;
    if (load<u64>(counter) == source) return failuresOf(counter, now) >= MAX_FAILED;
  }
  return false;
}

/**
 * One more failed grant from the source. Where its set is full the one with the fewest failures makes room: a flood stays known.
 * What is over the limit never does while its window lasts; where all are, the newcomer is not counted.
 */
export function noteFailure(source: u64, now: i64): void {
  if (source == 0) return;
  const set = setOf(source);
  let chosen: usize = 0;
  let fewest: u32 = MAX_FAILED;
  for (let way: usize = 0; way < WAYS; way++) {
    const counter = set + way * COUNTER_BYTES;
    const failed = failuresOf(counter, now);
    if (load<u64>(counter) == source) {
      if (failed > 0) {
        store<u32>(counter, failed + 1, 12);
        return;
      }
      chosen = counter;
      break;
    }
    if (failed >= fewest) continue;
    fewest = failed;
    chosen = counter;
  }
  if (chosen == 0) return;
  store<u64>(chosen, source);
  store<u32>(chosen, <u32>now, 8);
  store<u32>(chosen, 1, 12);
}
