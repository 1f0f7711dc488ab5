/**
 * The records of one VM by `seq`, 16 bytes each: what tells a line that comes again from a fork, and a published head from another.
 *
 *   | index u32 | first 48 bits of the record's SHA-256 | first 48 bits of SHA-256(salt, SHA-256) |
 *
 * Nobody outside knows the salt, so nobody can make a second record that would be taken for the first. Of `max` slots up to the newest
 * there are pages where records are: whoever claims a high `seq` gets the page that he paid for with a record. What is older is forgotten.
 */
import { hash as digest } from "node:crypto";

const HASH_BYTES = 12;
const HEAD_BYTES = 6;
/** 2 KiB: next to it what a page costs besides is little. */
const PAGE_SLOTS = 128;
const SLOT_WORDS = 4;
const EMPTY = 0xffff_ffff;

export interface SeqWindow {
  /** The lowest and highest `seq` that it can tell of; `high` 0: nothing yet. */
  low: number;
  high: number;
  /** By `seq` divided by PAGE_SLOTS. */
  readonly pages: Map<number, Uint32Array>;
}

export const newWindow = (): SeqWindow => ({ low: 1, high: 0, pages: new Map() });

const SALT_BYTES = 32;
const salted = Buffer.alloc(SALT_BYTES + 32);

/** @param salt 32 bytes @param sha256 of the record, 32 bytes */
export function shortHash(salt: Uint8Array, sha256: Buffer): Buffer {
  salted.set(salt);
  salted.set(sha256, SALT_BYTES);
  const made = Buffer.allocUnsafe(HASH_BYTES);
  sha256.copy(made, 0, 0, HEAD_BYTES);
  made.write(digest("sha256", salted, "binary"), HEAD_BYTES, "binary");
  return made;
}

const pageOf = (seq: number): number => Math.floor(seq / PAGE_SLOTS);
const wordOf = (seq: number): number => (seq % PAGE_SLOTS) * SLOT_WORDS;

/** Drops the pages that lie below the new `low`. */
function forget({ pages, low: before }: SeqWindow, low: number): void {
  const [from, to] = [pageOf(before), pageOf(low)];
  if (to - from <= pages.size) for (let page = from; page < to; page++) pages.delete(page);
  else for (const page of pages.keys()) if (page < to) pages.delete(page);
}

/** @param max slots */
export function put(window: SeqWindow, seq: number, hash: Buffer, index: number, max: number): void {
  const isFirst = window.high === 0;
  const high = Math.max(window.high, seq);
  const low = Math.max(isFirst ? seq : Math.min(window.low, seq), high - max + 1);
  if (seq < low) return;
  // Once `low` has risen it never falls, so what a page still holds below it stays out of sight.
  if (!isFirst && low > window.low) forget(window, low);
  window.low = low;
  window.high = high;
  const page = window.pages.get(pageOf(seq)) ?? new Uint32Array(PAGE_SLOTS * SLOT_WORDS).fill(EMPTY);
  window.pages.set(pageOf(seq), page);
  const at = wordOf(seq);
  page[at] = index;
  for (let word = 1; word < SLOT_WORDS; word++) page[at + word] = hash.readUInt32BE((word - 1) * 4);
}

/** Its entry's index, or undefined where that seq is not there. */
export function indexAt(window: SeqWindow, seq: number): number | undefined {
  if (seq < window.low || seq > window.high) return undefined;
  const index = window.pages.get(pageOf(seq))?.[wordOf(seq)] ?? EMPTY;
  return index === EMPTY ? undefined : index;
}

/** @returns whether the record at `seq`, which must be there, has this hash */
export function isSame(window: SeqWindow, seq: number, hash: Buffer): boolean {
  const page = window.pages.get(pageOf(seq));
  const at = wordOf(seq);
  for (let word = 1; word < SLOT_WORDS; word++)
    if (page?.[at + word] !== hash.readUInt32BE((word - 1) * 4)) return false;
  return true;
}

/** The first 48 bits of the SHA-256 of the record at `seq`, which must be there. */
export function headAt(window: SeqWindow, seq: number): string {
  const page = window.pages.get(pageOf(seq));
  const at = wordOf(seq);
  const [first = 0, second = 0] = [page?.[at + 1], page?.[at + 2]];
  return (
    first.toString(16).padStart(8, "0") +
    Math.floor(second / 2 ** 16)
      .toString(16)
      .padStart(4, "0")
  );
}

/** Whether there is nothing that it could tell of that seq, as it is too old. */
export function isForgotten(window: SeqWindow, seq: number, max: number): boolean {
  return window.high > 0 && seq <= window.high - max;
}
