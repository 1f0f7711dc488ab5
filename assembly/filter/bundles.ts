/** Trust bundles in memory. Several root contexts may hold one; it is freed with the last. */

import { Purpose, returnMemory, shrinkMemory, takeMemory } from "../heap";
import { bundleRegionBytes, readBundle } from "../trust/bundle";
import { Loading } from "../trust/loading";
import { Anchors, Trust } from "../trust/trust";

/** A bundle and who holds it. Stands at the start of its own block. */
export class HeldTrust {
  trust: Trust = changetype<Trust>(0);
  blockBytes: i32 = 0;
  holders: i32 = 0;
}

export function hold(held: HeldTrust): HeldTrust {
  if (changetype<usize>(held) != 0) held.holders += 1;
  return held;
}

export function release(held: HeldTrust): void {
  if (changetype<usize>(held) == 0) return;
  held.holders -= 1;
  if (held.holders <= 0) returnMemory(changetype<usize>(held), held.blockBytes, Purpose.Configurations);
}

/** Reads and verifies a bundle into a block of its own. 0 with `loading.reason` when it is refused; else held once. */
export function loadBundle(loading: Loading, ptr: usize, len: i32, anchors: Anchors): HeldTrust {
  const size = bundleRegionBytes(len);
  const block = takeMemory(size, Purpose.Configurations);
  if (block == 0) {
    loading.refuse("this VM holds too many bundles at once");
    return changetype<HeldTrust>(0);
  }
  loading.region.open(block, size);
  const held = changetype<HeldTrust>(loading.region.take(offsetof<HeldTrust>()));
  held.trust = changetype<Trust>(loading.region.take(offsetof<Trust>()));
  if (!readBundle(loading, ptr, len, anchors, held.trust)) {
    returnMemory(block, size, Purpose.Configurations);
    return changetype<HeldTrust>(0);
  }
  const usedBytes = <i32>(loading.region.used() - block);
  held.blockBytes = usedBytes;
  held.holders = 1;
  shrinkMemory(block, size, usedBytes, Purpose.Configurations);
  return held;
}
