/**
 * Reading a tree from its tiles: in bounded memory, and for a tree of a given size, which the caller has from a checkpoint. What is
 * read is compared with nothing here: who needs that compares roots.
 */

import { UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import {
  countAt,
  cutBundle,
  entriesPath,
  MAX_TILE_BYTES,
  parseBundle,
  parseTile,
  TILE_WIDTH,
  tilePath,
  widthAt,
} from "./tiles.js";
import { EMPTY_ROOT, HASH_BYTES, nodeHash, rootOf, splitOf } from "./tree.js";

export { fileSource } from "./file-source.js";
export { httpSource } from "./http-source.js";

const missing = (path: string): UserError =>
  new UserError(`${path} is missing.`, {
    exitCode: 1,
    hint: "Copy the ledger again: the tiles first, its checkpoint last.",
  });

/** The bytes under the name of that width, or, once the partial one is gone, what the full one begins with. */
async function readWidth(
  source: TileSource,
  path: (width: number) => string,
  width: number,
  cut: (bytes: Buffer) => Buffer,
): Promise<Buffer> {
  const exact = await source.read(path(width));
  if (exact !== undefined) return exact;
  const full = width === TILE_WIDTH ? undefined : await source.read(path(TILE_WIDTH));
  if (full === undefined) throw missing(path(width));
  return cut(full);
}

/** The hashes of one tile of a tree of this size. */
export async function readTile(source: TileSource, level: number, index: number, size: number): Promise<Buffer[]> {
  const width = widthAt(level, index, size);
  if (width === 0) throw new RangeError("no such tile in a tree of this size");
  const path = (wide: number): string => tilePath(level, index, wide);
  const bytes = await readWidth(source, path, width, (full) =>
    full.length === MAX_TILE_BYTES ? full.subarray(0, width * HASH_BYTES) : full,
  );
  return named(path(width), () => parseTile(bytes, width));
}

/** The entries of one bundle of a tree of this size. */
export async function readBundle(source: TileSource, index: number, size: number): Promise<Buffer[]> {
  const width = widthAt(0, index, size);
  if (width === 0) throw new RangeError("no such bundle in a tree of this size");
  const path = (wide: number): string => entriesPath(index, wide);
  const bytes = await readWidth(source, path, width, (full) => named(path(TILE_WIDTH), () => cutBundle(full, width)));
  return named(path(width), () => parseBundle(bytes, width));
}

/** Says which file it was. */
function named<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${path}: ${error.message}`, { cause: error, exitCode: error.exitCode });
  }
}

export interface IndexedEntry {
  readonly index: number;
  readonly bytes: Buffer;
}

/** Entries `from` to before `to` of a tree of this size, one bundle in memory at a time. */
export async function* readEntries(
  source: TileSource,
  size: number,
  from = 0,
  to = size,
): AsyncGenerator<IndexedEntry, void, undefined> {
  if (from < 0 || from > to || to > size) throw new RangeError("no such entries in a tree of this size");
  for (let next = from; next < to; ) {
    const bundle = Math.floor(next / TILE_WIDTH);
    const entries = await readBundle(source, bundle, size);
    const first = bundle * TILE_WIDTH;
    for (const bytes of entries.slice(next - first, to - first)) yield { index: next++, bytes };
  }
}

/** Hashes of subtrees of a tree of one size, with the tiles that were read for them. A proof needs few of them. */
export class Subtrees {
  private readonly tiles = new Map<string, Promise<Buffer[]>>();

  constructor(
    private readonly source: TileSource,
    readonly size: number,
  ) {}

  /** The hash over entries `begin` to before `end`, as RFC 6962 has it for a part that its splits lead to. */
  async hash(begin: number, end: number): Promise<Buffer> {
    const count = end - begin;
    if (count === 0) return EMPTY_ROOT;
    const half = count === 1 ? 0 : splitOf(count);
    if (count === 1 || half * 2 === count) return this.complete(begin, count);
    return nodeHash(await this.complete(begin, half), await this.hash(begin + half, end));
  }

  /** @param count a power of two, of which `begin` is a multiple */
  private async complete(begin: number, count: number): Promise<Buffer> {
    let level = 0;
    let unit = 1;
    while (unit * TILE_WIDTH <= count) {
      unit *= TILE_WIDTH;
      level += 1;
    }
    const first = begin / unit;
    const index = Math.floor(first / TILE_WIDTH);
    const hashes = await this.tile(level, index);
    const offset = first - index * TILE_WIDTH;
    return rootOf(hashes.slice(offset, offset + count / unit));
  }

  private tile(level: number, index: number): Promise<Buffer[]> {
    const name = tilePath(level, index);
    const known = this.tiles.get(name) ?? readTile(this.source, level, index, this.size);
    this.tiles.set(name, known);
    return known;
  }
}

/** The root of the tree of this size, from its right edge alone. */
export async function rootAt(source: TileSource, size: number): Promise<Buffer> {
  let root: Buffer | undefined;
  for (let level = 0; countAt(level, size) > 0; level++) {
    const index = Math.floor(countAt(level, size) / TILE_WIDTH);
    const hashes = widthAt(level, index, size) === 0 ? [] : await readTile(source, level, index, size);
    if (root !== undefined) hashes.push(root);
    if (hashes.length > 0) root = rootOf(hashes);
  }
  return root ?? EMPTY_ROOT;
}
