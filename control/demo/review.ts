/** The demonstration's last look: the review of one grant that was used, as the page that somebody without a part in it would read. */
import { dirname, join } from "node:path";
import { writeText } from "../base/files.js";
import { lineOf, runCommand } from "./command.js";
import type { DemoLedger } from "./ledger.js";

/** As many digits of its SHA-256 as people name a grant by. */
const NAME = 12;

/** @param grant its `grant_sha256` @param ask the ask that it came of: it proves who asked */
export async function writeReview(
  { place, options }: DemoLedger,
  grant: string,
  ask: string,
): Promise<{ isGood: boolean; lines: string[] }> {
  const kept = dirname(place);
  const [page, asked] = [join(kept, "review.html"), join(kept, "ask.txt")];
  writeText(asked, `${ask}\n`, { mode: 0o600 });
  const args = [place, grant.slice(0, NAME), ...options, "--ask", asked];
  const { code, stderr } = await runCommand(["review", "page", ...args, "--out", page]);
  if (code !== 0) return { isGood: false, lines: [`FAIL   there is no review: ${stderr.trim()}`] };
  return {
    isGood: true,
    lines: [
      `Review: what was done with rita's first grant, for a browser: ${page}`,
      "The same in this terminal:",
      lineOf(["review", "show", ...args]),
    ],
  };
}
