/** All entries of a signed tree, with the bodies that stand beside it; at the end it is certain that they were what was signed. */
import { UserError } from "../../base/errors.js";
import { wholeEntry } from "../chain/reading.js";
import type { Entry } from "../entry.js";
import type { TileSource } from "../log.js";
import type { Checkpoint } from "../tlog/checkpoint.js";
import { EMPTY_EDGE, edgeRoot, grow } from "../tlog/edge.js";
import { readBundle } from "../tlog/read.js";
import { TILE_WIDTH } from "../tlog/tiles.js";

export interface WholeEntry {
  readonly index: number;
  readonly entry: Entry;
}

/** @throws at the end, where the root is another: what was handed out before does not count then */
export async function* wholeEntries(
  source: TileSource,
  { origin, size, root }: Checkpoint,
): AsyncGenerator<WholeEntry, void, undefined> {
  let edge = EMPTY_EDGE;
  for (let bundle = 0; bundle * TILE_WIDTH < size; bundle++) {
    const entries = await readBundle(source, bundle, size);
    for (const [i, bytes] of entries.entries()) {
      const index = bundle * TILE_WIDTH + i;
      const entry = await wholeEntry(source, bytes);
      if (entry === undefined)
        throw new UserError(`Entry ${index} of ${origin} is none that a ledger writes, or its blob is missing.`, {
          exitCode: 1,
          hint: "`glassgate ledger verify` tells more.",
        });
      yield { index, entry };
    }
    edge = grow(edge, entries).edge;
  }
  if (!edgeRoot(edge).equals(root))
    throw new UserError(`The entries of ${origin} are not those that were signed: their root is another.`, {
      exitCode: 1,
      hint: "`glassgate ledger verify` names the first that is wrong.",
    });
}
