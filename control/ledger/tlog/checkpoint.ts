/** C2SP tlog-checkpoint: origin, tree size and root, signed as a note. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { fromBase64, parseNote, type Vkey, verifyNote } from "./note.js";
import { EMPTY_ROOT, HASH_BYTES } from "./tree.js";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** The whole note, signatures and all. */
  readonly text: string;
}

/** The text that is signed. Extension lines are never written: no monitor can audit them. */
export const checkpointText = (origin: string, size: number, root: Buffer): string =>
  `${origin}\n${size}\n${root.toString("base64")}\n`;

const malformed = (what: string): UserError => new UserError(`This is no checkpoint: ${what}.`);

/** A tree's size or an entry's index as the specifications write it; undefined for anything else. */
export function parseCount(text: string): number | undefined {
  const count = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}

/** What a note says as a checkpoint, unverified. Extension lines are allowed, and ignored. */
export function parseCheckpoint(note: string): Checkpoint {
  const lines = parseNote(note).text.slice(0, -1).split("\n");
  const [origin = "", count = "", hash = ""] = lines;
  if (lines.length < 3) throw malformed("it has fewer than three lines");
  if (lines.includes("")) throw malformed("it has an empty line");
  const size = parseCount(count);
  if (size === undefined) throw malformed("its second line is no tree size");
  const root = fromBase64(hash);
  if (root?.length !== HASH_BYTES) throw malformed("its third line is no SHA-256 hash");
  if (size === 0 && !root.equals(EMPTY_ROOT)) throw malformed("an empty tree has another root");
  return { origin, size, root, text: note };
}

/**
 * The checkpoint, signed by this key.
 * @throws where the signature is missing or does not hold, and where the checkpoint is of another log than the key
 */
export function openCheckpoint(note: string, vkey: Vkey): Checkpoint {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint.origin !== vkey.name) {
    throw new UserError(
      `The checkpoint is of the log ${visible(checkpoint.origin)}, the key of ${visible(vkey.name)}.`,
      {
        exitCode: 1,
      },
    );
  }
  verifyNote(note, [vkey]);
  return checkpoint;
}
