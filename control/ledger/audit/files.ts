/** A log's tiles and bundles, read at exactly the size that was signed: a file that is missing, cut or longer is named. */
import type { TileSource } from "../log.js";
import { entriesPath, tilePath, TILE_WIDTH as WIDTH } from "../tlog/tiles.js";
import { HASH_BYTES } from "../tlog/tree.js";
import { Broken } from "./problem.js";

interface Slice {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The partial file of that width, or the full one, which may have taken its place since. */
async function readEither(source: TileSource, step: "entries" | "tiles", full: string, part: string): Promise<Slice> {
  for (const path of part === full ? [full] : [part, full]) {
    const bytes = await source.read(path);
    if (bytes !== undefined) return { path, bytes };
  }
  throw new Broken({
    step,
    file: part,
    says: part === full ? "it is missing" : `it is missing, and so is the full one, ${full}`,
  });
}

export interface Tile {
  readonly path: string;
  readonly hashes: readonly Buffer[];
}

export const hashesIn = (bytes: Buffer): Buffer[] =>
  Array.from({ length: bytes.length / HASH_BYTES }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));

/** The first `width` hashes of a tile. */
export async function readTile(source: TileSource, level: number, index: number, width: number): Promise<Tile> {
  const full = tilePath(level, index);
  const { path, bytes } = await readEither(source, "tiles", full, tilePath(level, index, width));
  const wanted = (path === full ? WIDTH : width) * HASH_BYTES;
  if (bytes.length !== wanted)
    throw new Broken({ step: "tiles", file: path, says: `it has ${bytes.length} bytes, and must have ${wanted}` });
  return { path, hashes: hashesIn(bytes).slice(0, width) };
}

export interface Bundle {
  readonly path: string;
  /** Cut behind the last entry that was asked for. */
  readonly bytes: Buffer;
  /** Where each entry's length stands, and the end of the last. */
  readonly offsets: readonly number[];
}

/** Where a bundle's entries stand. @param path names it in the errors */
export function offsetsIn(bytes: Buffer, bundle: number, width: number, path: string): number[] {
  const offsets = [0];
  for (let at = 0; offsets.length <= width; ) {
    const end = at + 2 > bytes.length ? Number.POSITIVE_INFINITY : at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) {
      const held = offsets.length - 1;
      throw new Broken({
        step: "entries",
        file: path,
        index: bundle * WIDTH + held,
        byte: at,
        says:
          at === bytes.length
            ? `the file ends before it: it holds ${held} of ${width} entries`
            : `the file of ${bytes.length} bytes ends within it`,
      });
    }
    offsets.push(end);
    at = end;
  }
  return offsets;
}

/** The first `width` entries of a bundle. */
export async function readBundle(source: TileSource, bundle: number, width: number): Promise<Bundle> {
  const full = entriesPath(bundle);
  const { path, bytes } = await readEither(source, "entries", full, entriesPath(bundle, width));
  const offsets = offsetsIn(bytes, bundle, width, path);
  const end = offsets[width] ?? 0;
  const mayGoOn = path === full && width < WIDTH;
  if (end < bytes.length && !mayGoOn)
    throw new Broken({ step: "entries", file: path, byte: end, says: `more stands behind its ${width} entries` });
  return { path, bytes: bytes.subarray(0, end), offsets };
}

/** A bundle's entries, as they stand in its bytes. */
export const entriesIn = (bytes: Buffer, offsets: readonly number[]): Buffer[] =>
  offsets.slice(0, -1).map((at, i) => bytes.subarray(at + 2, offsets[i + 1]));

/** Bundles of a log of that size, and the width of one of them. */
export const bundlesOf = (size: number): number => Math.ceil(size / WIDTH);
export const widthOf = (bundle: number, size: number): number => Math.min(WIDTH, size - bundle * WIDTH);
