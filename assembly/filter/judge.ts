/**
 * One request's way (docs/request.md). The hot path: no allocation, no trap, no unbounded loop. It may call the
 * gateway for headers, the clock, two properties and the filter state.
 */
import { judgeBinding } from "../decide/binding";
import { judgeRequest, judgeStanding } from "../decide/decide";
import { Request } from "../decide/request";
import { Verdict, verdictCode } from "../decide/verdict.gen";
import { readGrant } from "../grant/read";
import { getRequestHeader, now, removeRequestHeader, Slice, Status, setFilterState } from "../host/calls";
import { ENDS_STREAMS, IS_GUARDED, REACHES_ALL_LINES, SHOWS_AS_HTTP2, UPSTREAM_HEADERS } from "../host/gateway";
import { MAX_GRANT_BYTES } from "../limits";
import { isLiteral, writeLiteral } from "../text/bytes";
import { isAmbiguous, pathLength } from "../text/path";
import { attest } from "./attestation";
import { keep, lookUp } from "./cache";
import { RootContext } from "./contexts";
import { isBusy, keyOf, networkOf, noteFailure } from "./failures";
import { readHolder } from "./holder";
import { Incoming, readIncoming } from "./incoming";
import { askUnder, Judgement } from "./judgement";
import { hasRepeatedLine, isOwnUri } from "./lines";
import { countDecision } from "./metrics";
import { ATTESTATION_HEADER, GRANT_HEADER, VERDICT_STATE } from "./names";
import { judgeRoom, watch } from "./openstreams";
import { correctRecord, record } from "./record";
import { reply } from "./reply";
import { upstreamHeaderOf } from "./settings";
import { StripList } from "./strip";
import { setUpstreamHeader } from "./upstream";

/** What the gateway does next. */
export enum Action {
  Continue = 0,
  Stop = 1,
}

/** The request that is being judged. */
const current = new Judgement();
const header = new Slice();
const verdictText: usize = memory.data(64, 16);
const NOWHERE = new RootContext();
const NO_STRIP = changetype<StripList>(0);

/** When the last grant was judged, in seconds; 0 before the first. */
export function lastJudgedAt(): i64 {
  return current.nowSeconds;
}

function isTunnel(request: Request): bool {
  return request.isUpgrade || isLiteral(request.methodPtr, request.methodLen, "CONNECT");
}

/**
 * What of step 5 depends on the request. The gateway is asked where it comes from and which key it shows only where the grant
 * says so; a proof is judged last, so that nothing else spends it.
 */
function judgeUse(judgement: Judgement): i32 {
  const incoming = judgement.incoming;
  const claims = judgement.grant.claims;
  if (changetype<usize>(claims.networks) != 0) incoming.readAddress();
  let verdict = judgeRequest(judgement.grant, incoming.request, judgement.decision);
  if (ENDS_STREAMS && verdict == Verdict.Allow) verdict = judgeRoom(judgement);
  if (verdict != Verdict.Allow) return verdict;
  // It would live on when its grant is over, whatever the grant says of CONNECT.
  if (!ENDS_STREAMS && isTunnel(incoming.request)) return Verdict.ScopeMethod;
  if (changetype<usize>(claims.confirmation) == 0) return Verdict.Allow;
  readHolder(judgement);
  return judgeBinding(claims, incoming.request);
}

/** Steps 2 to 5: the verdict on the grant that the request shows. */
function judge(judgement: Judgement): i32 {
  const incoming = judgement.incoming;
  const request = incoming.request;
  request.pathPtr = incoming.targetPtr;
  request.pathLen = pathLength(incoming.targetPtr, incoming.targetLen);
  if (incoming.grantHeaders != 1) return Verdict.DuplicateHeader;
  if (!REACHES_ALL_LINES && hasRepeatedLine()) return Verdict.DuplicateHeader;
  if (incoming.grantLen > MAX_GRANT_BYTES) return Verdict.TooLarge;
  if (isAmbiguous(incoming.targetPtr, incoming.targetLen)) return Verdict.PathAmbiguous;
  if (!SHOWS_AS_HTTP2 && !isOwnUri(request.pathPtr, request.pathLen)) return Verdict.PathAmbiguous;

  const question = judgement.question;
  let verdict = askUnder(question, judgement.context, judgement.nowNs);
  if (verdict != Verdict.Allow) return verdict;

  const entry = lookUp(judgement.context.serial, incoming.grantPtr, incoming.grantLen);
  judgement.entry = entry;
  const grant = entry.grant;
  let network: u64 = 0;
  let key: u64 = 0;
  if (!entry.isAccepted) {
    if (!readGrant(entry.region, incoming.grantPtr, incoming.grantLen, "bg+jwt", grant)) {
      incoming.malformed = grant.malformed;
      return Verdict.Malformed;
    }
    const source = incoming.readSource();
    network = networkOf(source.ptr, source.len);
    key = keyOf(grant.request.kid.ptr, grant.request.kid.len);
  }
  const now = question.now;
  question.grant = grant;
  question.isVerified = entry.isAccepted;
  question.isNetworkBusy = isBusy(network, now);
  question.isKeyBusy = isBusy(key, now);
  verdict = judgeStanding(question, judgement.decision);
  if (judgement.decision.hasFailedProof) noteFailure(network, now);
  else if (verdict == Verdict.ApprovalSignature) noteFailure(key, now);
  return verdict == Verdict.Allow ? judgeUse(judgement) : verdict;
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

function deny(verdict: i32, incoming: Incoming): Action {
  removeGrant();
  countDecision(verdict);
  reply(verdict, incoming);
  return Action.Stop;
}

/** Removes the headers that `incoming.toStrip` marks. False when one of them may still be there. */
function stripHeaders(incoming: Incoming, strip: StripList): bool {
  let done = true;
  for (let i = 0; incoming.toStrip >> i != 0 && i < 64; i++) {
    if (((incoming.toStrip >> i) & 1) == 0) continue;
    const name = strip.at(i);
    if (removeRequestHeader(name.ptr, name.len) != Status.Ok) done = false;
  }
  return done;
}

/** The gateway could not do what an allowed request needs, and its record says `allow` already. */
function denyAfterAll(judgement: Judgement): Action {
  judgement.decision.verdict = Verdict.Internal;
  setVerdict(Verdict.Internal);
  correctRecord(judgement);
  return deny(Verdict.Internal, judgement.incoming);
}

/**
 * Step 6: an allowed request loses the grant and every header of `strip`, and tells the upstream who broke the glass. Only then
 * is the grant kept: a cached one's evidence is on record. The stream is watched from now on, as it must not outlive its grant.
 */
function allow(judgement: Judgement): Action {
  const incoming = judgement.incoming;
  const isGrantGone = removeGrant();
  const isStripped = stripHeaders(incoming, judgement.context.settings.strip);
  if (incoming.hasAttestation) removeAttestation();
  if (!isGrantGone || !isStripped || attest(judgement) != Status.Ok || (ENDS_STREAMS && !watch(judgement)))
    return denyAfterAll(judgement);
  if (UPSTREAM_HEADERS > 0 && !setUpstreamHeader(upstreamHeaderOf(judgement.context.settings)))
    return denyAfterAll(judgement);
  keep(judgement.entry);
  countDecision(Verdict.Allow);
  return Action.Continue;
}

/** Step 7: shadow decides and records; the request goes on as if no grant had been sent. */
function goOnInShadow(judgement: Judgement, isRecorded: bool): Action {
  if (isRecorded && judgement.isAllowed) keep(judgement.entry);
  removeGrant();
  if (judgement.incoming.hasAttestation) removeAttestation();
  countDecision(judgement.decision.told);
  return Action.Continue;
}

function judgeGrant(context: RootContext, stream: u32): Action {
  const judgement = current;
  const incoming = judgement.incoming;
  const decision = judgement.decision;
  const settings = context.settings;
  const hasSettings = changetype<usize>(settings) != 0;
  judgement.start(context, stream, now());
  if (readIncoming(incoming, hasSettings ? settings.strip : NO_STRIP)) decision.verdict = judge(judgement);
  const isRecorded = record(judgement);
  if (hasSettings && settings.isShadow) return goOnInShadow(judgement, isRecorded);
  if (!isRecorded && judgement.isAllowed) decision.verdict = Verdict.AuditUnavailable;
  // Before any header is changed. Where not even this can be said, nothing is opened: the guard demands `allow`.
  const isVerdictSet = setVerdict(decision.verdict);
  if (!judgement.isAllowed) return deny(decision.told, incoming);
  return isVerdictSet ? allow(judgement) : denyAfterAll(judgement);
}

/** Step 1: no grant. The line-rate path: two host calls, no record, no filter state. */
function judgeNoGrant(context: RootContext): Action {
  // Only when the client sent it: changing headers makes the gateway route anew.
  if (getRequestHeader(ATTESTATION_HEADER, header) == Status.Ok) removeAttestation();
  const settings = context.settings;
  if (IS_GUARDED && (changetype<usize>(settings) == 0 || !settings.requiresGrant || settings.isShadow))
    return Action.Continue;
  readIncoming(current.incoming, NO_STRIP);
  setVerdict(Verdict.NoGrant);
  return deny(Verdict.NoGrant, current.incoming);
}

/** `on_request_headers` of a stream of that context. @param stream the gateway's id of it */
export function onRequest(context: RootContext, stream: u32): Action {
  // Only a header that is surely missing is no grant: any other answer of the host is judged, and denied there.
  if (getRequestHeader(GRANT_HEADER, header) == Status.NotFound) return judgeNoGrant(context);
  return judgeGrant(context, stream);
}

/** A stream whose root context this VM does not know: a grant is denied, anything else goes on to the normal authentication. */
export function onRequestOfUnknownContext(): Action {
  return onRequest(NOWHERE, 0);
}
