/** One entry and the proof that it is in the log, as C2SP tlog-proof: whoever has the log's key checks both, with any tool for it. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import type { Vkey } from "../tlog/note.js";
import { inclusionProof, makeTlogProof, parseTlogProof, verifyInclusion } from "../tlog/proof.js";
import { leafHash } from "../tlog/tree.js";
import { type ReadEntry, readDecoded } from "./reader.js";

/** One request, or one grant, has fewer lines; a scan of a log that lies ends here. */
export const MAX_FOUND = 256;

export async function findEntries(
  source: TileSource,
  size: number,
  wanted: (entry: ReadEntry) => boolean,
  progress: (done: number) => void,
): Promise<ReadEntry[]> {
  const found: ReadEntry[] = [];
  for await (const entry of readDecoded(source, size, 0, size)) {
    progress(entry.index);
    if (wanted(entry)) found.push(entry);
    if (found.length === MAX_FOUND) break;
  }
  return found;
}

/** @throws where the log's own tiles do not prove it */
export async function proveEntry(source: TileSource, checkpoint: Checkpoint, entry: ReadEntry): Promise<string> {
  const { index, bytes } = entry;
  const { size, root, text } = checkpoint;
  const proof = await inclusionProof(source, index, size);
  if (!verifyInclusion(leafHash(bytes), index, size, root, proof)) {
    throw new UserError(`The log does not prove its entry ${index}: entry, tiles and root do not agree.`, {
      exitCode: 1,
      hint: "`glassgate ledger verify` names the place.",
    });
  }
  return makeTlogProof({ index, proof, checkpoint: text });
}

export interface Checked {
  readonly index: number;
  readonly checkpoint: Checkpoint;
}

/** @throws UserError with exit code 1 where the proof does not hold, 2 where it is none */
export function checkProof(text: string, entry: Buffer, key: Vkey): Checked {
  const { index, proof, checkpoint: note } = parseTlogProof(text);
  const checkpoint = openCheckpoint(note, key);
  const { size, root, origin } = checkpoint;
  if (verifyInclusion(leafHash(entry), index, size, root, proof)) return { index, checkpoint };
  throw new UserError(
    `The proof does not hold: these ${entry.length} bytes are not entry ${index} of ${visible(origin)} at size ${size}, or the proof was changed.`,
    { exitCode: 1, hint: "The entry's file must have the entry's bytes and no more: no line end was added." },
  );
}
