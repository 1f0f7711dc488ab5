/** `glassgate review page`: one review as one file, to hand on, print or keep. */
import type { Command } from "commander";
import { writeText } from "../base/files.js";
import { visible } from "../base/text.js";
import { type Found, findReview, wantedBy } from "../review/find.js";
import { deniedPage } from "../review/page/denied.js";
import type { Place } from "../review/page/document.js";
import { reviewPage } from "../review/page/review.js";
import { examples } from "./context.js";
import { result, say } from "./output.js";
import { type ReadingOptions, reading, readLedgerReviews } from "./review-options.js";

interface Options extends ReadingOptions {
  readonly out?: string;
}

async function htmlOf(where: string, name: string, options: Options): Promise<string> {
  const place: Place = {
    now: Date.now(),
    ledger: where,
    key: options.key,
    anchors: options.anchors ?? [],
    isServed: false,
  };
  const read = async (
    wanted: string,
  ): Promise<{ readonly found: Found; readonly origin: string; readonly size: number }> => {
    const list = await readLedgerReviews(where, options, wantedBy(wanted));
    return { found: findReview(list, wanted), ...list };
  };
  const first = await read(name);
  if ("review" in first.found) return reviewPage(first.found.review, place);
  // One grant of those that share a review was named: all of their calls are in it.
  const { key } = first.found.denied;
  const whole = key === name ? first : await read(key);
  return deniedPage("denied" in whole.found ? whole.found.denied : first.found.denied, whole, place);
}

async function page(where: string, name: string, options: Options): Promise<void> {
  const text = await htmlOf(where, name, options);
  if (options.out === undefined) return result(text);
  writeText(options.out, text);
  say(`Written to ${visible(options.out)}. Who reads it needs nothing else; who doubts it, the ledger.`);
}

export function addReviewPage(review: Command): void {
  const command = reading(
    review
      .command("page")
      .description("write one review as one HTML file that needs nothing else, with its data in it"),
  )
    .argument("<grant>", "its SHA-256 or jti, or the beginning of either (8 characters), or the key of a shared review")
    .option("--out <file>", "the file; without it the page goes to standard output")
    .action(page);
  examples(command, [
    "glassgate review page ledger/ 4f0c2a9be1d7 --key ledger.vkey --anchors anchors.json --out review.html",
  ]);
}
