/** What can be said of a log's folder without its key's passphrase, and without disturbing who writes to it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { decodeNote, type Vkey } from "../tlog/note.js";
import { fileSource } from "../tlog/read.js";
import { diskUse } from "./disk-use.js";
import { nodeFiles } from "./fileops.js";
import { type Holder, holderOf, isSameHolder, liveHolderOf } from "./lock.js";
import { isSurelyGone } from "./process.js";
import { SignedRecord, type SignedTree } from "./signed.js";
import { keptCheckpoint, keptFile } from "./tessera-folder.js";

export interface LogStatus {
  readonly checkpoint: Checkpoint;
  /** When it was published, by the file system's clock. */
  readonly publishedAt: Date;
  /** What the record beside the key says was signed last. */
  readonly signed: SignedTree;
  readonly holder: Holder | undefined;
  /** Of the holder: its process has ended, and the next writer takes its place. */
  readonly isHolderGone: boolean;
  /** Who has the key, which may be in use with another folder, or left behind: that keeps a writer out just as well. */
  readonly keyHolder: Holder | undefined;
  readonly disk: { readonly files: number; readonly bytes: number };
}

/** Whether the folder's tree is the one that was signed last, or one that the next start goes on from. */
export function faultOf({ checkpoint, signed, holder }: LogStatus): string | undefined {
  if (signed.origin !== checkpoint.origin) return `the record beside the key is of ${visible(signed.origin)}`;
  // Between signing and publishing the record is ahead for a moment.
  if (signed.size > checkpoint.size && holder !== undefined) return undefined;
  if (signed.size !== checkpoint.size)
    return `the key has signed a tree of ${signed.size} entries last, and the folder has ${checkpoint.size}`;
  return signed.root.equals(checkpoint.root) ? undefined : "the key has signed another tree of this size";
}

/** Of the key's lock, where that is another one's than the folder's. */
async function keyHolderOf(path: string, writer: Holder | undefined): Promise<Holder | undefined> {
  const holder = await liveHolderOf(path);
  return holder === undefined || isSameHolder(holder, writer) ? undefined : holder;
}

async function standingOf(
  folder: string,
  signedPath: string,
): Promise<Omit<LogStatus, "checkpoint" | "publishedAt" | "signed">> {
  const holder = await holderOf(join(folder, "lock"));
  return {
    holder,
    isHolderGone: holder !== undefined && isSurelyGone(holder),
    keyHolder: await keyHolderOf(`${signedPath}.lock`, holder),
    disk: await diskUse(folder),
  };
}

/** @throws where the checkpoint is missing, or not signed by this key */
export async function readLogStatus(folder: string, vkey: Vkey, signedPath: string): Promise<LogStatus> {
  const bytes = await fileSource(folder).read("checkpoint");
  if (bytes === undefined) {
    throw new UserError(`${visible(folder)} is no ledger: it has no checkpoint.`, {
      hint: "`glassgate ledger init` makes one.",
    });
  }
  const checkpoint = openCheckpoint(decodeNote(bytes), vkey);
  const { last } = await SignedRecord.open(nodeFiles, signedPath);
  return {
    checkpoint,
    publishedAt: (await stat(join(folder, "checkpoint"))).mtime,
    signed: last,
    ...(await standingOf(folder, signedPath)),
  };
}

/** Of a log that a Tessera writes, as it was seen last. @param vkey Tessera's */
export async function readTesseraStatus(folder: string, vkey: Vkey, signedPath: string): Promise<LogStatus> {
  const kept = keptCheckpoint(folder);
  if (kept === undefined)
    throw new UserError(`${visible(folder)} has not seen the log of its Tessera yet.`, {
      hint: `Start it: glassgate ledger serve ${visible(folder)}`,
    });
  const checkpoint = openCheckpoint(kept, vkey);
  const publishedAt = (await stat(keptFile(folder))).mtime;
  return { checkpoint, publishedAt, signed: checkpoint, ...(await standingOf(folder, signedPath)) };
}
