/** `glassgate review show`: everything about one grant, for the person who is to sign. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { asciiJson } from "../ledger/audit/line.js";
import { callsCsv } from "../review/csv.js";
import { type Found, findReview, wantedBy } from "../review/find.js";
import { closeWords } from "../review/page/closing.js";
import { examples, jsonOption } from "./context.js";
import { result, resultRows } from "./output.js";
import { type ReadingOptions, reading, readLedgerReviews } from "./review-options.js";
import { deniedRows, reviewRows } from "./review-text.js";

interface Options extends ReadingOptions {
  readonly csv?: boolean;
  readonly json?: boolean;
}

const find = async (where: string, name: string, options: Options): Promise<Found> =>
  findReview(await readLedgerReviews(where, options, wantedBy(name)), name);

async function show(where: string, name: string, options: Options): Promise<void> {
  if (options.csv === true && options.json === true)
    throw new UserError("--csv and --json are two formats.", { hint: "Name one of them." });
  const first = await find(where, name, options);
  // One grant of those that share a review was named: all of their calls are in it.
  const isPart = "denied" in first && first.denied.key !== name;
  const found = isPart ? await find(where, first.denied.key, options) : first;
  const review = "review" in found ? found.review : found.denied;
  if (options.json === true) result(asciiJson(review, 2));
  else if (options.csv === true) result(callsCsv(review.calls));
  else {
    const key = "review" in found ? found.review.grant : found.denied.key;
    const place = { ledger: where, key: options.key, anchors: options.anchors ?? [] };
    const sign = `${closeWords(place, key)} --as YOUR-KEY`;
    resultRows("review" in found ? reviewRows(found.review, Date.now(), sign) : deniedRows(found.denied, sign));
  }
}

export function addReviewShow(review: Command): void {
  const command = reading(
    review.command("show").description("show what a grant was given for, by whom, and all that was done with it"),
  )
    .argument("<grant>", "its SHA-256 or jti, or the beginning of either (8 characters), or the key of a shared review")
    .option("--csv", "print its calls as CSV")
    .addOption(jsonOption())
    .action(show);
  examples(command, [
    "glassgate review show ledger/ 4f0c2a9be1d7 --key ledger.vkey --anchors anchors.json --ask ask.txt",
    "glassgate review show ledger/ 4f0c2a9be1d7 --key ledger.vkey --zone Europe/Berlin --hours 7-19",
    "glassgate review show ledger/ denied:rita:2026-11-26T17Z --key ledger.vkey --csv > calls.csv",
  ]);
}
