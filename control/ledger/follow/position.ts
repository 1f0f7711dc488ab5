/** How far a log has been handed in: kept in a file that moves only after that, so that a crash repeats lines and loses none. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { readTextIfThere, writeText } from "../../base/files.js";
import { parseJson } from "../../base/schema.js";

/** A file is known again by its inode and by how it begins: inodes are used again, and a copy has another one. */
export const HEAD_BYTES = 1024;

const integer = z.string().regex(/^[0-9]{1,20}$/);
const placeSchema = z.strictObject({
  device: integer,
  inode: integer,
  /** Where the first line stands that is not handed in. */
  offset: z.int().nonnegative(),
  /** Of the file's first bytes, at most as many as were handed in. */
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
});

const HINT = "Delete it to read the log from its beginning: what is handed in twice counts once.";

export interface Position {
  readonly since: bigint;
  readonly files: readonly Place[];
}

/** Undefined where there is none yet. */
export function readPosition(file: string, path: string): Position | undefined {
  const text = readTextIfThere(file, "the position");
  if (text === undefined) return undefined;
  const position = parseJson(text, file, positionSchema, HINT);
  return position.path === path ? { since: BigInt(position.since), files: position.files } : undefined;
}

export function writePosition(file: string, path: string, { since, files }: Position): void {
  writeText(file, `${JSON.stringify({ version: 1, path, since: String(since), files })}\n`, { mode: 0o600 });
}

export const headOf = (bytes: Buffer): Place["head"] => ({
  bytes: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
});
