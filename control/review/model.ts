/**
 * A review: what one grant was given for, by whom, what was done with it, and what is still missing before a person can sign it off. Plain
 * data, as `glassgate review show --json` prints it. Every text in it may come from outside: whoever shows it escapes it.
 */
import type { Classification } from "../ledger/review.js";

/** Milliseconds since 1970, by the gateway's clock for records and by the ledger's for `received`. */
export type Moment = number;

/**
 * `open`: nobody has signed it. `overdue`: nor in time. `closed`: signed, and nothing came since. `reopened`: signed, and something came.
 */
export type ReviewState = "open" | "overdue" | "closed" | "reopened";

export interface Person {
  /** The principal, a name of the bundle. */
  readonly sub: string;
  /** Who that is; undefined where no bundle that the ledger knows tells. */
  readonly person: string | undefined;
  readonly roles: readonly string[];
}

export interface Approval extends Person {
  readonly at: Moment;
  /** Its signature was verified under the bundle of that version. */
  readonly isProven: boolean;
}

/** One `break_glass_http` of the grant, and what was used of it. */
export interface Granted {
  readonly hosts: readonly string[];
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** Allowed calls that it covers. 0: never used. */
  readonly calls: number;
  /** Methods and paths of it that no allowed call needed. */
  readonly unusedMethods: readonly string[];
  readonly unusedPaths: readonly string[];
}

export interface Answer {
  /** Index of its entry. */
  readonly entry: number;
  readonly status: number | undefined;
  readonly bytesSent: number | undefined;
  readonly bytesReceived: number | undefined;
  readonly durationMs: number | undefined;
  readonly details: string | undefined;
}

/** A decision on this grant, in the order of `at`. */
export interface Call {
  readonly entry: number;
  readonly at: Moment;
  readonly vm: string;
  readonly seq: number;
  readonly gateway: string;
  readonly verdict: string;
  readonly mode: string;
  readonly method: string | undefined;
  readonly host: string | undefined;
  readonly path: string | undefined;
  /** The path was longer than what the record holds. */
  readonly isPathCut: boolean;
  readonly source: string | undefined;
  readonly requestId: string | undefined;
  /** Of an allowed call, once it is there. */
  readonly answer: Answer | undefined;
  /** A stream that was open: when the gateway ended it, and by which verdict. */
  readonly ended: { readonly at: Moment; readonly verdict: string; readonly entry: number } | undefined;
  /** Index of the entry of its receipt, where its entitlement demands one. */
  readonly receipt: number | undefined;
}

/** What a reviewer should look at, and why. Codes are stable; words are made by `words.ts`. */
export const unusualCodes = [
  "denied_calls",
  "several_networks",
  "outside_hours",
  "long_stream",
  "cut_stream",
  "late_approval",
  "instant_approval",
  "near_miss_name",
  "first_time",
  "single_key",
  "never_used",
  "partly_used",
  "no_answer",
  "requester_not_proven",
  "alarm",
] as const;
export type UnusualCode = (typeof unusualCodes)[number];
export interface Unusual {
  readonly code: UnusualCode;
  /** One sentence. */
  readonly says: string;
  /** Entries that show it, at most 16. */
  readonly entries: readonly number[];
}

/** A step of the story, in the order of `at`. */
export interface Step {
  readonly at: Moment;
  readonly what:
    | "asked"
    | "approved"
    | "issued"
    | "first_use"
    | "call"
    | "denied"
    | "ended"
    | "revoked"
    | "expired"
    | "alarm"
    | "closed";
  readonly who: string | undefined;
  readonly says: string;
  readonly entry: number | undefined;
}

export interface Evidence {
  /** The log's name, and the signed size that all of this was read from. */
  readonly origin: string;
  readonly size: number;
  /** SHA-256, hex. */
  readonly root: string;
  /** The checkpoint, a signed note, whole. */
  readonly checkpoint: string;
  /** Entries of this review, in the log's order: records, evidence, answers, receipts, alarms that name the grant. */
  readonly entries: readonly number[];
  /** What a closing signature covers: the rolling hash over these entries, hex (control/ledger/review.ts). */
  readonly digest: string;
  /** Records of the gateways that this grant touched which have not come: `vm`, first and last `seq`. */
  readonly gaps: readonly { readonly vm: string; readonly from: number; readonly to: number }[];
  /** The grant's own evidence came, and proves under its bundle what its record says. */
  readonly isProven: boolean;
  /** That bundle was signed by roots that the reader has pinned; else it is one that the ledger took in without an alarm. */
  readonly isPinned: boolean;
  /** Whether the log was also found consistent with a kept checkpoint or by witnesses. */
  readonly isConsistent: boolean;
}

export interface Teardown {
  /** When it ends, or ended, by itself. */
  readonly exp: Moment | undefined;
  readonly revokedAt: Moment | undefined;
  /** Streams under it that no entry shows as ended. */
  readonly openStreams: number;
  /** Allowed calls decided after its end: must be 0. */
  readonly acceptedAfter: number;
  /** The last decision on it. */
  readonly lastAt: Moment | undefined;
}

export interface Action {
  readonly what: string;
  readonly owner: string;
  /** A day, `YYYY-MM-DD`. */
  readonly due: string;
}

export interface Closure {
  readonly entry: number;
  readonly at: Moment;
  readonly by: Person;
  readonly classification: Classification;
  readonly findings: string;
  readonly actions: readonly Action[];
  /** The signature was verified under roots that the reader has pinned; else that it holds is the ledger's word. */
  readonly isProven: boolean;
  /** Something came after it. */
  readonly isOutdated: boolean;
}

/** Counts that a closing signature covers. */
export interface Counts {
  readonly allowed: number;
  readonly denied: number;
  readonly answers: number;
  readonly alarms: number;
}

export interface Review {
  /** The log in which its older entries are: it was open when that one was sealed, and went along. Those are counted here, and not shown. */
  readonly carriedFrom: string | undefined;
  /** SHA-256 of the request's payload segment, hex: the grant's name in every record. */
  readonly grant: string;
  readonly jti: string | undefined;
  readonly state: ReviewState;
  /** First sight in the ledger, and when a signature is due. */
  readonly openedAt: Moment;
  readonly dueAt: Moment;
  readonly drill: string | undefined;
  readonly requester: Person;
  /** By the ask's signature; without it `requester` is what the payload says. */
  readonly isRequesterProven: boolean;
  readonly approvals: readonly Approval[];
  readonly entitlement: string;
  readonly reason: string | undefined;
  readonly text: string | undefined;
  readonly incident: string | undefined;
  readonly audience: readonly string[];
  readonly issuedAt: Moment | undefined;
  readonly granted: readonly Granted[];
  /** Networks that the grant names, and client networks that used it. */
  readonly networks: { readonly granted: readonly string[]; readonly used: readonly string[] };
  /** `certificate`, `DPoP` or `bearer`. */
  readonly binding: string;
  readonly minutes: { readonly granted: number | undefined; readonly used: number };
  readonly calls: readonly Call[];
  readonly counts: Counts;
  readonly unusual: readonly Unusual[];
  readonly timeline: readonly Step[];
  readonly evidence: Evidence;
  readonly teardown: Teardown;
  readonly closures: readonly Closure[];
  /** Why it cannot be closed yet, a sentence each. Empty: it can. */
  readonly blockers: readonly string[];
}

/** Grants that never opened anything share one review a person and hour (UTC). */
export interface DeniedReview {
  /** As of a review. */
  readonly carriedFrom: string | undefined;
  /** `denied:<sub>:<YYYY-MM-DDTHH>Z`. */
  readonly key: string;
  readonly sub: string;
  /** Begin of the hour. */
  readonly hour: Moment;
  readonly grants: readonly string[];
  readonly calls: readonly Call[];
  readonly verdicts: Readonly<Record<string, number>>;
  readonly counts: Counts;
  readonly state: ReviewState;
  readonly openedAt: Moment;
  readonly dueAt: Moment;
  readonly digest: string;
  readonly closures: readonly Closure[];
  readonly blockers: readonly string[];
}

export interface ReviewList {
  readonly origin: string;
  readonly size: number;
  readonly reviews: readonly Review[];
  readonly denied: readonly DeniedReview[];
  /** Actions of closed reviews whose day is past. */
  readonly dueActions: readonly (Action & { readonly grant: string })[];
}
