// Mutants that no test can notice, each with its reason: scripts/mutate/equivalent.json. A source line and what is changed in it name
// one, so that other lines may come and go; where several lines of a file are alike, `after` is the line before, and where one line has
// the same change twice, `column` is which.
import { readFileSync } from "node:fs";

const LIST = "scripts/mutate/equivalent.json";

/** @returns a function: the reason why the mutant is equivalent, or undefined */
export function readEquivalents() {
  const entries = JSON.parse(readFileSync(LIST, "utf8"));
  const sources = new Map();
  const lineBefore = ({ file, line }) => {
    if (!sources.has(file)) sources.set(file, readFileSync(file, "utf8").split("\n"));
    return sources.get(file)[line - 2]?.trim();
  };
  const isOf = (entry, mutant) =>
    entry.file === mutant.file &&
    entry.line === mutant.text &&
    entry.from === mutant.from &&
    entry.to === mutant.to &&
    (entry.column === undefined || entry.column === mutant.column) &&
    (entry.after === undefined || entry.after === lineBefore(mutant));
  return (mutant) => entries.find((entry) => isOf(entry, mutant))?.reason;
}
