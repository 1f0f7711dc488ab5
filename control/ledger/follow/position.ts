/** How far a log has been handed in: kept in a file that moves only after that, so that a crash repeats lines and loses none. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { readTextIfThere, writeText } from "../../base/files.js";
import { parseJson } from "../../base/schema.js";
import { visible } from "../../base/text.js";

/** A file is known again by its inode and by how it begins: inodes are used again, and a copy has another one. */
export const HEAD_BYTES = 1024;

const integer = z.string().regex(/^[0-9]{1,20}$/);
const placeSchema = z.strictObject({
  device: integer,
  inode: integer,
  /** Where the first line stands that is not handed in. */
  offset: z.int().nonnegative(),
  /** Of the file's first bytes, as many as were seen: also a file of which nothing is handed in yet is known again, and its copy. */
  head: z.strictObject({ bytes: z.int().min(0).max(HEAD_BYTES), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
});
export type Place = z.infer<typeof placeSchema>;

const positionSchema = z.strictObject({
  version: z.literal(1),
  path: z.string(),
  /** Nanoseconds since 1970: an older file of the log that was written to since then, and is none of these, was missed. */
  since: integer,
  /** More than one where the older file of a rotation may still be written to. */
  files: z.array(placeSchema).max(1024),
  /** Files that were written to since then and are read to their end, with when they were written to last. */
  read: z.array(z.strictObject({ file: z.string().regex(/^[0-9]{1,20}:[0-9]{1,20}$/), written: integer })).default([]),
});

const ANEW = "It is read from its beginning, with the older files beside it: what is handed in twice counts once.";

export interface Position {
  readonly since: bigint;
  readonly files: readonly Place[];
  /** By device and inode, when it was written to last. */
  readonly read: ReadonlyMap<string, bigint>;
}

/** Everything beside the log is read, from its beginning: nothing is lost by it. */
const NOTHING: Position = { since: 0n, files: [], read: new Map() };

/** Undefined where there is none yet. @param say a sentence for the person: a damaged one must not end what goes on for others */
export function readPosition(file: string, path: string, say: (sentence: string) => void): Position | undefined {
  const text = readTextIfThere(file, "the position");
  if (text === undefined) return undefined;
  let position: z.infer<typeof positionSchema>;
  try {
    position = parseJson(text, file, positionSchema, "");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`How far ${visible(path)} was read is not known (${visible(error.message)}). ${ANEW}`);
    return NOTHING;
  }
  if (position.path !== path) return undefined;
  const read = new Map(position.read.map(({ file: id, written }) => [id, BigInt(written)]));
  return { since: BigInt(position.since), files: position.files, read };
}

export function writePosition(file: string, path: string, { since, files, read }: Position): void {
  const done = [...read].map(([id, written]) => ({ file: id, written: String(written) }));
  const text = JSON.stringify({ version: 1, path, since: String(since), files, read: done });
  writeText(file, `${text}\n`, { mode: 0o600 });
}

export const headOf = (bytes: Buffer): Place["head"] => ({
  bytes: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
});
