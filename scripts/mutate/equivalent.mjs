// Mutants that no test can notice, each with its reason: scripts/mutate/equivalent.json. A source line and what is changed in it name
// one, so that other lines may come and go; the line above it as well, where several of a file read alike.
import { readFileSync } from "node:fs";

const LIST = "scripts/mutate/equivalent.json";

/** @returns a function: the reason why the mutant is equivalent, or undefined */
export function readEquivalents() {
  const entries = JSON.parse(readFileSync(LIST, "utf8"));
  const isOf = (entry, { file, text, above, from, to }) =>
    entry.file === file &&
    entry.line === text &&
    entry.from === from &&
    entry.to === to &&
    (entry.above ?? above) === above;
  return (mutant) => entries.find((entry) => isOf(entry, mutant))?.reason;
}
