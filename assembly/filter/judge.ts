/**
 * One request's way (docs/request.md). The hot path: no allocation, no trap, no unbounded loop. It may call the
 * gateway for headers, the clock, two properties and the filter state.
 */
import { judgeBinding } from "../decide/binding";
import { judgeRequest, judgeStanding } from "../decide/decide";
import { Request } from "../decide/request";
import { Verdict } from "../decide/verdict.gen";
import { readGrant } from "../grant/read";
import { getRequestHeader, now, Slice, Status } from "../host/calls";
import { CALLS_OUT, ENDS_STREAMS, IS_GUARDED, REACHES_ALL_LINES, SHOWS_AS_HTTP2 } from "../host/gateway";
import { MAX_GRANT_BYTES } from "../limits";
import { isLiteral } from "../text/bytes";
import { isAmbiguous, pathLength } from "../text/path";
import { keep, lookUp } from "./cache";
import { RootContext } from "./contexts";
import { isBusy, keyOf, networkOf, noteFailure } from "./failures";
import { readHolder } from "./holder";
import { readIncoming } from "./incoming";
import { askUnder, Judgement } from "./judgement";
import { hasRepeatedLine, isOwnUri } from "./lines";
import { countDecision } from "./metrics";
import { ATTESTATION_HEADER, GRANT_HEADER } from "./names";
import { judgeRoom } from "./openstreams";
import { Action, deny, finish, removeAttestation, removeGrant, setVerdict } from "./outcome";
import { holdBack, mayHoldBack } from "./receipts";
import { record } from "./record";
import { StripList } from "./strip";

/** The request that is being judged. */
const current = new Judgement();
const header = new Slice();
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
  // A proof counts once: this request has shown its own.
  if (changetype<usize>(claims.confirmation) == 0 || judgement.isResumed) return Verdict.Allow;
  readHolder(judgement);
  return judgeBinding(claims, incoming.request);
}

/** Steps 2 to 5: the verdict on the grant that the request shows. */
export function judge(judgement: Judgement): i32 {
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
  question.isVerified = entry.isAccepted || judgement.isResumed;
  question.isNetworkBusy = isBusy(network, now);
  question.isKeyBusy = isBusy(key, now);
  verdict = judgeStanding(question, judgement.decision);
  if (judgement.decision.hasFailedProof) noteFailure(network, now);
  else if (verdict == Verdict.ApprovalSignature) noteFailure(key, now);
  return verdict == Verdict.Allow ? judgeUse(judgement) : verdict;
}

/** Step 7: shadow decides and records; the request goes on as if no grant had been sent. */
function goOnInShadow(judgement: Judgement, isRecorded: bool): Action {
  if (isRecorded && judgement.isAllowed) keep(judgement.entry);
  removeGrant();
  if (judgement.incoming.hasAttestation) removeAttestation();
  countDecision(judgement.decision.told);
  return Action.Continue;
}

/** An entitlement with `audit` opens nothing by the filter's word alone. */
function needsReceipt(judgement: Judgement): bool {
  return judgement.isAllowed && judgement.decision.entitlement.requiresReceipt;
}

function judgeGrant(context: RootContext, stream: u32): Action {
  const judgement = current;
  const incoming = judgement.incoming;
  const decision = judgement.decision;
  const settings = context.settings;
  const hasSettings = changetype<usize>(settings) != 0;
  judgement.start(context, stream, now());
  if (readIncoming(incoming, hasSettings ? settings.strip : NO_STRIP)) decision.verdict = judge(judgement);
  if (needsReceipt(judgement)) {
    decision.verdict = CALLS_OUT ? mayHoldBack(judgement) : Verdict.AuditUnavailable;
    // Shadow asks nobody: it tells what would be allowed if a ledger answered.
    if (CALLS_OUT && judgement.isAllowed && !settings.isShadow) return holdBack(judgement);
  }
  const isRecorded = record(judgement);
  if (hasSettings && settings.isShadow) return goOnInShadow(judgement, isRecorded);
  return finish(judgement, isRecorded);
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
