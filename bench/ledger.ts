/** `npm run bench:ledger`: appends a second, and the wait for an acknowledgement, by clients and batch; what verifying and proving takes. A log that does not verify ends the run. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import type { Load, Measured } from "./ledger/appends.js";
import { measureOurs, measureOursOverHttp } from "./ledger/ours.js";
import { APPENDS, appendRow, appendsSection, type ReadingRows, readingSection } from "./ledger/tell.js";
import { measureTessera, tesseraMissing } from "./ledger/tessera.js";
import { measureReading } from "./ledger/verify.js";
import { writeSection } from "./report/page.js";

const SECONDS = 5;
/** Of the log that is verified. */
const ENTRIES = 1_000_000;
/** Clients, and entries in each call. */
const LOADS = [
  [1, 1],
  [1, 64],
  [1, 1024],
  [64, 1],
  [512, 1],
  [16, 64],
] as const;

/** Side by side, load after load: what slows the machine down for a while slows all of them. */
const LOGS: [string, (home: string, load: Load) => Promise<Measured>][] = [
  ["ours", measureOurs],
  ["http", measureOursOverHttp],
];
if (tesseraMissing === undefined) LOGS.push(["tessera", measureTessera]);

const USAGE = {
  script: "bench:ledger",
  about:
    "Measures appends to our log and to Tessera's, on one disk in one run, each client waiting until its entries are durable; writes bench/RESULTS.md.",
  numbers: {
    seconds: { about: "seconds for each row of appends; 0: only verifies and proves", otherwise: SECONDS, least: 0 },
    entries: { about: "entries of the log that is verified", otherwise: ENTRIES },
  },
  texts: {
    folder: {
      about: "where the logs are made: the disk that is measured (default: the temporary folder)",
      value: "DIR",
    },
  },
  example: "--seconds 1 --folder /var/tmp",
};

async function measureLoads(home: string, seconds: number): Promise<Measured[]> {
  if (tesseraMissing !== undefined) say(`Without Tessera: ${tesseraMissing}.`);
  const appends: Measured[] = [];
  say(APPENDS);
  for (const [i, [clients, batch]] of LOADS.entries()) {
    for (const [name, measure] of LOGS) {
      const measured = await measure(mkdtempSync(join(home, `${name}-${i}-`)), { clients, batch, seconds });
      appends.push(measured);
      say(appendRow(measured));
    }
  }
  return appends;
}

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const home = mkdtempSync(join(flags.text("folder") ?? tmpdir(), "glassgate-bench-ledger-"));
  const seconds = flags.number("seconds");
  const entries = flags.number("entries");
  let appends: readonly Measured[];
  let reading: ReadingRows;
  try {
    appends = seconds === 0 ? [] : await measureLoads(home, seconds);
    reading = await measureReading(mkdtempSync(join(home, "reading-")), entries, say);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ appends, ...reading }, null, 2)}\n`);
  const isWhole = seconds >= SECONDS && tesseraMissing === undefined;
  if (isWhole) writeSection("ledger", appendsSection(appends, seconds));
  if (entries >= ENTRIES) writeSection("ledger-reading", readingSection(reading));
  if (isWhole && entries >= ENTRIES) say("Wrote bench/RESULTS.md.");
  else say("Only a part: the rest of bench/RESULTS.md stays as it is.");
}
