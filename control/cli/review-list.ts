/** `glassgate review list`: every grant that somebody has to look at, what is most urgent first. */
import { type Command, InvalidArgumentError } from "commander";
import { nearest, plural, visible } from "../base/text.js";
import { asciiJson } from "../ledger/audit/line.js";
import { reviewStates } from "../ledger/chain/review-due.js";
import type { DeniedReview, Review, ReviewList, ReviewState } from "../review/model.js";
import { isUnverified, moment, unusualRows } from "../review/words.js";
import { collect, examples, jsonOption } from "./context.js";
import { result, resultRows } from "./output.js";
import { type ReadingOptions, reading, readLedgerReviews, warnUnproven } from "./review-options.js";

interface Options extends ReadingOptions {
  readonly state?: readonly string[];
  readonly json?: boolean;
}

function states(value: string, before: readonly string[] | undefined): string[] {
  const known: readonly string[] = reviewStates;
  if (known.includes(value)) return collect(value, before);
  const near = nearest(value, known);
  throw new InvalidArgumentError(near === undefined ? `There are: ${known.join(", ")}.` : `Did you mean ${near}?`);
}

/** What waits for somebody stands first, and of that what has waited longest. */
const urgency: readonly ReviewState[] = ["overdue", "reopened", "open", "closed"];
const byUrgency = (a: Review | DeniedReview, b: Review | DeniedReview): number =>
  urgency.indexOf(a.state) - urgency.indexOf(b.state) || a.dueAt - b.dueAt;

const dueWords = (review: Review | DeniedReview): string =>
  review.state === "closed"
    ? `signed ${moment(review.closures.at(-1)?.at ?? 0)}${isUnverified(review) ? ", not verified (--anchors)" : ""}`
    : `due ${moment(review.dueAt)}`;

/** Enough of a grant's name to find it by. */
const NAME = 16;

function rowsOf(review: Review | DeniedReview): string[] {
  const state = review.state.padEnd("reopened".length);
  if ("key" in review) {
    const { key, calls: _calls, counts, grants } = review;
    const what = `${plural(counts.denied, "call")} denied under ${plural(grants.length, "grant")} that opened nothing`;
    return [`${state}  ${visible(key)}`, `${" ".repeat(state.length)}  ${what}; ${dueWords(review)}`];
  }
  const { grant, jti = "", requester, entitlement, reason = "", incident, drill, counts, unusual } = review;
  const because = [reason, incident, drill === undefined ? undefined : `drill ${drill}`].filter(
    (part) => part !== undefined && part !== "",
  );
  const titles = [...new Set(unusual.map(({ code }) => unusualRows[code].title))];
  const indent = " ".repeat(state.length);
  return [
    `${state}  ${visible(requester.sub)} used ${visible(entitlement)} for ${visible(because.join(", "))}: ${counts.allowed} allowed, ${counts.denied} denied`,
    `${indent}  grant ${grant.slice(0, NAME)} (${visible(jti)}), seen ${moment(review.openedAt)}, ${dueWords(review)}`,
    ...(titles.length === 0
      ? []
      : [`${indent}  look at: ${titles.map((title) => title.charAt(0).toLowerCase() + title.slice(1)).join("; ")}`]),
  ];
}

export function countsOf({ reviews, denied }: ReviewList): string {
  const all = [...reviews, ...denied];
  const parts = urgency.map((state) => [all.filter((one) => one.state === state).length, state] as const);
  return parts
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(", ");
}

async function list(where: string, options: Options): Promise<void> {
  const whole = await readLedgerReviews(where, options, () => false);
  const isShown = ({ state }: Review | DeniedReview): boolean => options.state?.includes(state) ?? true;
  const shown = { ...whole, reviews: whole.reviews.filter(isShown), denied: whole.denied.filter(isShown) };
  if (options.json === true) {
    result(asciiJson(shown, 2));
    return;
  }
  warnUnproven(whole);
  const all = [...shown.reviews, ...shown.denied].sort(byUrgency);
  const total = `${visible(whole.origin)}, ${whole.size} entries, verified: ${countsOf(whole) || "no grant was used, as far as this log goes back"}.`;
  resultRows([...all.flatMap((one) => [...rowsOf(one), ""]), total]);
}

export function addReviewList(review: Command): void {
  const command = reading(review.command("list").description("list the reviews of a ledger: what waits longest first"))
    .option("--state <state>", `only those that are so; repeatable (${reviewStates.join(", ")})`, states)
    .addOption(jsonOption())
    .action(list);
  examples(command, [
    "glassgate review list ledger/ --key ledger.vkey --anchors anchors.json",
    "glassgate review list https://ledger.example.com/eu --key ledger.vkey --state overdue --state reopened",
  ]);
}
