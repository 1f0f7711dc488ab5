// Mutants that no test can notice, each with its reason: scripts/mutate/equivalent.json. A source line and what is changed in it name
// one, so that other lines may come and go; where several lines of a file read alike, `above` is the line above as well, and where one
// line has the same change twice, `column` says which.
import { readFileSync } from "node:fs";

const LIST = "scripts/mutate/equivalent.json";

/** @returns a function: the reason why the mutant is equivalent, or undefined */
export function readEquivalents() {
  const entries = JSON.parse(readFileSync(LIST, "utf8"));
  const isOf = (entry, { file, text, above, column, from, to }) =>
    entry.file === file &&
    entry.line === text &&
    entry.from === from &&
    entry.to === to &&
    (entry.above ?? above) === above &&
    (entry.column ?? column) === column;
  return (mutant) => entries.find((entry) => isOf(entry, mutant))?.reason;
}
