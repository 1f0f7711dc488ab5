/** Bodies that are too long for an entry: they stand beside the log, named by their SHA-256. */
import { createHash } from "node:crypto";
import type { EntryHead } from "../entry.js";
import type { TileSource } from "../log.js";

/** The blob that the head names; a text where it is not that one: why. */
export async function readBlob(
  source: TileSource,
  { sha256, bytes: length }: EntryHead & { readonly sha256: string },
): Promise<Buffer | string> {
  const name = `blob/${sha256}`;
  const bytes = await source.read(name);
  if (bytes === undefined) return `its ${name} is missing`;
  if (createHash("sha256").update(bytes).digest("hex") !== sha256)
    return `its ${name} was changed: the name is not the SHA-256 of its bytes`;
  return bytes.length === length ? bytes : `its ${name} has ${bytes.length} bytes, and its head says ${length}`;
}

export const namesBlob = (head: EntryHead): head is EntryHead & { readonly sha256: string } =>
  head.sha256 !== undefined;
