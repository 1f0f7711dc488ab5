/** The entries of a ledger as lines for other systems: JSON Lines of all, or OCSF events of the records. */
import { createHash } from "node:crypto";
import { asciiJson, membersOf } from "./line.js";
import { toApiActivity } from "./ocsf.js";
import { type ReadEntry, toJsonLine } from "./reader.js";

export const formats = ["jsonl", "ocsf"] as const;
export type Format = (typeof formats)[number];

/** @returns undefined for what has no event in that format */
export function lineOf(entry: ReadEntry, format: Format, origin: string): string | undefined {
  if (format === "jsonl") return toJsonLine(entry);
  const { index, head, body } = entry;
  const record = head?.type === "record" ? membersOf(body) : undefined;
  if (head === undefined || record === undefined) return undefined;
  const sha256 = createHash("sha256").update(body).digest("hex");
  return asciiJson(toApiActivity(record, { index, head, sha256, origin }));
}
