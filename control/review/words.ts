/** What a review says, in plain words: the same in a terminal and on a page. Texts from outside stand in them as they are: whoever shows them escapes them. */
import { plural, shellWord } from "../base/text.js";
import { showDuration, showTime } from "../base/time.js";
import { MAX_SHARED } from "../ledger/chain/review-join.js";
import type { DeniedReview, Evidence, Person, Review, ReviewState, Teardown, UnusualCode } from "./model.js";

interface UnusualRow {
  readonly title: string;
  readonly look: string;
  /** Nothing wrong in itself: good to know, and nobody has to be asked about it. */
  readonly isHarmless?: true;
}

/** What each kind of unusual thing is, and what to do about it (docs/review.md has the same table). */
export const unusualRows: Readonly<Record<UnusualCode, UnusualRow>> = {
  denied_calls: {
    title: "Calls were denied",
    look: "A wrong path in a hurry, or somebody who tried what was not granted. Ask what was meant.",
  },
  several_networks: {
    title: "Calls came from more than one network",
    look: "A phone beside the office, or somebody else with the same grant. Ask where he was.",
  },
  outside_hours: {
    title: "Calls outside working hours",
    look: "Emergencies come at night. Compare with the incident's times. `--hours` and `--zone` set what is usual.",
  },
  long_stream: {
    title: "A stream was open for more than five minutes",
    look: "What went through it the record does not show. Ask, and look into the upstream's own log.",
  },
  cut_stream: {
    title: "The gateway ended a stream",
    look: "The grant ended, or was revoked, while it was open. Was the work left half done?",
  },
  late_approval: {
    title: "An approval came late, or after the first use",
    look: "More than 15 minutes after the ask, what was approved may no longer be what was the matter.",
  },
  instant_approval: {
    title: "An approval came within ten seconds of the ask",
    look: "Nobody reads what he signs in that time. Speak with the approver.",
  },
  near_miss_name: {
    title: "A name is nearly another one's",
    look: "A lookalike account or host is how the wrong one gets approved. Check that this one was meant.",
  },
  first_time: {
    title: "The first time for this person",
    look: "Nothing wrong: everybody has a first time. Was it the right entitlement? This log alone is looked at: not the one before, nor other ledgers.",
    isHarmless: true,
  },
  single_key: {
    title: "One key was enough",
    look: "The entitlement demands no approval, or the bundle one root. You are the first second person: look at all of it.",
  },
  never_used: {
    title: "Something was granted and never used",
    look: "It was not needed: make the entitlement, or the next ask, narrower.",
    isHarmless: true,
  },
  partly_used: {
    title: "Methods or paths were granted and never used",
    look: "It was not needed: name fewer next time. Of a WebSocket the method CONNECT counts as used.",
    isHarmless: true,
  },
  no_answer: {
    title: "An allowed call has no answer",
    look: "The stream is still open, the gateway has no answers' log, or the answer was lost. Look into the gateway's answers.log.",
  },
  requester_not_proven: {
    title: "Who asked is not proven by a signature",
    look: "Evidence has no signature of the requester's. Hand in the ask that went round: `--ask FILE`.",
  },
  alarm: {
    title: "The ledger raised an alarm about it",
    look: "docs/alarms.md says what each means and what to do.",
  },
};

const stateWords: Readonly<Record<ReviewState, string>> = {
  open: "open: nobody has signed it",
  overdue: "overdue: nobody has signed it in time",
  closed: "closed: signed, and nothing came since",
  reopened: "reopened: signed, and something came since",
};
/** Closed, and nobody here knows by whom: a ledger that lets everything in would say so, too. */
export const isUnverified = ({ state, closures }: Pick<Review, "state" | "closures">): boolean =>
  state === "closed" && closures.at(-1)?.isProven !== true;
export const unverifiedWords =
  "The signature was not verified: that it holds is the ledger's word. Name the anchors of its gateways with --anchors.";
export const stateOf = (review: Pick<Review, "state" | "closures">): string =>
  isUnverified(review)
    ? "closed, as the ledger says, by a signature that was not verified: name the anchors of its gateways with --anchors"
    : stateWords[review.state];

const isDate = (at: number): boolean => Number.isFinite(at) && Math.abs(at) <= 8.64e15;

/** `2026-11-26 17:20:00 UTC`, for rows below each other. */
export const utc = (at: number): string =>
  isDate(at) ? `${new Date(at).toISOString().replace("T", " ").slice(0, "2026-11-26 17:20:00".length)} UTC` : "no time";

/** In a sentence: with the reader's own clock beside it, where that is another one. */
export const moment = (at: number): string => (isDate(at) ? showTime(Math.floor(at / 1000)) : "no time");

/** `rita-admin (person rita; lead, security)`. */
export function personWords({ sub, person, roles }: Person): string {
  const who = person === undefined ? "no bundle here names this account" : person === sub ? "" : `person ${person}`;
  const parts = [who, roles.join(", ")].filter((part) => part !== "");
  return parts.length === 0 ? sub : `${sub} (${parts.join("; ")})`;
}

export const requesterWords = ({ isRequesterProven }: Pick<Review, "isRequesterProven">): string =>
  isRequesterProven ? "proven by the ask" : "not proven: no ask that proves it is here";

/** Where the rest of it is. Undefined where it is all here. */
export function carriedWords(review: Review | DeniedReview): string | undefined {
  const { carriedFrom } = review;
  const name = "key" in review ? shellWord(review.key) : review.grant.slice(0, 16);
  return carriedFrom === undefined
    ? undefined
    : `It was open when the log before, ${carriedFrom}, was sealed. Its older entries are there: calls, times and what was used are shown here from then on, and counts and digest go on from there. The rest: \`glassgate review show FOLDER ${name} --key VKEY\`, with that log's folder and key.`;
}

/** Undefined where all of them are here. */
export const crowdedWords = ({ grants }: Pick<DeniedReview, "grants">): string | undefined =>
  grants.length < MAX_SHARED
    ? undefined
    : `There may have been more: of one person and hour the newest ${MAX_SHARED} grants are kept. The log has all: \`glassgate ledger tail\`.`;

/** What was granted of time, and used. */
export function minutesWords({ minutes: { granted, used } }: Pick<Review, "minutes">): string {
  const of = granted === undefined ? "" : ` of ${showMinutes(granted)} granted`;
  return `${showMinutes(used)}${of}`;
}
export const showMinutes = (minutes: number): string => showDuration(Math.round(minutes * 60));

/** What proves all this, and what does not: a sentence each. */
export function evidenceWords({ origin, size, entries, gaps, isProven, isPinned, isConsistent }: Evidence): string[] {
  const has = `${plural(size, "entry").replace("entrys", "entries")}, each in the tree that the key of ${origin} signed`;
  const those =
    entries.length === 0 ? "" : `; ${entries.length} of them ${entries.length === 1 ? "is" : "are"} of this grant`;
  const pinned = isPinned
    ? "whose roots are those that you pinned"
    : "that the ledger took in: pin its roots with --anchors";
  return [
    `Verified: ${has}${those}.`,
    isConsistent
      ? "Nothing was removed or changed since the checkpoint that you kept, or that your witnesses saw."
      : "That these are the entries of before is not proven: name a checkpoint that you kept (--since), or witnesses (--policy).",
    isProven
      ? `Every approval that the record names is signed, under the trust bundle ${pinned}.`
      : "The approvals are what the gateway's record says: no evidence that proves them is here, or no trust bundle to judge it by.",
    gaps.length === 0
      ? "No record is missing of the gateways that it touched."
      : `Records are missing: ${gaps.map(({ vm, from, to }) => `${vm} ${from === to ? `seq ${from}` : `seq ${from} to ${to}`}`).join(", ")}.`,
  ];
}

/** Whether it is over, a sentence each. @param now milliseconds */
export function teardownWords({ exp, revokedAt, openStreams, acceptedAfter, lastAt }: Teardown, now: number): string[] {
  const end =
    exp === undefined
      ? "When it ends is not known: its evidence did not come."
      : revokedAt !== undefined && revokedAt < exp
        ? `By itself it would ${exp <= now ? "have ended" : "end"} at ${moment(exp)}.`
        : exp <= now
          ? `It ended by itself at ${moment(exp)}.`
          : `It is still good, until ${moment(exp)}.`;
  return [
    ...(revokedAt === undefined ? [] : [`It was revoked at ${moment(revokedAt)}.`]),
    end,
    openStreams === 0 ? "No stream under it is open." : `${plural(openStreams, "stream")} may still be open.`,
    acceptedAfter === 0
      ? "Nothing was let in after its end."
      : `WRONG: ${plural(acceptedAfter, "call")} ${acceptedAfter === 1 ? "was" : "were"} let in after its end.`,
    ...(lastAt === undefined ? [] : [`The last decision on it was at ${moment(lastAt)}.`]),
  ];
}
