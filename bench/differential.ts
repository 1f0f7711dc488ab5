/** `npm run soak:differential`: signature checks of the release binary against OpenSSL. Another verdict ends it with 1. */
import { writeFileSync } from "node:fs";
import { showDuration } from "./base/duration.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { soakDifferential } from "./soak/differential.js";

const USAGE = {
  script: "soak:differential",
  about: "Checks random signatures, good and bent, by the release binary and by OpenSSL: they must agree.",
  numbers: { cases: { about: "signature checks, half of each algorithm", otherwise: 1_000_000, least: 20 } },
  example: "--cases 20000",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const found = await soakDifferential(flags.number("cases"), say);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  for (const fault of found.faults) say(`FAULT: ${fault}`);
  const outcome = found.faults.length === 0 ? "passed" : "failed";
  say(`differential: ${outcome}, ${found.cases.toLocaleString("en-US")} cases in ${showDuration(found.seconds)}`);
  process.exitCode = found.faults.length === 0 ? 0 : 1;
}
