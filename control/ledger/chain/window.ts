/**
 * The records of one VM by `seq`, 16 bytes each: what tells a line that comes again from a fork, and a published head from another.
 *
 *   | first 48 bits of the record's SHA-256 | first 48 bits of SHA-256(salt, SHA-256) | index u32 |
 *
 * Nobody outside knows the salt, so nobody can make a second record that would be taken for the first. A ring that grows up to `max`
 * slots; what is older than that is forgotten.
 */
import { hash } from "node:crypto";

const HASH_BYTES = 12;
const HEAD_BYTES = 6;
const FIRST_SLOTS = 64;
const EMPTY = 0xffff_ffff;

export interface SeqWindow {
  /** The lowest and highest `seq` that it can tell of; `high` 0: nothing yet. */
  low: number;
  high: number;
  indices: Uint32Array;
  hashes: Uint8Array;
}

export function newWindow(): SeqWindow {
  return {
    low: 1,
    high: 0,
    indices: new Uint32Array(FIRST_SLOTS).fill(EMPTY),
    hashes: new Uint8Array(FIRST_SLOTS * HASH_BYTES),
  };
}

/** @param sha256 of the record, 32 bytes */
export function shortHash(salt: Uint8Array, sha256: Buffer): Buffer {
  const salted = hash("sha256", Buffer.concat([salt, sha256]), "buffer");
  return Buffer.concat([sha256.subarray(0, HEAD_BYTES), salted.subarray(0, HASH_BYTES - HEAD_BYTES)]);
}

const slotOf = (window: SeqWindow, seq: number): number => seq % window.indices.length;

function grow(window: SeqWindow, slots: number): void {
  const { low, high, indices, hashes } = window;
  const old = indices.length;
  window.indices = new Uint32Array(slots).fill(EMPTY);
  window.hashes = new Uint8Array(slots * HASH_BYTES);
  for (let seq = low; seq <= high; seq++) {
    const from = seq % old;
    const to = seq % slots;
    window.indices[to] = indices[from] ?? EMPTY;
    window.hashes.set(hashes.subarray(from * HASH_BYTES, (from + 1) * HASH_BYTES), to * HASH_BYTES);
  }
}

/** @param max slots, a power of two times 64 */
export function put(window: SeqWindow, seq: number, hash: Buffer, index: number, max: number): void {
  const isFirst = window.high === 0;
  let low = isFirst ? seq : Math.min(window.low, seq);
  const high = Math.max(window.high, seq);
  let slots = window.indices.length;
  while (high - low + 1 > slots && slots < max) slots *= 2;
  if (slots !== window.indices.length) grow(window, slots);
  if (high - low + 1 > slots) low = high - slots + 1;
  if (seq < low) return;
  // What stood in the slots of those that were skipped is too old.
  if (isFirst || low > window.high) window.indices.fill(EMPTY);
  else {
    for (let between = window.high + 1; between <= high; between++) window.indices[between % slots] = EMPTY;
    for (let between = low; between < window.low; between++) window.indices[between % slots] = EMPTY;
  }
  window.low = low;
  window.high = high;
  const slot = slotOf(window, seq);
  window.indices[slot] = index;
  window.hashes.set(hash, slot * HASH_BYTES);
}

/** Its entry's index, or undefined where that seq is not there. */
export function indexAt(window: SeqWindow, seq: number): number | undefined {
  if (seq < window.low || seq > window.high) return undefined;
  const index = window.indices[slotOf(window, seq)] ?? EMPTY;
  return index === EMPTY ? undefined : index;
}

/** @returns whether the record at `seq`, which must be there, has this hash */
export function isSame(window: SeqWindow, seq: number, hash: Buffer): boolean {
  const at = slotOf(window, seq) * HASH_BYTES;
  return hash.equals(window.hashes.subarray(at, at + HASH_BYTES));
}

/** The first 48 bits of the SHA-256 of the record at `seq`, which must be there. */
export function headAt(window: SeqWindow, seq: number): string {
  const at = slotOf(window, seq) * HASH_BYTES;
  return Buffer.from(window.hashes.subarray(at, at + HEAD_BYTES)).toString("hex");
}

/** Whether there is nothing that it could tell of that seq, as it is too old. */
export function isForgotten(window: SeqWindow, seq: number, max: number): boolean {
  return window.high > 0 && seq <= window.high - max;
}
