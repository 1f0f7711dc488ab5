/** What is done with a request once the verdict on its grant is known. The hot path, as judge.ts. */
import { Verdict, verdictCode } from "../decide/verdict.gen";
import { removeRequestHeader, Status, setFilterState } from "../host/calls";
import { ENDS_STREAMS, UPSTREAM_HEADERS } from "../host/gateway";
import { writeLiteral } from "../text/bytes";
import { attest } from "./attestation";
import { keep } from "./cache";
import { Incoming } from "./incoming";
import { Judgement } from "./judgement";
import { countDecision } from "./metrics";
import { ATTESTATION_HEADER, GRANT_HEADER, VERDICT_STATE } from "./names";
import { watch } from "./openstreams";
import { correctRecord } from "./record";
import { reply } from "./reply";
import { upstreamHeaderOf } from "./settings";
import { StripList } from "./strip";
import { setUpstreamHeader } from "./upstream";

/** What the gateway does next. */
export enum Action {
  Continue = 0,
  Stop = 1,
}

const verdictText: usize = memory.data(64, 16);

/** The filter state that native filters trust: set before any header is changed. */
export function setVerdict(verdict: i32): bool {
  const len = writeLiteral(verdictText, verdictCode(verdict));
  return setFilterState(VERDICT_STATE, verdictText, len) == Status.Ok;
}

export function removeGrant(): bool {
  return removeRequestHeader(GRANT_HEADER.ptr, GRANT_HEADER.len) == Status.Ok;
}

export function removeAttestation(): void {
  removeRequestHeader(ATTESTATION_HEADER.ptr, ATTESTATION_HEADER.len);
}

export function deny(verdict: i32, incoming: Incoming): Action {
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

/** The decision is on record, or could not be put there: without a record there is no access. */
export function finish(judgement: Judgement, isRecorded: bool): Action {
  const decision = judgement.decision;
  if (!isRecorded && judgement.isAllowed) decision.verdict = Verdict.AuditUnavailable;
  // Before any header is changed. Where not even this can be said, nothing is opened: the guard demands `allow`.
  const isVerdictSet = setVerdict(decision.verdict);
  if (!judgement.isAllowed) return deny(decision.told, judgement.incoming);
  return isVerdictSet ? allow(judgement) : denyAfterAll(judgement);
}
