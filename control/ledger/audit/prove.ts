/** One entry and the proof that it is in the log, as C2SP tlog-proof: whoever has the log's key checks both, with any tool for it. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "../tlog/checkpoint.js";
import { COSIGNED } from "../tlog/file-source.js";
import { decodeNote, type Vkey } from "../tlog/note.js";
import { inclusionProof, makeTlogProof, parseTlogProof, verifyInclusion } from "../tlog/proof.js";
import { leafHash } from "../tlog/tree.js";
import { Broken } from "./problem.js";
import { openHead, type ReadEntry, readDecoded } from "./reader.js";

/** One request, or one grant, has fewer lines; a scan of a log that lies ends here. */
export const MAX_FOUND = 256;

/** What of an entry a proof is made from. */
export type Found = Pick<ReadEntry, "index" | "bytes">;

/** Only its own bytes are kept: not the file that they came in, nor a body beside the log. */
const keep = ({ index, bytes }: ReadEntry): Found => ({ index, bytes: Buffer.from(bytes) });

/** @throws where there is none of that index */
export async function entryAt(source: TileSource, size: number, index: number): Promise<Found> {
  for await (const entry of readDecoded(source, size, index, index + 1)) return keep(entry);
  throw new RangeError("no such entry");
}

/** The checkpoints that a proof can stand under. */
export interface Heads {
  readonly newest: Checkpoint;
  /** The newest that enough witnesses cosigned, with their lines, where there is one. */
  readonly cosigned: Checkpoint | undefined;
}

/** Undefined also where a web server does not say what is not there: then the newest has to do, which is read next. */
async function readCosigned(source: TileSource): Promise<Buffer | undefined> {
  try {
    return await source.read(COSIGNED);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode === 1) throw error;
    return undefined;
  }
}

/** @param key undefined: both are taken as they stand there, unverified */
export async function openHeads(source: TileSource, key: Vkey | undefined): Promise<Heads> {
  // Before the newest, as it is never ahead of that.
  const bytes = await readCosigned(source);
  const newest = await openHead(source, key);
  if (bytes === undefined) return { newest, cosigned: undefined };
  try {
    const note = decodeNote(bytes);
    const cosigned = key === undefined ? parseCheckpoint(note) : openCheckpoint(note, key);
    return { newest, cosigned: cosigned.size <= newest.size ? cosigned : undefined };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new Broken({ step: "witnesses", file: COSIGNED, says: error.message.replace(/\.$/, "") });
  }
}

/** The one that witnesses cosigned, where it covers the entry: it says more. */
export const headFor = ({ newest, cosigned }: Heads, { index }: Found): Checkpoint =>
  cosigned !== undefined && index < cosigned.size ? cosigned : newest;

export async function findEntries(
  source: TileSource,
  size: number,
  wanted: (entry: ReadEntry) => boolean,
  progress: (done: number) => void,
): Promise<Found[]> {
  const found: Found[] = [];
  for await (const entry of readDecoded(source, size, 0, size)) {
    progress(entry.index);
    if (wanted(entry)) found.push(keep(entry));
    if (found.length === MAX_FOUND) break;
  }
  return found;
}

/** @throws where the log's own tiles do not prove it */
export async function proveEntry(source: TileSource, heads: Heads, entry: Found): Promise<string> {
  const { index, bytes } = entry;
  const { size, root, text } = headFor(heads, entry);
  const proof = await inclusionProof(source, index, size, heads.newest.size);
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
