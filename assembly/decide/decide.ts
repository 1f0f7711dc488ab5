/**
 * grant x trust x request x now -> verdict. Pure: no host call, no clock, no allocation; the first failure wins, in the
 * order of DESIGN.md, "One request". Before the requester's signature holds nothing is told about the roster or its rules.
 */
import { beginBatch, endBatch } from "../crypto/signature";
import { noteVerified } from "../crypto/tables";
import { Grant } from "../grant/grant";
import { addJwsToBatch, Jws, UNSUPPORTED_ALGORITHM, verifyJws } from "../jose/jws";
import { equalBytes } from "../text/bytes";
import { TextList } from "../text/region";
import { Anchors, Entitlement, Key, Trust } from "../trust/trust";
import { Approvers, holdsRole, quorumIsMet } from "./quorum";
import { Request } from "./request";
import { judgeScope } from "./scope";
import { Verdict } from "./verdict.gen";

/** A decision, and what it found on the way. One object serves all requests of a VM. */
export class Decision {
  verdict: i32 = Verdict.Internal;
  /** The requester's signature holds: from here on replies and records may name claims. */
  isProven: bool = false;
  entitlement: Entitlement = changetype<Entitlement>(0);
  /** Whose approvals were looked at, in order. */
  approvers: Approvers = new Approvers();
  /** The approvers' signatures hold: before that anybody could have named them. */
  areApprovalsProven: bool = false;

  clear(): void {
    this.verdict = Verdict.Internal;
    this.isProven = false;
    this.areApprovalsProven = false;
    this.entitlement = changetype<Entitlement>(0);
    this.approvers.clear();
  }
}

/** Whether the bundle holds at `now` (seconds). A bundle from the future is as unusable as an expired one. */
export function bundleHolds(trust: Trust, now: i64, leeway: i64): bool {
  return now < trust.expiresAt && trust.issuedAt <= now + leeway;
}

function contains(list: TextList, ptr: usize, len: i32): bool {
  for (let i = 0; i < list.count; i++) {
    const item = list.at(i);
    if (equalBytes(item.ptr, item.len, ptr, len)) return true;
  }
  return false;
}

/** The key that signed, or the verdict why not. */
function judgeKey(jws: Jws, key: Key, now: i64): i32 {
  if (changetype<usize>(key) == 0) return Verdict.KeyUnknown;
  if (jws.algorithm != key.algorithm) return Verdict.Algorithm;
  return key.holdsAt(now) ? Verdict.Allow : Verdict.KeyNotValid;
}

/** Whether the signature holds. A key that has signed well may have a table of multiples, built later. */
function verifies(jws: Jws, key: Key): bool {
  if (!verifyJws(jws, key.publicKey)) return false;
  noteVerified(jws.algorithm, key.publicKey);
  return true;
}

/**
 * Whether all approvals' signatures hold, checked together: not cheaper for a forged one, which only a known requester can
 * bring this far, and at most MAX_APPROVALS. Each key that has signed well may get a table, whatever the others did.
 */
function approvalsVerify(grant: Grant, trust: Trust): bool {
  beginBatch();
  for (let i = 0; i < grant.approvalCount; i++) {
    const approval = grant.approval(i);
    addJwsToBatch(approval, trust.key(approval.kid.ptr, approval.kid.len).publicKey);
  }
  const held = endBatch();
  let all = true;
  for (let i = 0; i < grant.approvalCount; i++) {
    const approval = grant.approval(i);
    if (((held >> i) & 1) != 0)
      noteVerified(approval.algorithm, trust.key(approval.kid.ptr, approval.kid.len).publicKey);
    else all = false;
  }
  return all;
}

/** Steps before the requester's signature: nothing here depends on what the roster says beyond the one key. */
function judgeRequestUnproven(grant: Grant, trust: Trust, anchors: Anchors, now: i64, leeway: i64): i32 {
  const request = grant.request;
  const claims = grant.claims;
  if (request.algorithm == UNSUPPORTED_ALGORITHM) return Verdict.Algorithm;
  const verdict = judgeKey(request, trust.key(request.kid.ptr, request.kid.len), now);
  if (verdict != Verdict.Allow) return verdict;
  if (claims.issuedAt > now + leeway) return Verdict.NotYetValid;
  if (now >= claims.expiresAt) return Verdict.Expired;
  return contains(claims.aud, anchors.audiencePtr, anchors.audienceLen) ? Verdict.Allow : Verdict.Audience;
}

function mayRequest(entitlement: Entitlement, key: Key, now: i64): bool {
  const roles = entitlement.requesters;
  for (let i = 0; i < roles.count; i++) {
    const role = roles.at(i);
    if (holdsRole(key.principal, role.ptr, role.len, now, now)) return true;
  }
  return false;
}

function judgeEntitlement(grant: Grant, key: Key, entitlement: Entitlement, now: i64): i32 {
  const claims = grant.claims;
  if (changetype<usize>(entitlement) == 0) return Verdict.EntitlementUnknown;
  if (!mayRequest(entitlement, key, now)) return Verdict.Requester;
  // A drill is never a quiet real grant, nor the reverse.
  if (entitlement.isDrill != (changetype<usize>(claims.drill) != 0)) return Verdict.Requester;
  if (!contains(entitlement.reasons, claims.reason.ptr, claims.reason.len)) return Verdict.Reason;
  if (entitlement.requiresIncident && changetype<usize>(claims.incident) == 0) return Verdict.ClaimRequired;
  // Both are below 2^53, so the difference cannot overflow.
  return claims.expiresAt - claims.issuedAt <= entitlement.maxTtl ? Verdict.Allow : Verdict.Ttl;
}

function samePerson(a: Key, b: Key): bool {
  return equalBytes(a.principal.personPtr, a.principal.personLen, b.principal.personPtr, b.principal.personLen);
}

function judgeApproval(grant: Grant, approval: Jws, trust: Trust, now: i64, leeway: i64): i32 {
  if (approval.algorithm == UNSUPPORTED_ALGORITHM) return Verdict.Algorithm;
  const key = trust.key(approval.kid.ptr, approval.kid.len);
  const verdict = judgeKey(approval, key, now);
  if (verdict != Verdict.Allow) return verdict;
  if (!key.holdsAt(approval.iat)) return Verdict.KeyNotValid;
  const inTime = approval.iat >= grant.claims.issuedAt - leeway && approval.iat <= now + leeway;
  return inTime ? Verdict.Allow : Verdict.NotYetValid;
}

/** Everything about the approvals but their signatures: known, in time, distinct persons, none the requester's, enough. */
function judgeQuorum(grant: Grant, trust: Trust, requester: Key, decision: Decision, now: i64, leeway: i64): i32 {
  const approvers = decision.approvers;
  for (let i = 0; i < grant.approvalCount; i++) {
    const approval = grant.approval(i);
    const verdict = judgeApproval(grant, approval, trust, now, leeway);
    if (verdict != Verdict.Allow) return verdict;
    const key = trust.key(approval.kid.ptr, approval.kid.len);
    if (samePerson(key, requester)) return Verdict.SelfApproval;
    for (let j = 0; j < i; j++) {
      const earlier = grant.approval(j);
      if (samePerson(key, trust.key(earlier.kid.ptr, earlier.kid.len))) return Verdict.DuplicateApproval;
    }
    approvers.add(key.principal, approval.iat);
  }
  return quorumIsMet(decision.entitlement, approvers, now) ? Verdict.Allow : Verdict.Quorum;
}

function isRevoked(grant: Grant, trust: Trust, requester: Key): bool {
  const claims = grant.claims;
  if (trust.revokedGrants.find(claims.jti.ptr, claims.jti.len) != 0) return true;
  if (requester.revoked || requester.principal.revoked) return true;
  for (let i = 0; i < grant.approvalCount; i++) {
    const kid = grant.approval(i).kid;
    const key = trust.key(kid.ptr, kid.len);
    if (key.revoked || key.principal.revoked) return true;
  }
  if (changetype<usize>(claims.incident) == 0) return false;
  return trust.revokedIncidents.find(claims.incident.ptr, claims.incident.len) != 0;
}

/**
 * Decides. The caller has made sure that the bundle holds now (`bundleHolds`) and that the grant is well-formed.
 * @param isBusy no signature may be checked now, as too many from this source have failed
 * @param isVerified the same bytes were accepted before under this very bundle: all signatures are known to hold
 * @param now seconds since 1970
 */
export function decide(
  grant: Grant,
  trust: Trust,
  anchors: Anchors,
  request: Request,
  now: i64,
  leeway: i64,
  isBusy: bool,
  isVerified: bool,
  decision: Decision,
): i32 {
  decision.isProven = isVerified;
  let verdict = judgeRequestUnproven(grant, trust, anchors, now, leeway);
  if (verdict != Verdict.Allow) return verdict;
  const requester = trust.key(grant.request.kid.ptr, grant.request.kid.len);
  if (!isVerified) {
    if (isBusy) return Verdict.Busy;
    if (!verifies(grant.request, requester)) return Verdict.Signature;
  }
  decision.isProven = true;

  const claims = grant.claims;
  if (!requester.principal.isNamed(claims.sub.ptr, claims.sub.len)) return Verdict.KeyOwner;
  const entitlement = trust.entitlement(claims.entitlement.ptr, claims.entitlement.len);
  decision.entitlement = entitlement;
  verdict = judgeEntitlement(grant, requester, entitlement, now);
  if (verdict != Verdict.Allow) return verdict;
  verdict = judgeQuorum(grant, trust, requester, decision, now, leeway);
  if (verdict != Verdict.Allow) return verdict;
  if (!isVerified && !approvalsVerify(grant, trust)) return Verdict.ApprovalSignature;
  decision.areApprovalsProven = true;

  if (isRevoked(grant, trust, requester)) return Verdict.Revoked;
  verdict = judgeScope(claims.scope, request);
  if (verdict != Verdict.Allow) return verdict;
  return judgeScope(entitlement.scope, request) == Verdict.Allow ? Verdict.Allow : Verdict.EntitlementScope;
}
