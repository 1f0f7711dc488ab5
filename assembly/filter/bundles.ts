/**
 * Trust bundles and texts of revocations in memory. Several root contexts may hold a bundle; it is freed with the last. A text is its
 * domain's.
 */

import { Purpose, returnMemory, shrinkMemory, takeMemory } from "../heap";
import { bundleRegionBytes, readBundle } from "../trust/bundle";
import { Loading } from "../trust/loading";
import { RevocationText, readRevocations, Texts, textRegionBytes } from "../trust/revocations";
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

/** A text in a block of its own, which it stands at the start of. */
class HeldText extends RevocationText {
  blockBytes: i32 = 0;
}

/** Reads and verifies a text into a block of its own. 0 with `loading.reason` when it is refused. */
export function loadText(loading: Loading, ptr: usize, len: i32, anchors: Anchors, trust: Trust): RevocationText {
  const size = textRegionBytes(len);
  const block = takeMemory(size, Purpose.Configurations);
  if (block == 0) {
    loading.refuse("this VM has no memory for them");
    return changetype<RevocationText>(0);
  }
  loading.region.open(block, size);
  const text = changetype<HeldText>(loading.region.take(offsetof<HeldText>()));
  if (!readRevocations(loading, ptr, len, anchors, trust, text)) {
    returnMemory(block, size, Purpose.Configurations);
    return changetype<RevocationText>(0);
  }
  text.blockBytes = <i32>(loading.region.used() - block);
  shrinkMemory(block, size, text.blockBytes, Purpose.Configurations);
  return text;
}

export function releaseText(text: RevocationText): void {
  returnMemory(
    changetype<usize>(text),
    changetype<HeldText>(changetype<usize>(text)).blockBytes,
    Purpose.Configurations,
  );
}

export function releaseTexts(texts: Texts): void {
  while (texts.count > 0) {
    releaseText(texts.at(0));
    texts.remove(0);
  }
}
