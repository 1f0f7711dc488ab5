/**
 * `npm run soak:receipts`: requests that need a ledger's receipt, on a real Envoy with `glassgate ledger serve` beside it, which is
 * stopped, killed and restarted meanwhile. One that was let in without its entry ends it with 1.
 */
import { writeFileSync } from "node:fs";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { soakReceipts } from "./evidence/receipts.js";
import { receiptSection, receiptTable } from "./evidence/tell.js";
import { writeSection } from "./report/page.js";

const REQUESTS = 100_000;

const USAGE = {
  script: "soak:receipts",
  about:
    "Sends requests that need a ledger's receipt through a real Envoy, stops, kills and restarts the ledger meanwhile, and compares what both hold.",
  numbers: {
    requests: { about: "requests that are let in with a receipt", otherwise: REQUESTS },
    connections: {
      about: "of HTTP/1.1, one request each under way; as many again are streams of HTTP/2",
      otherwise: 24,
    },
  },
  example: "--requests 2000",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  // Envoy and the ledger end with this process.
  endOnSignals();
  const found = await soakReceipts(flags.number("requests"), flags.number("connections"), say);
  say(`\n${receiptTable(found)}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  for (const fault of found.faults) say(`FAULT: ${fault}`);
  say(`soak: ${found.faults.length === 0 ? "passed" : "failed"}`);
  process.exitCode = found.faults.length === 0 ? 0 : 1;
  if (found.faults.length > 0 || flags.number("requests") < REQUESTS) return;
  writeSection("receipts", receiptSection(found));
  say("Wrote bench/RESULTS.md.");
}
