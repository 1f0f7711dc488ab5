/** Which entries are a grant's: records, evidence, answers, receipts and alarms join its review one after the other. */
import { z } from "zod";
import { type Entry, encodeEntry } from "../entry.js";
import { NO_DIGEST, rollDigest, sharedKey } from "../review.js";
import { leafHash } from "../tlog/tree.js";
import { remember } from "./bounded.js";
import { grantOf } from "./evidence.js";
import { decodeFinding } from "./finding.js";
import { jsonOf, parseJws } from "./jws.js";
import { type AuditRecord, type Line, PENDING } from "./lines.js";
import {
  type Course,
  courseOf,
  forgetClosed,
  type GrantReview,
  grantIn,
  newCourse,
  type OpenCall,
  type Reviews,
} from "./reviews.js";
import type { Rules } from "./rules.js";

/** Grants that were used; and, so that nobody crowds those out with what is denied, grants that never were. */
const MAX_USED = 65_536;
const MAX_DENIED = 16_384;
/** Of one person and hour: whoever is denied more crowds out his own, and nobody else's. */
export const MAX_SHARED = 1024;
/** Allowed calls whose answer has not come, of all grants, and of one under one request id; it is the client's, and may come again. */
const MAX_CALLS = 65_536;
const MAX_CALLS_EACH = 64;
/** Answers whose record has not come; records that wait for a receipt. */
const MAX_EARLY = 4096;
const MAX_PENDING = 16_384;
const MAX_HEARD = 16_384;
/** Of one grant: VMs, approvers, versions of bundles that it was decided by. */
const MAX_VMS = 1024;
const MAX_APPROVERS = 64;
const MAX_TRUSTS = 64;

/** An entry on its way into a review. */
interface Joining {
  readonly reviews: Reviews;
  readonly rules: Rules;
  readonly index: number;
  readonly at: number;
  readonly leaf: () => Buffer;
}

function reopen(course: Course | undefined, at: number): void {
  if (course?.closed === undefined || course.isOutdated) return;
  course.isOutdated = true;
  course.since = at;
  course.isTold = false;
}

function join(
  joining: Joining,
  grant: string,
  review: GrantReview,
  leaf = joining.leaf(),
  index = joining.index,
): void {
  const { reviews, rules, at } = joining;
  review.digest = rollDigest(review.digest, leaf);
  review.lastAt = at;
  reopen(courseOf(reviews, review.shared ?? grant), at);
  rules.onJoined?.(grant, index);
}

function leaveShared({ shared }: Reviews, grant: string, review: GrantReview): void {
  const those = review.shared === undefined ? undefined : shared.get(review.shared);
  those?.grants.delete(grant);
  if (review.shared !== undefined && those?.grants.size === 0) shared.delete(review.shared);
  review.shared = undefined;
}

/** It has a review of its own. */
function putUsed({ reviews }: Joining, grant: string, review: GrantReview): void {
  leaveShared(reviews, grant, review);
  reviews.denied.delete(grant);
  review.course = newCourse(review.firstAt);
  remember(reviews.used, grant, review, MAX_USED);
}

function putDenied({ reviews, at }: Joining, grant: string, review: GrantReview): void {
  const key = sharedKey(review.sub, at);
  const those = reviews.shared.get(key) ?? { course: newCourse(at), grants: new Set<string>() };
  reviews.shared.set(key, those);
  const [first = ""] = those.grants;
  const oldest = those.grants.size < MAX_SHARED ? undefined : reviews.denied.get(first);
  if (oldest !== undefined) {
    leaveShared(reviews, first, oldest);
    reviews.denied.delete(first);
  }
  those.grants.add(grant);
  review.shared = key;
  const forgotten = remember(reviews.denied, grant, review, MAX_DENIED);
  if (forgotten !== undefined) leaveShared(reviews, ...forgotten);
}

const isUse = ({ verdict, mode, ended }: AuditRecord): boolean =>
  verdict === "allow" && mode === "enforce" && ended !== true;

function reviewOf(joining: Joining, grant: string, record: AuditRecord): GrantReview {
  const known = grantIn(joining.reviews, grant);
  const { jti = "", sub = "", ent = "", incident, drill } = record;
  const review = known ?? {
    grant,
    course: undefined,
    shared: undefined,
    firstAt: joining.at,
    firstTs: Math.min(Date.parse(record.ts), joining.at),
    lastAt: joining.at,
    digest: NO_DIGEST,
    counts: { allowed: 0, denied: 0, answers: 0, alarms: 0 },
    ...{ jti, sub, ent, incident, drill, exp: undefined, isOver: false, isCarried: false },
    approvers: new Set<string>(),
    trusts: new Set<string>(),
    vms: new Set<string>(),
  };
  if (isUse(record) && review.course === undefined) putUsed(joining, grant, review);
  else if (known === undefined) putDenied(joining, grant, review);
  return review;
}

function add(to: Set<string>, value: string, max: number): void {
  if (to.size < max) to.add(value);
}

const callKey = (grant: string, requestId: string): string => `${grant} ${requestId}`;

/** One of the calls of that id is open no more. */
function endCall({ calls }: Reviews, key: string, isIt: (call: OpenCall) => boolean = () => true): void {
  const open = calls.get(key);
  const it = open?.find(isIt);
  if (open === undefined || it === undefined) return;
  const rest = open.filter((call) => call !== it);
  if (rest.length === 0) calls.delete(key);
  else calls.set(key, rest);
}

function noteCall({ reviews }: Joining, chain: string, key: string, record: AuditRecord): void {
  const { seq, ended, corrects } = record;
  if (ended === true) endCall(reviews, key, (call) => call.chain === chain);
  if (corrects !== undefined) endCall(reviews, key, (call) => call.chain === chain && call.seq === corrects);
  const open = reviews.calls.get(key) ?? [];
  if (isUse(record) && open.length < MAX_CALLS_EACH) remember(reviews.calls, key, [...open, { chain, seq }], MAX_CALLS);
}

function joinAnswer(joining: Joining, grant: string, id: string, leaf?: Buffer, index?: number): void {
  const review = grantIn(joining.reviews, grant);
  if (review === undefined) return;
  review.counts.answers += 1;
  endCall(joining.reviews, callKey(grant, id));
  join(joining, grant, review, leaf, index);
}

function takeRecord(joining: Joining, chain: string, line: Extract<Line, { type: "record" }>): void {
  const { reviews, rules } = joining;
  const { record, sha256 } = line;
  const { grant_sha256: grant, verdict, ended, request_id: id = "", anchors = "", bundle } = record;
  const at = Math.max(reviews.heard.get(chain) ?? 0, Math.min(Date.parse(record.ts), joining.at));
  remember(reviews.heard, chain, at, MAX_HEARD);
  if (grant === undefined) return;
  const review = reviewOf(joining, grant, record);
  if (isUse(record)) review.counts.allowed += 1;
  else if (verdict !== "allow" && verdict !== PENDING && ended !== true) review.counts.denied += 1;
  if (verdict === "expired") review.isOver = true;
  for (const { sub } of record.approvers ?? []) add(review.approvers, sub, MAX_APPROVERS);
  const pinned = rules.byHash.get(anchors);
  if (pinned !== undefined && bundle !== undefined) add(review.trusts, `${pinned.which}/${bundle}`, MAX_TRUSTS);
  add(review.vms, chain, MAX_VMS);
  join(joining, grant, review);
  if (verdict === PENDING) remember(reviews.pending, sha256.toString("hex"), grant, MAX_PENDING);
  if (id === "") return;
  noteCall(joining, chain, callKey(grant, id), record);
  if (!isUse(record)) return;
  for (const { leaf, index } of reviews.early.get(id) ?? [])
    joinAnswer(joining, grant, id, Buffer.from(leaf, "hex"), index);
  reviews.early.delete(id);
}

const payloadSchema = z.looseObject({ exp: z.int().nonnegative() });

function takeEvidence(joining: Joining, evidence: string): void {
  const grant = grantOf(evidence);
  const review = grantIn(joining.reviews, grant);
  if (review === undefined) return;
  review.exp ??= payloadSchema.safeParse(jsonOf(evidence.split("~", 1)[0] ?? "")).data?.exp;
  join(joining, grant, review);
}

const receiptSchema = z.looseObject({ record_sha256: z.string() });

function takeReceipt(joining: Joining, token: string): void {
  const { reviews } = joining;
  const receipt = receiptSchema.safeParse(jsonOf(parseJws(token)?.payload ?? "")).data;
  const grant = reviews.pending.get(receipt?.record_sha256 ?? "");
  const review = grant === undefined ? undefined : grantIn(reviews, grant);
  if (grant !== undefined && review !== undefined) join(joining, grant, review);
}

function takeAnswer(joining: Joining, id: string, grant: string | undefined): void {
  if (grant !== undefined) {
    joinAnswer(joining, grant, id);
    return;
  }
  const { early } = joining.reviews;
  const those = early.get(id) ?? [];
  if (those.length >= MAX_CALLS_EACH) return;
  remember(early, id, [...those, { leaf: joining.leaf().toString("hex"), index: joining.index }], MAX_EARLY);
}

function joiningOf(reviews: Reviews, rules: Rules, index: number, { head, body }: Entry): Joining {
  let made: Buffer | undefined;
  const leaf = (): Buffer => {
    made ??= leafHash(encodeEntry({ head, body: head.sha256 === undefined ? body : Buffer.alloc(0) }));
    return made;
  };
  return { reviews, rules, index, at: Date.parse(head.received), leaf };
}

/**
 * A line from outside, entered. @param chain the key of a record's chain
 * @param answered the grant of the call that an answer answers, where that is known
 */
export function joinLine(
  reviews: Reviews,
  rules: Rules,
  index: number,
  entry: Entry,
  line: Line,
  { chain, answered }: { readonly chain: string; readonly answered: string | undefined },
): void {
  const joining = joiningOf(reviews, rules, index, entry);
  if (line.type === "record") takeRecord(joining, chain, line);
  else if (line.type === "evidence") takeEvidence(joining, line.evidence);
  else if (line.type === "receipt") takeReceipt(joining, line.receipt);
  else if (line.type === "answer") takeAnswer(joining, line.answer.request_id, answered);
}

/** An alarm of the log's own, entered: one about a review is none of its entries, as it changes nothing that was to be looked at. */
export function joinAlarm(reviews: Reviews, rules: Rules, index: number, entry: Entry): void {
  const finding = decodeFinding(entry.body);
  if (finding === undefined) return;
  const { code, subject, about, grant_sha256: grant = "" } = finding;
  if (code === "review_invalid") forgetClosed(reviews, subject, about);
  if (code === "review_overdue") {
    const course = courseOf(reviews, subject);
    if (course !== undefined) course.isTold = true;
  }
  const review = grantIn(reviews, grant);
  if (review === undefined || code === "review_overdue" || code === "review_invalid") return;
  review.counts.alarms += 1;
  join(joiningOf(reviews, rules, index, entry), grant, review);
}
