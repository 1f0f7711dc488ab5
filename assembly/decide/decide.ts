/**
 * grant x trust x request x now -> verdict. Pure: no host call, no clock, no allocation; the first failure wins, in the
 * order of docs/request.md. In two parts: how the grant stands, whatever it is used for, which is also asked of an open stream;
 * and whether this request fits it. What the request shows of its sender's key comes last (binding.ts).
 *
 * Before the requester's signature holds nothing is told about the roster or its rules: an unknown key, one outside its window,
 * another algorithm than the key's and a wrong signature are told apart in the record alone, which the caller does not see. To
 * him they are one reply, after the same work.
 */
import { knownKey } from "../crypto/selftest";
import { noteVerified } from "../crypto/tables";
import { Claims } from "../grant/claims.gen";
import { Grant } from "../grant/grant";
import { Jws, UNSUPPORTED_ALGORITHM, verifyJws } from "../jose/jws";
import { equalBytes } from "../text/bytes";
import { TextList } from "../text/region";
import { Entitlement, Key } from "../trust/trust";
import { approvalsVerify, judgeApprovals, nameApprovers } from "./approvals";
import { judgeKey } from "./key";
import { judgeNetwork } from "./network";
import { Question } from "./question";
import { Approvers, holdsRole, NEVER, quorumMetAt } from "./quorum";
import { Request } from "./request";
import { isRevoked } from "./revoked";
import { judgeScope } from "./scope";
import { Verdict } from "./verdict.gen";

/** A decision, and what it found on the way. One object serves all requests of a VM. */
export class Decision {
  verdict: i32 = Verdict.Internal;
  /** The requester's signature holds: from here on replies and records may name claims. */
  isProven: bool = false;
  /** No key of the roster has signed the request: the caller is told `signature`, whatever the verdict says of the reason. */
  hasFailedProof: bool = false;
  entitlement: Entitlement = changetype<Entitlement>(0);
  /** When the grant ends, at `exp` or before: known where its quorum is there. */
  endsAt: i64 = 0;
  /** Whose approvals were looked at, in order. */
  approvers: Approvers = new Approvers();
  /** The approvers' signatures hold: before that anybody could have named them. */
  areApprovalsProven: bool = false;

  /** The verdict that reply, response details and metrics name. */
  get told(): i32 {
    return this.hasFailedProof ? Verdict.Signature : this.verdict;
  }

  clear(): void {
    this.verdict = Verdict.Internal;
    this.isProven = false;
    this.hasFailedProof = false;
    this.areApprovalsProven = false;
    this.endsAt = 0;
    this.entitlement = changetype<Entitlement>(0);
    this.approvers.clear();
  }
}

function contains(list: TextList, ptr: usize, len: i32): bool {
  for (let i = 0; i < list.count; i++) {
    const item = list.at(i);
    if (equalBytes(item.ptr, item.len, ptr, len)) return true;
  }
  return false;
}

/** Whether the signature holds. A key that has signed well may have a table of multiples, built later. */
function verifies(jws: Jws, key: Key): bool {
  if (!verifyJws(jws, key.publicKey)) return false;
  noteVerified(jws.algorithm, key.publicKey);
  return true;
}

/** What the grant's text alone says, at this time and for this gateway. Nothing here depends on the roster: all of it may be told. */
function judgeText(question: Question): i32 {
  const claims = question.grant.claims;
  const anchors = question.anchors;
  if (question.grant.request.algorithm == UNSUPPORTED_ALGORITHM) return Verdict.Algorithm;
  if (claims.issuedAt > question.now + question.leeway) return Verdict.NotYetValid;
  if (question.now >= claims.expiresAt) return Verdict.Expired;
  return contains(claims.aud, anchors.audiencePtr, anchors.audienceLen) ? Verdict.Allow : Verdict.Audience;
}

/**
 * Whether the request was signed by its key, which `judgeKey` has judged. Where that may not sign, a signature of the same
 * algorithm is checked all the same and not heard: the reply takes as long.
 */
function judgeProof(request: Jws, key: Key, keyVerdict: i32): i32 {
  if (keyVerdict == Verdict.Allow) return verifies(request, key) ? Verdict.Allow : Verdict.Signature;
  verifyJws(request, knownKey(request.algorithm));
  return keyVerdict;
}

function mayRequest(entitlement: Entitlement, key: Key, now: i64): bool {
  const roles = entitlement.requesters;
  for (let i = 0; i < roles.count; i++) {
    const role = roles.at(i);
    if (holdsRole(key.principal, role.ptr, role.len, now, now)) return true;
  }
  return false;
}

/** A network that covers a whole family keeps nobody out, so it is none where one is demanded. */
function lacksClaim(claims: Claims, entitlement: Entitlement): bool {
  const networks = claims.networks;
  if (entitlement.requiresIncident && changetype<usize>(claims.incident) == 0) return true;
  if (entitlement.requiresConfirmation && changetype<usize>(claims.confirmation) == 0) return true;
  return entitlement.requiresNetworks && (changetype<usize>(networks) == 0 || networks.hasWhole);
}

function judgeEntitlement(grant: Grant, key: Key, entitlement: Entitlement, now: i64): i32 {
  const claims = grant.claims;
  if (changetype<usize>(entitlement) == 0) return Verdict.EntitlementUnknown;
  if (!mayRequest(entitlement, key, now)) return Verdict.Requester;
  // A drill is never a quiet real grant, nor the reverse.
  if (entitlement.isDrill != (changetype<usize>(claims.drill) != 0)) return Verdict.Requester;
  if (!contains(entitlement.reasons, claims.reason.ptr, claims.reason.len)) return Verdict.Reason;
  if (lacksClaim(claims, entitlement)) return Verdict.ClaimRequired;
  // All are below 2^53, so neither side can overflow.
  return claims.expiresAt - claims.issuedAt <= entitlement.maxTtl + entitlement.maxWait ? Verdict.Allow : Verdict.Ttl;
}

/**
 * Enough approvals, and the life that began when they were: `max_ttl` from the moment at which they made the quorum, or from
 * the ask where none is needed, and never beyond `exp`.
 */
function judgeQuorum(claims: Claims, decision: Decision, now: i64): i32 {
  const entitlement = decision.entitlement;
  const began = entitlement.quorum == 0 ? claims.issuedAt : quorumMetAt(entitlement, decision.approvers, now);
  if (began == NEVER) return Verdict.Quorum;
  decision.endsAt = min(claims.expiresAt, began + entitlement.maxTtl);
  return now >= decision.endsAt ? Verdict.Expired : Verdict.Allow;
}

function judgeInOrder(question: Question, decision: Decision): i32 {
  const grant = question.grant;
  const trust = question.trust;
  const now = question.now;
  const isVerified = question.isVerified;
  decision.isProven = isVerified;
  let verdict = judgeText(question);
  if (verdict != Verdict.Allow) return verdict;
  // Before the key is looked for, so that it tells nothing of the key.
  if (question.isNetworkBusy && !isVerified) return Verdict.Busy;
  const requester = trust.key(grant.request.kid.ptr, grant.request.kid.len);
  verdict = judgeKey(grant.request, requester, now);
  if (!isVerified) {
    verdict = judgeProof(grant.request, requester, verdict);
    decision.hasFailedProof = verdict != Verdict.Allow;
  }
  if (verdict != Verdict.Allow) return verdict;
  decision.isProven = true;

  const claims = grant.claims;
  const entitlement = trust.entitlement(claims.entitlement.ptr, claims.entitlement.len);
  decision.entitlement = entitlement;
  if (isRevoked(question, requester)) return Verdict.Revoked;
  if (!requester.principal.isNamed(claims.sub.ptr, claims.sub.len)) return Verdict.KeyOwner;
  verdict = judgeEntitlement(grant, requester, entitlement, now);
  if (verdict != Verdict.Allow) return verdict;
  verdict = judgeApprovals(question, requester, decision.approvers);
  if (verdict != Verdict.Allow) return verdict;
  verdict = judgeQuorum(claims, decision, now);
  if (verdict != Verdict.Allow) return verdict;
  if (!isVerified) {
    if (question.isKeyBusy && grant.approvalCount > 0) return Verdict.Busy;
    if (!approvalsVerify(grant, trust)) return Verdict.ApprovalSignature;
  }
  decision.areApprovalsProven = true;
  return Verdict.Allow;
}

/** How the grant stands: all that does not depend on the request. The caller has made sure that the bundle holds now (`bundleHolds`). */
export function judgeStanding(question: Question, decision: Decision): i32 {
  const verdict = judgeInOrder(question, decision);
  // Its signatures are known to hold: who approved, and whether anybody had to, stays on record whatever ends it.
  if (question.isVerified && verdict != Verdict.Allow) {
    const ent = question.grant.claims.entitlement;
    decision.entitlement = question.trust.entitlement(ent.ptr, ent.len);
    decision.areApprovalsProven = true;
    nameApprovers(question.grant, question.trust, decision.approvers);
  }
  return verdict;
}

/** Whether the request fits a grant that stands. What it is bound to is asked after that, so that no other denial spends a proof. */
export function judgeRequest(grant: Grant, request: Request, decision: Decision): i32 {
  const verdict = judgeScope(grant.claims.scope, request);
  if (verdict != Verdict.Allow) return verdict;
  if (judgeScope(decision.entitlement.scope, request) != Verdict.Allow) return Verdict.EntitlementScope;
  return judgeNetwork(grant.claims, request);
}
