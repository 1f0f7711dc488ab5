/**
 * Reviews: what is known of each grant that somebody has to look at, and what is signed. A grant of which nothing was ever allowed shares one
 * review with its person's others of that hour; once something is allowed it has its own.
 */
import { createHash } from "node:crypto";
import { NO_DIGEST, type ReviewCounts, sharedDigest } from "../review.js";

/** A review's way: it is opened, closed, and opened again by what comes later. */
export interface Course {
  readonly openedAt: number;
  /** Since when it waits for a signature. */
  since: number;
  /** The alarm that it is overdue is on record. */
  isTold: boolean;
  /** The entry of the newest closure that holds. */
  closed: { readonly index: number; readonly at: number; readonly sha256: string } | undefined;
  /** Something came after it. */
  isOutdated: boolean;
}

/** What is known of one grant. */
export interface GrantReview {
  readonly grant: string;
  /** Its own; undefined as long as nothing was allowed. */
  course: Course | undefined;
  /** The review that it shares. */
  shared: string | undefined;
  readonly firstAt: number;
  /** When it was decided on first, by the gateway's clock. */
  readonly firstTs: number;
  lastAt: number;
  digest: string;
  readonly counts: { -readonly [name in keyof ReviewCounts]: number };
  readonly jti: string;
  readonly sub: string;
  readonly ent: string;
  readonly incident: string | undefined;
  readonly drill: string | undefined;
  readonly approvers: Set<string>;
  /** By `which/version`: bundles under which it was decided. */
  readonly trusts: Set<string>;
  /** Keys of chains. */
  readonly vms: Set<string>;
  /** Seconds since 1970: its end, as its payload says, which its hash names. */
  exp: number | undefined;
  /** A gateway has told that it is over. */
  isOver: boolean;
  /** It came along from the shard before, where its older entries are. */
  readonly isCarried: boolean;
}

/** Allowed, and neither answered nor ended. */
export interface OpenCall {
  readonly chain: string;
  readonly seq: number;
}

export interface Reviews {
  used: Map<string, GrantReview>;
  denied: Map<string, GrantReview>;
  shared: Map<string, { readonly course: Course; readonly grants: Set<string> }>;
  /** By grant and request id. */
  calls: Map<string, readonly OpenCall[]>;
  /** By request id: leaf hashes of their entries, and their indices. */
  early: Map<string, readonly { readonly leaf: string; readonly index: number }[]>;
  /** By chain: the latest decision that it tells of, by its gateway's clock. */
  heard: Map<string, number>;
  /** By the SHA-256 of a record that waits for its receipt: whose grant. */
  pending: Map<string, string>;
}

export const newReviews = (): Reviews => ({
  used: new Map(),
  denied: new Map(),
  shared: new Map(),
  calls: new Map(),
  early: new Map(),
  heard: new Map(),
  pending: new Map(),
});

export const newCourse = (openedAt: number): Course => ({
  openedAt,
  since: openedAt,
  isTold: false,
  closed: undefined,
  isOutdated: false,
});

export const grantIn = ({ used, denied }: Reviews, grant: string): GrantReview | undefined =>
  used.get(grant) ?? denied.get(grant);

/** By the key of a review: its way. */
export const courseOf = (reviews: Reviews, key: string): Course | undefined =>
  reviews.used.get(key)?.course ?? reviews.shared.get(key)?.course;

/** The grants of a review, in the order in which they were first seen. */
export function grantsOf(reviews: Reviews, key: string): readonly GrantReview[] {
  const own = reviews.used.get(key);
  if (own !== undefined) return [own];
  return [...(reviews.shared.get(key)?.grants ?? [])].flatMap((grant) => reviews.denied.get(grant) ?? []);
}

/** What a signature now would have to cover. */
export function shownOf(reviews: Reviews, key: string): { readonly digest: string; readonly counts: ReviewCounts } {
  const grants = grantsOf(reviews, key);
  const sum = (name: keyof ReviewCounts): number => grants.reduce((all, { counts }) => all + counts[name], 0);
  const digests = grants.map(({ digest }) => digest);
  return {
    digest: reviews.used.has(key) ? (digests[0] ?? NO_DIGEST) : sharedDigest(digests),
    counts: { allowed: sum("allowed"), denied: sum("denied"), answers: sum("answers"), alarms: sum("alarms") },
  };
}

const hashOf = (token: Buffer): string => createHash("sha256").update(token).digest("hex");

/** The entry of that very closure, where it closes the review now. */
export function knownClosure(reviews: Reviews, key: string, token: Buffer): number | undefined {
  const { closed, isOutdated } = courseOf(reviews, key) ?? {};
  return isOutdated === false && closed?.sha256 === hashOf(token) ? closed.index : undefined;
}

/** The log itself says that what stands in one of these entries closes nothing. */
export function forgetClosed(reviews: Reviews, key: string, entries: readonly number[]): void {
  const course = courseOf(reviews, key);
  if (course?.closed === undefined || !entries.includes(course.closed.index)) return;
  course.closed = undefined;
  course.isOutdated = false;
}

/** A closure that holds, entered. */
export function noteClosed(reviews: Reviews, key: string, index: number, at: number, token: Buffer): void {
  const course = courseOf(reviews, key);
  if (course === undefined) return;
  course.closed = { index, at, sha256: hashOf(token) };
  course.isOutdated = false;
}
