/** `npm run soak:ledger`: a writer under load, killed hundreds of times. An acknowledged entry that is not there ends it with 1. */
import { writeFileSync } from "node:fs";
import { messageOf } from "../control/base/errors.js";
import { killAgain } from "../test/ledger/log/kills.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";

const USAGE = {
  script: "soak:ledger",
  about:
    "Kills a ledger's writer at random moments under load, and reads after each kill whether all it acknowledged is there.",
  numbers: { kills: { about: "how often", otherwise: 500 } },
  example: "--kills 50",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  try {
    const { kills, early, acknowledged, entries } = await killAgain(flags.number("kills"), say);
    say(
      `${kills} kills, ${early} of them before the log was open: ${acknowledged} entries were acknowledged, 0 are lost.`,
    );
    say(`The log has ${entries} entries and verifies.`);
    if (flags.json !== undefined)
      writeFileSync(flags.json, `${JSON.stringify({ kills, early, acknowledged, entries }, null, 2)}\n`);
  } catch (error) {
    say(`FAULT: ${messageOf(error)}`);
    process.exitCode = 1;
  }
  say(`soak: ${process.exitCode === 1 ? "failed" : "passed"}`);
}
