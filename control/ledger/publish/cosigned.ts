/** What the witnesses cosigned, beside the checkpoint: of a tree that the store has, and never an older one over a newer. */
import { UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { COSIGNED } from "../tlog/file-source.js";
import { decodeNote, MAX_NOTE_BYTES, parseNote, type Vkey } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import { PublishConflict } from "./conflict.js";
import type { ObjectStore } from "./store.js";

/** Others replace it too: each time they were faster it is newer. */
const MAX_ROUNDS = 20;

/** Undefined where there is none here. @throws where it is not this log's */
export async function readCosigned(source: TileSource, vkey: Vkey): Promise<Checkpoint | undefined> {
  const bytes = await source.read(COSIGNED);
  if (bytes === undefined) return undefined;
  try {
    return openCheckpoint(decodeNote(bytes), vkey);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`The log here is damaged: its ${COSIGNED}: ${error.message} It is not published.`, {
      cause: error,
      exitCode: 1,
      hint: "`glassgate ledger serve` makes it anew, where it is removed.",
    });
  }
}

async function goesOn(source: TileSource, older: Checkpoint, newer: Checkpoint): Promise<boolean> {
  const proof = await consistencyProof(source, older.size, newer.size);
  return verifyConsistency(older.size, older.root, newer.size, newer.root, proof);
}

const signers = ({ text }: Checkpoint): number => parseNote(text).signatures.length;

/** Whether it says more than what is there. */
const isNews = (cosigned: Checkpoint, there: Checkpoint): boolean =>
  cosigned.size > there.size || (cosigned.size === there.size && signers(cosigned) > signers(there));

function openTheirs(bytes: Buffer, vkey: Vkey): Checkpoint {
  try {
    return openCheckpoint(decodeNote(bytes), vkey);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new PublishConflict(
      `What stands in the store as ${COSIGNED} is not this log's: ${error.message}`,
      "Somebody has changed the store: find out who, and remove it.",
    );
  }
}

/**
 * @param here the log's checkpoint, which is in the store now
 * @param cosigned read before it
 * @returns how many bytes were sent
 */
export async function publishCosigned(
  { source, vkey, store }: { readonly source: TileSource; readonly vkey: Vkey; readonly store: ObjectStore },
  cosigned: Checkpoint | undefined,
  here: Checkpoint,
): Promise<number> {
  // One of a larger tree is of a checkpoint that is to be published yet.
  if (cosigned === undefined || cosigned.size > here.size) return 0;
  if (!(await goesOn(source, cosigned, here)))
    throw new PublishConflict(
      `The log's checkpoint of ${here.size} entries does not go on from the one of ${cosigned.size} that witnesses cosigned.`,
      "Both are signed: keep both as they are, and find out who wrote the other one.",
    );
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const stored = await store.get(COSIGNED, MAX_NOTE_BYTES);
    const there = stored && openTheirs(stored.bytes, vkey);
    if (there !== undefined && !isNews(cosigned, there)) return 0;
    if (there !== undefined && !(await goesOn(source, there, here)))
      throw new PublishConflict(
        `The store holds a cosigned checkpoint of ${there.size} entries of another history of this log.`,
        "Both are signed: keep both as they are, and find out who wrote the other one.",
      );
    const bytes = Buffer.from(cosigned.text);
    if (await store.put(COSIGNED, bytes, stored ?? "absent")) return bytes.length;
  }
  throw new UserError(`Others replace ${COSIGNED} in the store again and again.`, {
    hint: "Publish a log from one place.",
  });
}
