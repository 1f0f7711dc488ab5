/** The alarms of the last hours by code, read from the end of the log. */
import { decodeFinding } from "../chain/finding.js";
import { decodeEntry } from "../entry.js";
import type { TileSource } from "../log.js";
import { readBundle } from "../tlog/read.js";
import { TILE_WIDTH } from "../tlog/tiles.js";

/** 256,000 entries, a second or two: further back nobody waits for it. */
const MAX_BUNDLES = 1000;

export interface RecentAlarms {
  readonly codes: ReadonlyMap<string, number>;
  /** Whether all entries since then were looked at, not the newest ones alone. */
  readonly isComplete: boolean;
}

/** @param since milliseconds since 1970, by the ledger's clock */
export async function recentAlarms(source: TileSource, size: number, since: number): Promise<RecentAlarms> {
  const codes = new Map<string, number>();
  const last = Math.ceil(size / TILE_WIDTH) - 1;
  for (let bundle = last; bundle >= 0; bundle--) {
    if (last - bundle >= MAX_BUNDLES) return { codes, isComplete: false };
    const entries = (await readBundle(source, bundle, size)).map(decodeEntry);
    for (const entry of entries) {
      if (entry?.head.type !== "alarm" || Date.parse(entry.head.received) < since) continue;
      const code = decodeFinding(entry.body)?.code;
      if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    const first = entries[0];
    if (first !== undefined && Date.parse(first.head.received) < since) break;
  }
  return { codes, isComplete: true };
}
