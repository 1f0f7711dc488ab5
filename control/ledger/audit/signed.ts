/** Checkpoints: the log's own, those that somebody kept, and whether the log goes on from them. */
import { messageOf, UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "../tlog/checkpoint.js";
import { decodeNote, type Vkey, verifyNote } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import { rootAt } from "../tlog/read.js";
import { Broken } from "./problem.js";

/** A shard of a ledger has no more: the hashes over its bundles would not fit into memory. */
export const MAX_ENTRIES = 2 ** 32;

/** A checkpoint that somebody kept. */
export interface Kept {
  readonly file: string;
  readonly bytes: Buffer;
}

export async function readCheckpoint(source: TileSource): Promise<string> {
  const bytes = await source.read("checkpoint");
  if (bytes === undefined)
    throw new Broken({
      step: "checkpoint",
      file: "checkpoint",
      says: "it is missing: this is no log, or somebody took it away",
    });
  try {
    return decodeNote(bytes);
  } catch (error) {
    throw new Broken({ step: "checkpoint", file: "checkpoint", says: sentence(error) });
  }
}

/** An error's sentence as the end of another. */
export const sentence = (error: unknown): string => messageOf(error).replace(/\.$/, "");

/**
 * Where the signature does not hold: which line was changed, if putting back what the tiles say makes it hold.
 * The root is the only line that the tiles know.
 */
async function changedLine(source: TileSource, note: string, key: Vkey): Promise<string> {
  try {
    const { size, root } = parseCheckpoint(note);
    const made = (await rootAt(source, Math.min(size, MAX_ENTRIES))).toString("base64");
    verifyNote(note.replace(root.toString("base64"), made), [key]);
    return `; its third line was changed: what was signed there is the root of the tiles, ${made}`;
  } catch {
    return ""; // Then nobody knows what stood there.
  }
}

export async function openSigned(source: TileSource, key: Vkey): Promise<Checkpoint> {
  const note = await readCheckpoint(source);
  try {
    const checkpoint = openCheckpoint(note, key);
    if (checkpoint.size <= MAX_ENTRIES) return checkpoint;
    throw new UserError(`It says that there are ${checkpoint.size} entries: no ledger has as many.`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const more = await changedLine(source, note, key);
    throw new Broken({ step: "checkpoint", file: "checkpoint", says: `${sentence(error)}${more}` });
  }
}

/** A kept checkpoint that this key did not sign is a wrong input: it says nothing about this log. */
export function openKept({ file, bytes }: Kept, key: Vkey): Checkpoint {
  try {
    return openCheckpoint(decodeNote(bytes), key);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`The kept checkpoint ${file} does not count: ${error.message}`, {
      cause: error,
      hint: "Name one of this very log, as its `checkpoint` file was then.",
    });
  }
}

type Signed = Pick<Checkpoint, "size" | "root">;

/** Why this log does not go on from what was signed then. */
export async function faultSince(source: TileSource, kept: Signed, now: Signed): Promise<string | undefined> {
  if (kept.size > now.size)
    return `${kept.size} entries were there and were signed; now there are ${now.size}: the tail was cut off`;
  const proof = await consistencyProof(source, kept.size, now.size);
  if (verifyConsistency(kept.size, kept.root, now.size, now.root, proof)) return undefined;
  return `entries 0 to ${kept.size - 1} are not what was signed then: at least one of them was changed, removed or put between`;
}
