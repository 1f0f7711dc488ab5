/**
 * `npm run soak:follow`: a real Envoy under load whose logs are rotated in both ways, and which is killed at random moments, as the agent
 * and the ledger behind it are. A line of the files that is not in the ledger, or a gap that nothing names, ends it with 1.
 */
import { writeFileSync } from "node:fs";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { soakFollow } from "./evidence/follow.js";
import { followSection, followTable } from "./evidence/tell.js";
import { writeSection } from "./report/page.js";

const EVENTS = 100;

const USAGE = {
  script: "soak:follow",
  about:
    "Rotates the logs of a real Envoy under load, kills it, the agent that follows it and the ledger at random moments, and compares what they hold.",
  numbers: { events: { about: "rotations and kills", otherwise: EVENTS } },
  example: "--events 20",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  // Envoy, the agent and the ledger end with this process.
  endOnSignals();
  const found = await soakFollow(flags.number("events"), say);
  say(`\n${followTable(found)}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  for (const fault of found.faults) say(`FAULT: ${fault}`);
  say(`soak: ${found.faults.length === 0 ? "passed" : "failed"}`);
  process.exitCode = found.faults.length === 0 ? 0 : 1;
  if (found.faults.length > 0 || flags.number("events") < EVENTS) return;
  writeSection("follow", followSection(found));
  say("Wrote bench/RESULTS.md.");
}
