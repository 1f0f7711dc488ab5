/** The entries of a ledger as `tail`, `prove` and `export` read them: decoded, within the size of its checkpoint, blobs and all. */
import { createHash } from "node:crypto";
import { decodeEntry, type Entry, type EntryHead } from "../entry.js";
import type { TileSource } from "../log.js";
import { readReview } from "../review.js";
import { type Checkpoint, parseCheckpoint } from "../tlog/checkpoint.js";
import type { Vkey } from "../tlog/note.js";
import { readEntries } from "../tlog/read.js";
import { namesBlob, readBlob } from "./blob.js";
import { asciiJson, bodyMember, membersOf, textOf } from "./line.js";
import { Broken } from "./problem.js";
import { openSigned, readCheckpoint } from "./signed.js";

/** @param key undefined: the checkpoint is taken as it stands there, unverified */
export async function openHead(source: TileSource, key: Vkey | undefined): Promise<Checkpoint> {
  return key === undefined ? parseCheckpoint(await readCheckpoint(source)) : openSigned(source, key);
}

export interface ReadEntry {
  readonly index: number;
  /** As it stands in the log. */
  readonly bytes: Buffer;
  /** Undefined where no ledger wrote it so. */
  readonly head: EntryHead | undefined;
  /** What came from outside; of a long one the blob's bytes. */
  readonly body: Buffer;
}

async function bodyOf(source: TileSource, index: number, { head, body }: Entry): Promise<Buffer> {
  if (!namesBlob(head)) return body;
  const blob = await readBlob(source, head);
  if (typeof blob === "string") throw new Broken({ step: "form", index, says: blob });
  return blob;
}

export async function* readDecoded(
  source: TileSource,
  size: number,
  from: number,
  to: number,
): AsyncGenerator<ReadEntry> {
  for await (const { index, bytes } of readEntries(source, size, from, to)) {
    const entry = decodeEntry(bytes);
    const body = entry === undefined ? bytes : await bodyOf(source, index, entry);
    yield { index, bytes, head: entry?.head, body };
  }
}

/** The grant that an entry is about: by its hash, or by that of the payload in its evidence. */
export function grantOf({ head, body }: ReadEntry): string | undefined {
  if (head?.type === "review") return readReview(body.toString("latin1"))?.claims.review;
  const members = membersOf(body);
  if (members === undefined) return undefined;
  const evidence = head?.type === "evidence" ? textOf(members, "evidence") : undefined;
  if (evidence === undefined) return textOf(members, "grant_sha256");
  const [payload = ""] = evidence.split("~");
  return createHash("sha256").update(payload).digest("hex");
}

export function requestOf({ body }: ReadEntry): string | undefined {
  const members = membersOf(body);
  return members === undefined ? undefined : textOf(members, "request_id");
}

/** One line of JSON: its index, its head, and its body as text, or in base64 where it is none. */
export const toJsonLine = ({ index, head, body }: ReadEntry): string =>
  asciiJson({ index, head: head ?? null, ...bodyMember(body) });
