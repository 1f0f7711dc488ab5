/**
 * Failed signature checks by source network: what bounds the price of a flood of forged grants. A network that has failed too
 * often waits; no other does, and none that has not failed. Fixed memory, decided before a signature is looked at.
 */
import { isV4, parseAddress } from "../text/address";

/** Failed grants that a network has per window and VM: 32 of three signatures cost about 10 ms where keys have no tables. */
const MAX_FAILED: u32 = 32;
/** Seconds. */
export const WINDOW: i64 = 10;
const SETS: u64 = 256;
const WAYS: usize = 4;
/** | network u64 | window's start, seconds u32 | failed u32 | */
const COUNTER_BYTES: usize = 16;
const counters: usize = memory.data(16384, 8); // SETS x WAYS x COUNTER_BYTES
const address: usize = memory.data(16, 8);

/** The network of a source: its /24 or, for IPv6, its /56, as a number that is never 0. 0 when the gateway names no address. */
export function networkOf(ptr: usize, len: i32): u64 {
  if (!parseAddress(ptr, len, address)) return 0;
  if (isV4(address)) return ((<u64>4) << 56) | (bswap<u32>(load<u32>(address, 12)) >> 8);
  return ((<u64>6) << 56) | (bswap<u64>(load<u64>(address)) >> 8);
}

function setOf(network: u64): usize {
  return counters + <usize>((network * 0x9e3779b97f4a7c15) >> 56) * WAYS * COUNTER_BYTES;
}

/** Whether the counter's window holds `now`. A clock that went back ends it. */
function isOpen(counter: usize, now: i64): bool {
  const age = now - <i64>load<u32>(counter, 8);
  return age >= 0 && age < WINDOW;
}

/** Whether the network has failed too often within the last seconds. An unknown source is never busy. */
export function isBusy(network: u64, now: i64): bool {
  const set = setOf(network);
  for (let way: usize = 0; way < WAYS; way++) {
    const counter = set + way * COUNTER_BYTES;
    if (load<u64>(counter) == network)
      return network != 0 && load<u32>(counter, 12) >= MAX_FAILED && isOpen(counter, now);
  }
  return false;
}

/** One more failed grant from the network. Where its set is full the one with the fewest makes room: a flood stays known. */
export function noteFailure(network: u64, now: i64): void {
  if (network == 0) return;
  const set = setOf(network);
  let chosen = set;
  let fewest: u32 = 0xffffffff;
  for (let way: usize = 0; way < WAYS; way++) {
    const counter = set + way * COUNTER_BYTES;
    if (load<u64>(counter) == network) {
      if (isOpen(counter, now)) {
        store<u32>(counter, load<u32>(counter, 12) + 1, 12);
        return;
      }
      chosen = counter;
      break;
    }
    const failed: u32 = isOpen(counter, now) ? load<u32>(counter, 12) : 0;
    if (failed >= fewest) continue;
    fewest = failed;
    chosen = counter;
  }
  store<u64>(chosen, network);
  store<u32>(chosen, <u32>now, 8);
  store<u32>(chosen, 1, 12);
}
