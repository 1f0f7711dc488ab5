/** A log's first entry, where it is a shard that goes on from another. */
import { wholeEntry } from "../chain/reading.js";
import type { TileSource } from "../log.js";
import { type Opening, openingOf } from "../shard.js";
import { readEntries } from "../tlog/read.js";

/** Undefined for a log that has no predecessor. @param size of a tree that is verified */
export async function openingIn(source: TileSource, size: number): Promise<Opening | undefined> {
  if (size === 0) return undefined;
  for await (const { bytes } of readEntries(source, size, 0, 1)) {
    const entry = await wholeEntry(source, bytes);
    return entry?.head.type === "shard" ? openingOf(entry.body) : undefined;
  }
  return undefined;
}
