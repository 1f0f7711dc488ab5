/**
 * `npm run bench:whole`: everything at once for ten minutes, on real Envoys: normal traffic, grants, rotations, revocations, a flood of
 * forged grants, and a ledger that follows. Then the books: a call that does not reconcile ends it with 1, and is named.
 */
import { writeFileSync } from "node:fs";
import { UserError } from "../control/base/errors.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { writeSection } from "./report/page.js";
import { measureWhole } from "./whole/measure.js";
import { isSpoil, SPOILS } from "./whole/spoil.js";
import { wholeSection, wholeTable } from "./whole/tell.js";

/** What a section of RESULTS.md is of. */
const MINUTES = 10;

const USAGE = {
  script: "bench:whole",
  about:
    "Runs normal traffic, grants, rotations, revocations and forged grants through real Envoys with a ledger behind them, and reconciles every call.",
  numbers: {
    minutes: { about: "of traffic", otherwise: MINUTES, least: 0 },
    seconds: { about: "more of it", otherwise: 0, least: 0 },
    gateways: { about: "Envoys, one worker each", otherwise: 3 },
    normal: { about: "normal calls a second, of all gateways together", otherwise: 300 },
    grants: { about: "new grants a second, each used 12 times", otherwise: 6 },
    forged: { about: "forged grants a second", otherwise: 600 },
    revoke: { about: "seconds from one urgent revocation to the next", otherwise: 10 },
  },
  texts: {
    spoil: {
      about: `breaks one thing, so that it is seen to be named: ${Object.keys(SPOILS).join(", ")}`,
      value: "NAME",
    },
  },
  example: "--minutes 1",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  const seconds = 60 * flags.number("minutes") + flags.number("seconds");
  if (seconds === 0) throw new UserError("--minutes and --seconds are both 0: there is nothing to do.");
  const spoil = flags.text("spoil");
  if (spoil !== undefined && !isSpoil(spoil))
    throw new UserError(`--spoil is "${spoil}"; it can be ${Object.keys(SPOILS).join(", ")}.`);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => say("Interrupted: nothing was reconciled."));
  // Envoys, ledger and load end with this process, and their files go.
  endOnSignals();
  const options = {
    ...{ seconds, gateways: flags.number("gateways"), revokeEverySeconds: flags.number("revoke"), spoil },
    rates: { normal: flags.number("normal"), grants: flags.number("grants"), forged: flags.number("forged") },
  };
  const { toLedger: _, ...found } = await measureWhole(options, say);
  say(`\n${wholeTable({ ...found, toLedger: [] })}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  for (const fault of found.faults) say(`FAULT: ${fault}`);
  say(`books: ${found.faults.length === 0 ? "everything reconciles" : "something does not reconcile"}`);
  process.exitCode = found.faults.length === 0 ? 0 : 1;
  if (found.faults.length > 0) return;
  if (seconds < 60 * MINUTES) {
    say("Only a part: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection(
    "whole",
    wholeSection({ ...found, toLedger: [] }, options, ["npm run bench:whole --", ...args].join(" ")),
  );
  say("Wrote bench/RESULTS.md.");
}
