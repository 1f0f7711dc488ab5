/**
 * A stream does not outlive its grant. Each stream that was let in is known with its grant until it ends, and ticks judge each such
 * grant again, once and not once a stream: by time, the bundle's end, key and role windows, quorum and revocations, under the
 * newest bundle and texts of its domain. Streams of a grant that stands no more are ended with that verdict, on record and in the answer.
 *
 * Within two seconds, and a bounded step a tick: half a second until a tick comes, then one each ten milliseconds while there is
 * work, so that no tick holds the worker up.
 *
 *   owner of a stream (streams.ts): | 0 | handle of its root context, 31 bits |
 *                                   | 1 | ended | where its OpenGrant stands, 30 bits |
 */
import { Decision, judgeStanding } from "../decide/decide";
import { Question } from "../decide/question";
import { Verdict } from "../decide/verdict.gen";
import { arenaMark, rewindArena } from "../host/arena";
import { Status, setEffectiveContext } from "../host/calls";
import { contextAt, findHandle, keepUp, RootContext } from "./contexts";
import { askUnder, Judgement } from "./judgement";
import { countDroppedRecord, countEndedStream, countRefused } from "./metrics";
import {
  joinOpenGrant,
  leaveOpenGrant,
  OpenGrant,
  openGrantAt,
  openGrantCount,
  openGrantPlaces,
  roomUnder,
} from "./opengrants";
import { recordEnd } from "./record";
import { replyToEnded } from "./reply";
import { ownerAt, ownerOfStream, setOwner, streamAt, streamPlaces } from "./streams";

const OPEN: u32 = 1 << 31;
/** The gateway was told to end it: it is never told again, as Envoy crashes where one call ends a stream twice. */
const ENDED: u32 = 1 << 30;

/** Grants judged a tick: a quarter of a millisecond, and some ms where each has the most approvals of people with the most roles. */
const JUDGED_A_TICK: i32 = 1024;
/** Streams ended a tick, and places looked at for them: each end is an answer, and a record. */
const ENDED_A_TICK: i32 = 256;
const PLACES_A_TICK: u32 = 65536;

/** The next place of a grant, or stream, to look at. */
let grantCursor: i32 = 0;
let streamCursor: u32 = 0;
/** Streams that are to be ended and were not yet. */
let toEnd: i32 = 0;

const NOWHERE = new RootContext();
/** What is asked of a grant anew: its signatures held when it was let in. */
const question = new Question();
question.isVerified = true;
const decision = new Decision();
const ending = new Judgement();

function grantOf(owner: u32): OpenGrant {
  return changetype<OpenGrant>(<usize>(owner & ~(OPEN | ENDED)));
}

/** The handle of the root context that the stream of that owner began under. */
export function handleOf(owner: u32): u32 {
  return (owner & OPEN) != 0 ? grantOf(owner).handle : owner;
}

/** Whether the stream may open, or why not: one that nobody could end must not. Shadow ends none. */
export function judgeRoom(judgement: Judgement): i32 {
  const context = judgement.context;
  const verdict = context.settings.isShadow ? Verdict.Allow : roomUnder(judgement.entry, context.handle);
  if (verdict == Verdict.NoTrust) countRefused();
  return verdict;
}

/** The stream was let in: from now on it lives as long as its grant. False where it cannot be watched. */
export function watch(judgement: Judgement): bool {
  const context = judgement.context;
  const id = judgement.stream;
  if ((ownerOfStream(id) & OPEN) != 0) return false;
  const open = joinOpenGrant(judgement.entry, context.handle, context.settings.anchors);
  if (changetype<usize>(open) == 0) return false;
  setOwner(id, OPEN | <u32>changetype<usize>(open));
  return true;
}

/** The stream of that owner has ended, by itself or by us. */
export function unwatch(owner: u32): void {
  if ((owner & OPEN) == 0) return;
  const open = grantOf(owner);
  if (open.verdict != Verdict.Allow && (owner & ENDED) == 0) toEnd -= 1;
  leaveOpenGrant(open);
}

/** Whether there is more to do than can wait for the next idle tick. */
export function hasStreamWork(): bool {
  return toEnd > 0 || grantCursor > 0;
}

/** As a request would be judged now, but for what depends on it. Without a clock, or its root context, nobody can: it ends. */
function judgeAgain(open: OpenGrant, context: RootContext, nowNs: u64): i32 {
  const verdict = askUnder(question, context, nowNs);
  if (verdict != Verdict.Allow) return verdict;
  question.grant = open.grant;
  decision.clear();
  return judgeStanding(question, decision);
}

/** The root context that let the grant in, with the newest bundle that may govern it. */
function contextOf(open: OpenGrant): RootContext {
  const index = findHandle(open.handle);
  if (index < 0) return NOWHERE;
  const context = contextAt(index);
  keepUp(context);
  return context;
}

/** Judges some of the grants that have a stream open, from where the last tick stopped. */
function judgeSome(nowNs: u64): void {
  const places = openGrantPlaces();
  for (let judged = 0; grantCursor < places; grantCursor++) {
    const open = openGrantAt(grantCursor);
    if (open.streams == 0 || open.verdict != Verdict.Allow) continue;
    if (judged == JUDGED_A_TICK) return;
    judged += 1;
    open.verdict = judgeAgain(open, contextOf(open), nowNs);
    if (open.verdict != Verdict.Allow) toEnd += open.streams;
  }
  grantCursor = 0;
}

/** Ends one stream: marked before the gateway is told, which is told once. */
function end(id: u32, owner: u32, nowNs: u64): void {
  const open = grantOf(owner);
  setOwner(id, owner | ENDED);
  toEnd -= 1;
  // The host may call `on_delete` before these calls return: nothing of `open` is read after them.
  const verdict = open.verdict;
  const context = contextOf(open);
  if (setEffectiveContext(id) != Status.Ok) return;
  ending.start(context, id, nowNs);
  ending.decision.verdict = verdict;
  const mark = arenaMark();
  if (!recordEnd(ending)) countDroppedRecord();
  rewindArena(mark);
  countEndedStream();
  replyToEnded(verdict);
}

/** Ends some of the streams whose grants stand no more. A stream that moves to a place before the cursor is met in the next round. */
function endSome(nowNs: u64): void {
  let left = ENDED_A_TICK;
  const places = min(PLACES_A_TICK, streamPlaces());
  for (let looked: u32 = 0; toEnd > 0 && left > 0 && looked < places; looked++) {
    if (streamCursor >= streamPlaces()) streamCursor = 0;
    const id = streamAt(streamCursor);
    const owner = ownerAt(streamCursor);
    streamCursor += 1;
    if (id == 0 || (owner & (OPEN | ENDED)) != OPEN || grantOf(owner).verdict == Verdict.Allow) continue;
    end(id, owner, nowNs);
    left -= 1;
  }
}

/** A step of `on_tick` of the root context of that id. @param nowNs 0 where the gateway has no clock */
export function watchStreams(rootId: u32, nowNs: u64): void {
  if (openGrantCount() == 0) {
    grantCursor = 0;
    return;
  }
  judgeSome(nowNs);
  if (toEnd == 0) return;
  endSome(nowNs);
  setEffectiveContext(rootId);
}
