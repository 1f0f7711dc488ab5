/** One bundle of entries held against its tile of level 0, and its blobs against their names: the work of a thread. */
import { createHash } from "node:crypto";
import { decodeEntry } from "../entry.js";
import type { TileSource } from "../log.js";
import { TILE_WIDTH as WIDTH } from "../tlog/tiles.js";
import { leafHash, rootOf } from "../tlog/tree.js";
import { entriesIn, readBundle, readTile } from "./files.js";
import type { Problem } from "./problem.js";

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
  readonly blobs: number;
  readonly badBlob: Problem | undefined;
}

/** Only a head that names a blob has this in it. */
const NAMES_A_BLOB = '"sha256":';

async function faultOfBlob(
  source: TileSource,
  sha256: string,
  length: number | undefined,
): Promise<string | undefined> {
  const bytes = await source.read(`blob/${sha256}`);
  if (bytes === undefined) return `its blob/${sha256} is missing`;
  if (createHash("sha256").update(bytes).digest("hex") !== sha256)
    return `its blob/${sha256} was changed: the name is not the SHA-256 of its bytes`;
  return bytes.length === length
    ? undefined
    : `its blob/${sha256} has ${bytes.length} bytes, and its head says ${length}`;
}

export async function checkBundle(source: TileSource, bundle: number, width: number): Promise<CheckedBundle> {
  const { path, bytes, offsets } = await readBundle(source, bundle, width);
  const tile = await readTile(source, 0, bundle, width);
  const entries = entriesIn(bytes, offsets);
  const hashes = entries.map(leafHash);
  const first = bundle * WIDTH;
  const differing = hashes.flatMap((hash, i) => (tile.hashes[i]?.equals(hash) === true ? [] : [i]));
  const [odd] = differing;
  let blobs = 0;
  let badBlob: Problem | undefined;
  for (const [i, entry] of entries.entries()) {
    const end = entry.indexOf("\n");
    if (end < 0 || !entry.subarray(0, end).includes(NAMES_A_BLOB)) continue;
    const head = decodeEntry(entry)?.head;
    if (head?.sha256 === undefined) continue;
    blobs += 1;
    const says = badBlob === undefined ? await faultOfBlob(source, head.sha256, head.bytes) : undefined;
    if (says !== undefined) badBlob = { step: "form", file: path, index: first + i, byte: offsets[i] ?? 0, says };
  }
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
    blobs,
    badBlob,
  };
}
