/** A line of a Kong's log plugin, which holds the filter's lines in the member `glassgate`. */
import { isRecord } from "../base/schema.js";

/** By its first bytes: a line of the filter itself is not parsed twice. */
const isOwn = (line: Buffer): boolean => /^\{"(?:v|evidence|receipt|by)/.test(line.toString("latin1", 0, 12));

/** The filter's lines in it; itself, where it is none of a Kong's. */
export function recordLinesIn(line: Buffer): Buffer[] {
  if (isOwn(line)) return [line];
  let read: unknown;
  try {
    read = JSON.parse(line.toString("utf8"));
  } catch {
    return [line]; // Whoever reads it says what it is.
  }
  const held = isRecord(read) ? read.glassgate : undefined;
  if (typeof held !== "string") return [line];
  return held
    .split("\n")
    .filter((one) => one !== "")
    .map((one) => Buffer.from(one));
}
