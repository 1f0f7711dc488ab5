/** A log in memory, made from the right edge alone, and the same tree as RFC 6962 defines it, word for word. */
import { createHash } from "node:crypto";
import type { TileSource } from "../../../control/ledger/log.js";
import { type Edge, EMPTY_EDGE, grow } from "../../../control/ledger/tlog/edge.js";

export class MemoryLog implements TileSource {
  readonly files = new Map<string, Buffer>();
  readonly entries: Buffer[] = [];
  edge: Edge = EMPTY_EDGE;

  append(entries: readonly Buffer[]): void {
    const { edge, files } = grow(this.edge, entries);
    this.edge = edge;
    this.entries.push(...entries);
    for (const { path, bytes } of files) this.files.set(path, bytes);
  }

  async read(path: string): Promise<Buffer | undefined> {
    return this.files.get(path);
  }
}

export const entryOf = (index: number): Buffer => Buffer.from(`entry ${index}`);

export const entriesOf = (from: number, to: number): Buffer[] =>
  Array.from({ length: to - from }, (_, i) => entryOf(from + i));

const sha256 = (...parts: readonly Buffer[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** MTH of RFC 6962, section 2.1. */
export function treeHash(entries: readonly Buffer[]): Buffer {
  const [first] = entries;
  if (first === undefined) return sha256();
  if (entries.length === 1) return sha256(Buffer.of(0), first);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha256(Buffer.of(1), treeHash(entries.slice(0, k)), treeHash(entries.slice(k)));
}

/** PATH of section 2.1.1. */
export function pathOf(index: number, entries: readonly Buffer[]): Buffer[] {
  if (entries.length === 1) return [];
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return index < k
    ? [...pathOf(index, entries.slice(0, k)), treeHash(entries.slice(k))]
    : [...pathOf(index - k, entries.slice(k)), treeHash(entries.slice(0, k))];
}

/** SUBPROOF of section 2.1.2. */
export function subproofOf(from: number, entries: readonly Buffer[], whole = true): Buffer[] {
  if (from === entries.length) return whole ? [] : [treeHash(entries)];
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return from <= k
    ? [...subproofOf(from, entries.slice(0, k), whole), treeHash(entries.slice(k))]
    : [...subproofOf(from - k, entries.slice(k), false), treeHash(entries.slice(0, k))];
}
