/** Reviews that nobody has signed in time, and how many there are of each kind. */
import { showTime } from "../../base/time.js";
import type { Finding } from "./finding.js";
import { isPast } from "./look.js";
import { type Course, grantsOf, type Reviews } from "./reviews.js";
import type { Rules } from "./rules.js";

/** `closed`: signed, and nothing came since. `reopened`: signed, and something came. `overdue`: one that is not closed in time. */
export const reviewStates = ["open", "overdue", "closed", "reopened"] as const;
export type ReviewState = (typeof reviewStates)[number];

const isClosed = ({ closed, isOutdated }: Course): boolean => closed !== undefined && !isOutdated;

/** @param seconds that a signature may take @param now milliseconds since 1970 */
export function stateOf(course: Course, seconds: number, now: number): ReviewState {
  if (isClosed(course)) return "closed";
  if (isPast(course.since, seconds * 1000, now)) return "overdue";
  return course.closed === undefined ? "open" : "reopened";
}

/** By the key of each review. */
export function* coursesOf({ used, shared }: Reviews): Generator<readonly [string, Course]> {
  for (const [key, { course }] of used) if (course !== undefined) yield [key, course];
  for (const [key, { course }] of shared) yield [key, course];
}

export function countReviews(reviews: Reviews, seconds: number, now: number): ReadonlyMap<ReviewState, number> {
  const counts = new Map<ReviewState, number>(reviewStates.map((state) => [state, 0]));
  for (const [, course] of coursesOf(reviews)) {
    const state = stateOf(course, seconds, now);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

function wordsOf(reviews: Reviews, key: string, { since, closed }: Course): string {
  const grants = grantsOf(reviews, key);
  const [first] = grants;
  const { jti = "", sub = "", ent = "" } = first ?? {};
  const what = reviews.used.has(key)
    ? `the grant ${jti} of ${sub} for ${ent}`
    : `${grants.length} grants of ${sub} that opened nothing (${key})`;
  const when = showTime(Math.floor(since / 1000));
  return closed === undefined
    ? `nobody has signed the review of ${what}, first seen at ${when}`
    : `nobody has signed the review of ${what} again, of which more came at ${when}`;
}

/** However long nobody looked: a review waits for a person, and not for the ledger. */
export function dueOfReviews(reviews: Reviews, rules: Rules, now: number): Omit<Finding, "index">[] {
  // How long a ledger waits is its own matter: `verify` does not accuse it of that.
  if (!rules.isCounting) return [];
  const due: Omit<Finding, "index">[] = [];
  for (const [key, course] of coursesOf(reviews)) {
    if (course.isTold || stateOf(course, rules.grace.review, now) !== "overdue") continue;
    const grant = reviews.used.has(key) ? { grant_sha256: key } : {};
    const about = course.closed === undefined ? [] : [course.closed.index];
    due.push({ code: "review_overdue", subject: key, ...grant, about, says: wordsOf(reviews, key, course) });
  }
  return due;
}
