/**
 * `npm run soak:streams`: thousands of streams under grants, ended at random moments on two workers of a real Envoy. A crash, a stream
 * that its client did not see end, or memory that grows, ends it with 1.
 */
import { writeFileSync } from "node:fs";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { churnStreams } from "./streams/churn.js";

const USAGE = {
  script: "soak:streams",
  about:
    "Opens streams under grants through a real Envoy and has them ended at random moments, by expiry and by revocation.",
  numbers: { streams: { about: "streams, 64 open at a time", otherwise: 2000 } },
  example: "--streams 500",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  // Envoy ends with this process.
  endOnSignals();
  const found = await churnStreams(flags.number("streams"), say);
  const { streams, closed, unopened, ended, counted, pushes, faults } = found;
  const kinds = Object.entries(ended).map(([kind, count]) => `${count} ${kind}`);
  say(
    `${streams} streams, ${pushes} pushes; ended: ${kinds.join(", ")}; by their clients: ${closed}; answered before they began: ${JSON.stringify(unopened)}`,
  );
  say(`ended by the filter, as it counts: ${counted}`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  for (const fault of faults) say(`FAULT: ${fault}`);
  say(`soak: ${faults.length === 0 ? "passed" : "failed"}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
