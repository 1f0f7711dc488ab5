/** A line of a Kong's log plugin, which holds the filter's lines in the member `glassgate`. */
import { isRecord } from "../base/schema.js";

/** By its first bytes: a line of the filter itself is not parsed twice. */
const isOwn = (line: Buffer): boolean => /^\{"(?:v|evidence|receipt|by)/.test(line.toString("latin1", 0, 12));

/** Members that hold others, of a line and of the piece before it: a line of a Kong's has some twenty. */
const MAX_BEGINNINGS = 128;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Whoever reads the line says what it is.
  }
}

/**
 * A Kong that was killed while it wrote leaves a piece of a line, and the next one writes behind it. Inside a string the quote would be
 * escaped, and of what is held in another object the rest is no JSON: so the first beginning whose rest is whole is the next line's.
 */
function readLast(text: string): unknown {
  let at = 0;
  for (let n = 0; at >= 0 && n < MAX_BEGINNINGS; at = text.indexOf('{"', at + 1), n++) {
    const read = parsed(text.slice(at));
    if (read !== undefined) return read;
  }
  return undefined;
}

/** The filter's lines in it; itself, where it is none of a Kong's. */
export function recordLinesIn(line: Buffer): Buffer[] {
  if (isOwn(line)) return [line];
  const read = readLast(line.toString("utf8"));
  const held = isRecord(read) ? read.glassgate : undefined;
  if (typeof held !== "string") return [line];
  return held
    .split("\n")
    .filter((one) => one !== "")
    .map((one) => Buffer.from(one));
}
