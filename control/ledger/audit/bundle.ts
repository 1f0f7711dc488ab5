/** One bundle of entries held against its tile of level 0: the work of a thread. */
import type { TileSource } from "../log.js";
import { TILE_WIDTH as WIDTH } from "../tlog/tiles.js";
import { leafHash, rootOf } from "../tlog/tree.js";
import { entriesIn, readBundle, readTile } from "./files.js";

/** An entry whose hash is not the one in the tile. */
export interface Differing {
  readonly index: number;
  readonly file: string;
  readonly byte: number;
  readonly tile: string;
  readonly at: number;
  /** Where the tile has this entry's hash, if it has it. */
  readonly belongsAt: number | undefined;
}

/** Plain data: it is handed from thread to thread. */
export interface CheckedBundle {
  readonly bundle: number;
  readonly path: string;
  /** Of exactly its entries. */
  readonly bytes: Uint8Array;
  readonly offsets: readonly number[];
  /** Of a full bundle the hash over its entries; of the last, partial one its entries' hashes. */
  readonly hashes: readonly Uint8Array[];
  readonly differing: number;
  readonly firstDiffering: Differing | undefined;
}

export async function checkBundle(source: TileSource, bundle: number, width: number): Promise<CheckedBundle> {
  const { path, bytes, offsets } = await readBundle(source, bundle, width);
  const tile = await readTile(source, 0, bundle, width);
  const entries = entriesIn(bytes, offsets);
  const hashes = entries.map(leafHash);
  const first = bundle * WIDTH;
  const differing = hashes.flatMap((hash, i) => (tile.hashes[i]?.equals(hash) === true ? [] : [i]));
  const [odd] = differing;
  const belongs = odd === undefined ? -1 : tile.hashes.findIndex((hash) => hashes[odd]?.equals(hash));
  return {
    bundle,
    path,
    bytes,
    offsets,
    hashes: width === WIDTH ? [rootOf(hashes)] : hashes,
    differing: differing.length,
    firstDiffering:
      odd === undefined
        ? undefined
        : {
            index: first + odd,
            file: path,
            byte: offsets[odd] ?? 0,
            tile: tile.path,
            at: odd,
            belongsAt: belongs < 0 ? undefined : first + belongs,
          },
  };
}
