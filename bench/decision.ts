/** `npm run soak:decision`: the filter's verdicts against the reference's, over a million made-up cases. A disagreement ends it with 1. */
import { writeFileSync } from "node:fs";
import { showDuration } from "./base/duration.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { soakDecision } from "./soak/decision.js";

const USAGE = {
  script: "soak:decision",
  about:
    "Makes up grants and requests, good and bent: the filter must decide as the reference, and a disagreement is shrunk.",
  numbers: {
    cases: { about: "requests judged twice", otherwise: 1_000_000, least: 20 },
    seed: { about: "which; the parts take this and the next ones", otherwise: 1 },
  },
  example: "--cases 20000",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const found = await soakDecision(flags.number("cases"), flags.number("seed"), say);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  for (const fault of found.faults) say(`FAULT: ${fault}`);
  const outcome = found.faults.length === 0 ? "passed" : "failed";
  say(`decision: ${outcome}, ${found.cases.toLocaleString("en-US")} cases in ${showDuration(found.seconds)}`);
  process.exitCode = found.faults.length === 0 ? 0 : 1;
}
