/** `glassgate review overdue`: what nobody has signed in time, and what was promised and is past its day. For a timer: 1 means yes. */
import type { Command } from "commander";
import { plural, visible } from "../base/text.js";
import { asciiJson } from "../ledger/audit/line.js";
import { isUnverified, utc } from "../review/words.js";
import { examples, jsonOption } from "./context.js";
import { result, resultRows, say } from "./output.js";
import { type ReadingOptions, reading, readLedgerReviews, warnUnproven } from "./review-options.js";

interface Options extends ReadingOptions {
  readonly json?: boolean;
}

async function overdue(where: string, options: Options): Promise<void> {
  const list = await readLedgerReviews(where, options, () => false);
  const { origin, size, reviews, denied, dueActions } = list;
  warnUnproven(list);
  const late = [...reviews, ...denied].filter(({ state }) => state === "overdue").sort((a, b) => a.dueAt - b.dueAt);
  if (late.length > 0 || dueActions.length > 0) process.exitCode = 1;
  if (options.json === true) {
    result(asciiJson({ origin, size, overdue: late, dueActions }, 2));
    return;
  }
  if (process.exitCode !== 1) {
    const blind = [...reviews, ...denied].filter(isUnverified).length;
    const unverified = blind === 0 ? "" : ` Of ${blind} closed the signature was not verified: --anchors does that.`;
    result(`Nothing is overdue in ${visible(origin)} (${size} entries, verified).${unverified}`);
    return;
  }
  resultRows([
    ...late.map((one) =>
      "key" in one
        ? `since ${utc(one.dueAt)}  ${visible(one.key)}: ${plural(one.counts.denied, "call")} denied`
        : `since ${utc(one.dueAt)}  ${one.grant}: ${visible(one.requester.sub)} used ${visible(one.entitlement)}`,
    ),
    ...dueActions.map(
      ({ what, owner, due, grant }) =>
        `since ${due}  ${visible(owner)}: ${visible(what)} (promised in the review of ${visible(grant)})`,
    ),
  ]);
  say(`Next: \`glassgate review show ${visible(where)} GRANT\`, then \`glassgate review close\`.`);
}

export function addReviewOverdue(review: Command): void {
  const command = reading(
    review
      .command("overdue")
      .description("end with 1 where a review or a promised action is past its time, and say which"),
  )
    .addOption(jsonOption())
    .action(overdue);
  examples(command, [
    "glassgate review overdue ledger/ --key ledger.vkey --anchors anchors.json",
    "glassgate review overdue ledger/ --key ledger.vkey --due 4h --json",
  ]);
}
