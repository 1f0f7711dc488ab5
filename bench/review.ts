/** `npm run bench:review`: what reading the reviews of a large ledger takes: the list, and one review of 10,000 calls, as rows and as a page. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { CALLS, makeReviewLog } from "./ledger/review-log.js";
import { READINGS, type Reading, readingRow, reviewSection } from "./ledger/review-tell.js";
import { measureCommand } from "./ledger/verify.js";
import { writeSection } from "./report/page.js";

const ENTRIES = 1_000_000;
/** The smallest first: whether memory grows with the entries is seen beside it. */
const PARTS = [10, 1];

const USAGE = {
  script: "bench:review",
  about:
    "Makes ledgers whose grants have 10,000 calls each, and tells what `glassgate review list`, `show` and `page` take on them; writes bench/RESULTS.md.",
  numbers: { entries: { about: "entries of the largest ledger", otherwise: ENTRIES } },
  texts: { folder: { about: "where the ledgers are made (default: the temporary folder)", value: "DIR" } },
  example: "--entries 200000",
};

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const home = mkdtempSync(join(flags.text("folder") ?? tmpdir(), "glassgate-bench-review-"));
  process.once("exit", () => rmSync(home, { recursive: true, force: true }));
  const found: Reading[] = [];
  say(READINGS);
  for (const part of PARTS) {
    const size = Math.floor(flags.number("entries") / part);
    const { folder, vkeyFile, anchorsFile, entries, grant } = await makeReviewLog(
      mkdtempSync(join(home, "ledger-")),
      size,
    );
    const reading = [folder, "--key", vkeyFile, "--anchors", anchorsFile];
    for (const [what, command] of [
      ["list", ["list", ...reading]],
      ["show", ["show", folder, grant, ...reading.slice(1)]],
      ["page", ["page", folder, grant, ...reading.slice(1), "--out", join(home, `${part}.html`)]],
    ] as const) {
      const one = { what, entries, ...(await measureCommand(["review", ...command])) };
      found.push(one);
      say(readingRow(one));
    }
  }
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(found, null, 2)}\n`);
  if (flags.number("entries") < ENTRIES) {
    say("Only a part: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection("review", reviewSection(found, CALLS));
  say("Wrote bench/RESULTS.md.");
}
