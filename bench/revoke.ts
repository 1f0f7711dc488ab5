/** `npm run bench:revoke`: how long a grant opens after it was revoked, at gateways that serve. A grant that opens after "applied" ends the run. */
import { writeFileSync } from "node:fs";
import { findEnvoy } from "../control/gateway/find.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { writeSection } from "./report/page.js";
import { Revocations, type Round, type Setting } from "./revoke/measure.js";
import { markdown, revokeTable } from "./revoke/tell.js";

const ROUNDS = 30;
const SETTING: Setting = { gateways: 3, workers: 2, connections: 4, pauseMs: 5 };

const USAGE = {
  script: "bench:revoke",
  about: "Measures the time from a revocation to the first denial at real Envoys, and writes bench/RESULTS.md.",
  numbers: { rounds: { about: "revocations", otherwise: ROUNDS } },
  example: "--rounds 2",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const wanted = flags.number("rounds");
  const { version } = await findEnvoy(say);
  const gateways = await Revocations.start(SETTING);
  const rounds: Round[] = [];
  try {
    // The first one reads the command's files from the disk.
    await gateways.round("a-revocation-to-warm-up");
    for (let i = 0; i < wanted; i++) rounds.push(await gateways.round(`a-grant-to-be-revoked-${i}`));
  } finally {
    await gateways.end();
  }
  say(`\n${revokeTable(rounds)}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ rounds }, null, 2)}\n`);
  if (wanted < ROUNDS) {
    say("Only a part: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection("revoke", markdown(rounds, SETTING, version));
  say("Wrote bench/RESULTS.md.");
}
