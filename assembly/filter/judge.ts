/**
 * One request's way (DESIGN.md, "One request"). The hot path: no allocation, no trap, no unbounded loop. It may call the
 * gateway for headers, the clock, two properties and the filter state.
 */
import { bundleHolds, Decision, decide } from "../decide/decide";
import { Verdict, verdictCode } from "../decide/verdict.gen";
import { Grant } from "../grant/grant";
import { hashPayload, readGrant } from "../grant/read";
import { getRequestHeader, now, removeRequestHeader, Slice, Status, setFilterState } from "../host/calls";
import { MAX_GRANT_BYTES } from "../limits";
import { writeLiteral } from "../text/bytes";
import { isAmbiguous, pathLength } from "../text/path";
import { attest } from "./attestation";
import { findCached, keepSpare, spareGrant, spareRegion } from "./cache";
import { RootContext } from "./contexts";
import { takeEvidence } from "./evidence";
import { isBusy, networkOf, noteFailure } from "./failures";
import { Incoming, readIncoming } from "./incoming";
import { countDecision } from "./metrics";
import { ATTESTATION_HEADER, GRANT_HEADER, VERDICT_STATE } from "./names";
import { recordProven, recordUnproven } from "./record";
import { reply } from "./reply";
import { Settings } from "./settings";
import { StripList } from "./strip";

/** What the gateway does next. */
export enum Action {
  Continue = 0,
  Stop = 1,
}

const incoming = new Incoming();
const decision = new Decision();
const header = new Slice();
const verdictText: usize = memory.data(64, 16);
const NOWHERE = new RootContext();
const NO_STRIP = changetype<StripList>(0);
const NO_GRANT = changetype<Grant>(0);

/** The grant of the request that is being judged, 0 until it was found well-formed or at least begun. */
let grant: Grant = NO_GRANT;
let isCached: bool = false;
let nowNs: u64 = 0;

/** Steps 2 to 5: the verdict on the grant in `incoming`. */
function judge(context: RootContext): i32 {
  grant = NO_GRANT;
  isCached = false;
  decision.clear();
  const request = incoming.request;
  request.pathPtr = incoming.targetPtr;
  request.pathLen = pathLength(incoming.targetPtr, incoming.targetLen);
  if (incoming.grantHeaders != 1) return Verdict.DuplicateHeader;
  if (incoming.grantLen > MAX_GRANT_BYTES) return Verdict.TooLarge;
  if (isAmbiguous(incoming.targetPtr, incoming.targetLen)) return Verdict.PathAmbiguous;

  const settings = context.settings;
  if (changetype<usize>(settings) == 0 || changetype<usize>(context.held) == 0) return Verdict.NoTrust;
  if (nowNs == 0) return Verdict.Internal;
  const trust = context.held.trust;
  const nowSeconds = <i64>(nowNs / 1000000000);
  if (!bundleHolds(trust, nowSeconds, settings.leeway)) return Verdict.BundleExpired;

  grant = findCached(context.serial, incoming.grantPtr, incoming.grantLen);
  isCached = changetype<usize>(grant) != 0;
  if (!isCached) {
    const region = spareRegion();
    grant = spareGrant(region);
    if (!readGrant(region, incoming.grantPtr, incoming.grantLen, "bg+jwt", grant)) return Verdict.Malformed;
  }
  let network: u64 = 0;
  if (!isCached) {
    const source = incoming.readSource();
    network = networkOf(source.ptr, source.len);
  }
  const isTooBusy = isBusy(network, nowSeconds);
  const leeway = settings.leeway;
  const verdict = decide(grant, trust, settings.anchors, request, nowSeconds, leeway, isTooBusy, isCached, decision);
  if (verdict == Verdict.Signature || verdict == Verdict.ApprovalSignature) noteFailure(network, nowSeconds);
  return verdict;
}

/** Writes the record of the decision. Evidence goes with the first acceptance. False when it could not be written. */
function record(context: RootContext): bool {
  if (!decision.isProven) return recordUnproven(context, decision.verdict, grant, incoming, nowNs);
  const isFirst = decision.verdict == Verdict.Allow && !isCached;
  if (isFirst) takeEvidence(grant);
  else if (!isCached) hashPayload(grant);
  return recordProven(context, grant, decision, incoming, nowNs, isCached, isFirst);
}

/** The filter state that native filters trust: set before any header is changed. */
function setVerdict(verdict: i32): bool {
  const len = writeLiteral(verdictText, verdictCode(verdict));
  return setFilterState(VERDICT_STATE, verdictText, len) == Status.Ok;
}

function removeGrant(): bool {
  return removeRequestHeader(GRANT_HEADER.ptr, GRANT_HEADER.len) == Status.Ok;
}

function removeAttestation(): void {
  removeRequestHeader(ATTESTATION_HEADER.ptr, ATTESTATION_HEADER.len);
}

function deny(verdict: i32): Action {
  removeGrant();
  countDecision(verdict);
  reply(verdict, incoming);
  return Action.Stop;
}

/** Step 6: an allowed request loses the grant and every header of `strip`, and tells the upstream who broke the glass. */
function allow(settings: Settings): Action {
  let done = removeGrant();
  for (let i = 0; incoming.toStrip >> i != 0 && i < 64; i++) {
    if (((incoming.toStrip >> i) & 1) == 0) continue;
    const name = settings.strip.at(i);
    if (removeRequestHeader(name.ptr, name.len) != Status.Ok) done = false;
  }
  if (incoming.hasAttestation) removeAttestation();
  if (!done || attest(grant) != Status.Ok) {
    setVerdict(Verdict.Internal);
    return deny(Verdict.Internal);
  }
  countDecision(Verdict.Allow);
  return Action.Continue;
}

/** Step 7: shadow decides and records; the request goes on as if no grant had been sent. */
function goOnInShadow(): Action {
  removeGrant();
  if (incoming.hasAttestation) removeAttestation();
  countDecision(decision.verdict);
  return Action.Continue;
}

function judgeGrant(context: RootContext): Action {
  const settings = context.settings;
  const strip = changetype<usize>(settings) == 0 ? NO_STRIP : settings.strip;
  const isShadow = changetype<usize>(settings) != 0 && settings.isShadow;
  nowNs = now();
  if (!readIncoming(incoming, strip)) {
    decision.clear();
    grant = NO_GRANT;
  } else {
    decision.verdict = judge(context);
  }
  if (decision.verdict == Verdict.Allow && !isCached) keepSpare(context.serial, nowNs);
  const isRecorded = record(context);
  if (isShadow) return goOnInShadow();
  if (!isRecorded && decision.verdict == Verdict.Allow) decision.verdict = Verdict.AuditUnavailable;
  // Before any header is changed. Where not even this can be said, nothing is opened: the guard demands `allow`.
  if (!setVerdict(decision.verdict) && decision.verdict == Verdict.Allow) decision.verdict = Verdict.Internal;
  return decision.verdict == Verdict.Allow ? allow(settings) : deny(decision.verdict);
}

/** Step 1: no grant. The line-rate path: two host calls, no record, no filter state. */
function judgeNoGrant(context: RootContext): Action {
  // Only when the client sent it: changing headers makes the gateway route anew.
  if (getRequestHeader(ATTESTATION_HEADER, header) == Status.Ok) removeAttestation();
  const settings = context.settings;
  if (changetype<usize>(settings) == 0 || !settings.requiresGrant || settings.isShadow) return Action.Continue;
  readIncoming(incoming, NO_STRIP);
  setVerdict(Verdict.NoGrant);
  return deny(Verdict.NoGrant);
}

/** `on_request_headers` of a stream of that context. */
export function onRequest(context: RootContext): Action {
  // Only a header that is surely missing is no grant: any other answer of the host is judged, and denied there.
  if (getRequestHeader(GRANT_HEADER, header) == Status.NotFound) return judgeNoGrant(context);
  return judgeGrant(context);
}

/** A stream whose root context this VM does not know: a grant is denied, anything else goes on to the normal authentication. */
export function onRequestOfUnknownContext(): Action {
  return onRequest(NOWHERE);
}
