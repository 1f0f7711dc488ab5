/** What the commands about reviews share: the ledger that they read, and what is usual in it. */
import { type Command, Option } from "commander";
import { showDuration } from "../base/time.js";
import type { Wanted } from "../review/gather.js";
import { hoursOf, ownZone, USUAL_HOURS } from "../review/hours.js";
import type { DeniedReview, Review, ReviewList } from "../review/model.js";
import { type ReadOptions, readReviews } from "../review/read.js";
import { readAnchors } from "../trust/anchors.js";
import { collect, duration } from "./context.js";
import { progress, readToken, readVkey } from "./ledger-options.js";
import { witnessesOf } from "./ledger-policy.js";
import { readKept, type VerifyingOptions, verifying } from "./ledger-verifying.js";
import { readOne } from "./message-input.js";
import { warn } from "./output.js";

export interface ReadingOptions extends VerifyingOptions {
  readonly due: number;
  readonly hours: string;
  readonly zone: string;
  readonly ask?: readonly string[];
}

/** As `review_due` is where ledger.yaml says nothing else. */
const DUE = 86_400;

/** The ledger that is read, as `ledger verify` reads it, and what is usual. */
export const reading = (command: Command): Command =>
  verifying(command)
    .addOption(
      new Option("--due <duration>", "how long a signature may take, as review_due in its ledger.yaml")
        .argParser(duration)
        .default(DUE, "24h"),
    )
    .option("--hours <from-to>", "working hours, Monday to Friday; what is outside them is shown", USUAL_HOURS)
    .addOption(new Option("--zone <name>", "the time zone of these hours").default(ownZone(), "this machine's"))
    .option("--ask <file>", "an ask that went round: it proves who asked; repeatable", collect);

/** What counts as signed may be signed by nobody. */
export function warnUnproven({ reviews, denied }: ReviewList): void {
  const isUnproven = ({ closures }: Review | DeniedReview): boolean => closures.some(({ isProven }) => !isProven);
  if (reviews.some(isUnproven) || denied.some(isUnproven))
    warn("who signed is the ledger's word: name --anchors, and the signatures are verified.");
}

/** A clock that is further behind than clocks are apart. */
const MAX_BEHIND_MS = 600_000;

function warnBehind(newest: number, now: number): void {
  if (newest - now > MAX_BEHIND_MS)
    warn(
      `this machine's clock is ${showDuration(Math.floor((newest - now) / 1000))} behind the ledger's newest entry: what is late is told by the ledger's.`,
    );
}

/** Reads and verifies. @throws UserError where the ledger does not verify */
export function readLedgerReviews(
  where: string,
  options: ReadingOptions,
  isWanted: (one: Wanted) => boolean,
  onJudged?: ReadOptions["onJudged"],
): Promise<ReviewList> {
  const key = readVkey(options.key);
  const cosignedBy = options.policy === undefined ? undefined : witnessesOf(options.policy, key);
  const tick = progress();
  const now = Date.now();
  return readReviews({
    where,
    token: readToken(where, options.tokenFile),
    key,
    since: (options.since ?? []).map(readKept),
    witnesses: cosignedBy && (({ text }) => cosignedBy(text)),
    anchors: (options.anchors ?? []).map(readAnchors),
    grace: options.grace,
    silence: options.silence,
    due: options.due,
    hours: hoursOf(options.hours, options.zone),
    asks: (options.ask ?? []).map((file) => readOne("ask", file, "The ask").text),
    isWanted,
    onJudged: (judging, report) => {
      warnBehind(judging.now, now);
      onJudged?.(judging, report);
    },
    now,
    progress: (done, of) => tick("entries", done, of),
  });
}
