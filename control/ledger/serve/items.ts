/** How much one request may hold. It is counted before it is made into objects: a body of bytes becomes millions of them. */
import { splitLines } from "../follow/lines.js";
import { MAX_ITEMS } from "../frame.js";
import { Refused } from "./answer.js";

export const tooManyLines = (): Refused =>
  new Refused(413, `That is more than ${MAX_ITEMS} lines: send fewer at once.`);

/** @throws Refused (413) before millions of lines become millions of buffers */
export function linesIn(body: Buffer): Buffer[] {
  let ends = 0;
  for (let at = body.indexOf(0x0a); at >= 0; at = body.indexOf(0x0a, at + 1))
    if (++ends > MAX_ITEMS) throw tooManyLines();
  return splitLines(body);
}
