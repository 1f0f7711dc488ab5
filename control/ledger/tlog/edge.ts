/**
 * The right edge of a growing tree: all that is needed to go on with it, and to know its root. At each level the hashes of the tile
 * that is not full yet, and of the lowest one its entries. So appending never reads a tile again.
 */

import { UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import { readBundle, readTile } from "./read.js";
import { countAt, entriesPath, makeBundle, TILE_WIDTH, tilePath } from "./tiles.js";
import { EMPTY_ROOT, leafHash, rootOf } from "./tree.js";

export interface Edge {
  readonly size: number;
  /** By level, each at most 255 hashes. */
  readonly levels: readonly (readonly Buffer[])[];
  /** Of the bundle that is not full yet. */
  readonly entries: readonly Buffer[];
}

export const EMPTY_EDGE: Edge = { size: 0, levels: [], entries: [] };

export interface TreeFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The root of the whole tree: what is left over at a level is the last, incomplete, neighbour at the next. */
export function edgeRoot(edge: Edge): Buffer {
  let root: Buffer | undefined;
  for (const hashes of edge.levels) {
    if (hashes.length > 0 || root !== undefined) root = rootOf(root === undefined ? hashes : [...hashes, root]);
  }
  return root ?? EMPTY_ROOT;
}

/** A level that grows: the hashes of its last tile, and where that tile is. */
interface Level {
  hashes: Buffer[];
  index: number;
  isChanged: boolean;
}

/** The edge behind these entries, and the files by which the larger tree differs. */
export function grow(edge: Edge, entries: readonly Buffer[]): { edge: Edge; files: TreeFile[] } {
  const files: TreeFile[] = [];
  const levels: Level[] = edge.levels.map((hashes, level) => ({
    hashes: [...hashes],
    index: Math.floor(countAt(level, edge.size) / TILE_WIDTH),
    isChanged: false,
  }));
  const put = (level: number, hash: Buffer): void => {
    const row = levels[level] ?? { hashes: [], index: 0, isChanged: false };
    levels[level] = row;
    row.hashes.push(hash);
    row.isChanged = true;
    if (row.hashes.length < TILE_WIDTH) return;
    files.push({ path: tilePath(level, row.index), bytes: Buffer.concat(row.hashes) });
    put(level + 1, rootOf(row.hashes));
    row.hashes = [];
    row.index += 1;
  };
  let bundle = [...edge.entries];
  let bundleIndex = Math.floor(edge.size / TILE_WIDTH);
  for (const entry of entries) {
    bundle.push(entry);
    if (bundle.length === TILE_WIDTH) {
      files.push({ path: entriesPath(bundleIndex), bytes: makeBundle(bundle) });
      bundle = [];
      bundleIndex += 1;
    }
    put(0, leafHash(entry));
  }
  if (bundle.length > 0 && entries.length > 0)
    files.push({ path: entriesPath(bundleIndex, bundle.length), bytes: makeBundle(bundle) });
  levels.forEach(({ hashes, index, isChanged }, level) => {
    if (isChanged && hashes.length > 0)
      files.push({ path: tilePath(level, index, hashes.length), bytes: Buffer.concat(hashes) });
  });
  return {
    edge: { size: edge.size + entries.length, levels: levels.map(({ hashes }) => hashes), entries: bundle },
    files,
  };
}

/** The edge of the tree of this size, from its files. @throws where one is missing, or does not fit another */
export async function readEdge(source: TileSource, size: number): Promise<Edge> {
  const levels: Buffer[][] = [];
  for (let level = 0; countAt(level, size) > 0; level++) {
    const count = countAt(level, size);
    const isPartial = count % TILE_WIDTH > 0;
    levels.push(isPartial ? await readTile(source, level, Math.floor(count / TILE_WIDTH), size) : []);
  }
  const bundle = Math.floor(size / TILE_WIDTH);
  const entries = size % TILE_WIDTH === 0 ? [] : await readBundle(source, bundle, size);
  const hashes = levels[0] ?? [];
  const wrong = entries.findIndex((entry, i) => hashes[i]?.equals(leafHash(entry)) !== true);
  if (wrong >= 0) {
    throw new UserError(
      `Entry ${bundle * TILE_WIDTH + wrong} in ${entriesPath(bundle, entries.length)} is not the one of its tile.`,
      { exitCode: 1 },
    );
  }
  return { size, levels, entries };
}
