/** C2SP tlog-tiles: the names of tiles and entry bundles, and a bundle's bytes. */
import { UserError } from "../../base/errors.js";
import { HASH_BYTES } from "./tree.js";

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;
/** tlog-tiles gives an entry's length in 16 bits. */
export const MAX_TILE_ENTRY_BYTES = 65_535;
const LENGTH_BYTES = 2;
export const MAX_TILE_BYTES = TILE_WIDTH * HASH_BYTES;
export const MAX_BUNDLE_BYTES = TILE_WIDTH * (LENGTH_BYTES + MAX_TILE_ENTRY_BYTES);

/** `1234067` as `x001/x234/067`. */
function indexPath(index: number): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError("no index of a tile");
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g) ?? [];
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
}

function suffix(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) throw new RangeError("no width of a tile");
  return width === TILE_WIDTH ? "" : `.p/${width}`;
}

/** @param width hashes in it; a full tile by default */
export const tilePath = (level: number, index: number, width = TILE_WIDTH): string =>
  `tile/${level}/${indexPath(index)}${suffix(width)}`;

/** @param width entries in it; a full bundle by default */
export const entriesPath = (index: number, width = TILE_WIDTH): string =>
  `tile/entries/${indexPath(index)}${suffix(width)}`;

/** Hashes at a level of a tree of this size that stand for complete subtrees. */
export const countAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

/** How wide the tile is in a tree of this size; 0 where there is none. */
export const widthAt = (level: number, index: number, size: number): number =>
  Math.max(0, Math.min(TILE_WIDTH, countAt(level, size) - index * TILE_WIDTH));

export function makeBundle(entries: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    if (entry.length > MAX_TILE_ENTRY_BYTES) throw new RangeError("The entry is too long for a bundle.");
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(entry.length);
    parts.push(length, entry);
  }
  return Buffer.concat(parts);
}

/** The first `width` entries, and where they end. @throws where the bytes are cut */
function takeEntries(bytes: Buffer, width: number): { entries: Buffer[]; end: number } {
  const entries: Buffer[] = [];
  let at = 0;
  while (entries.length < width) {
    const begin = at + LENGTH_BYTES;
    const end = begin > bytes.length ? begin : begin + bytes.readUInt16BE(at);
    if (end > bytes.length) {
      throw new UserError(`The entry bundle is cut within its entry ${entries.length}; it should have ${width}.`, {
        exitCode: 1,
      });
    }
    entries.push(bytes.subarray(begin, end));
    at = end;
  }
  return { entries, end: at };
}

/** @param width how many entries it must have, exactly @returns views into the bytes */
export function parseBundle(bytes: Buffer, width: number): Buffer[] {
  const { entries, end } = takeEntries(bytes, width);
  if (end !== bytes.length)
    throw new UserError(`The entry bundle goes on behind its ${width} entries.`, { exitCode: 1 });
  return entries;
}

/** What the narrower bundle of that width was. */
export const cutBundle = (bytes: Buffer, width: number): Buffer => bytes.subarray(0, takeEntries(bytes, width).end);

/** The hashes of a tile. @throws where it has another width */
export function parseTile(bytes: Buffer, width: number): Buffer[] {
  if (bytes.length !== width * HASH_BYTES) {
    throw new UserError(`The tile has ${bytes.length} bytes; it should have ${width * HASH_BYTES}.`, { exitCode: 1 });
  }
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}
