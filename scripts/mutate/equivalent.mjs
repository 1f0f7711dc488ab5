// Mutants that no test can notice, each with its reason: scripts/mutate/equivalent.json. A source line and what is changed in it name
// one, so that other lines may come and go.
import { readFileSync } from "node:fs";

const LIST = "scripts/mutate/equivalent.json";

/** @returns a function: the reason why the mutant is equivalent, or undefined */
export function readEquivalents() {
  const entries = JSON.parse(readFileSync(LIST, "utf8"));
  const keyOf = ({ file, line, from, to }) => [file, line, from, to].join("\0");
  const reasons = new Map(entries.map((entry) => [keyOf(entry), entry.reason]));
  return ({ file, text, from, to }) => reasons.get(keyOf({ file, line: text, from, to }));
}
