/** The approvals of a grant: known, in time, distinct persons, none the requester's, enough; and their signatures. */
import { beginBatch, endBatch } from "../crypto/signature";
import { noteVerified } from "../crypto/tables";
import { Grant } from "../grant/grant";
import { addJwsToBatch, Jws, UNSUPPORTED_ALGORITHM } from "../jose/jws";
import { equalBytes } from "../text/bytes";
import { Key, Trust } from "../trust/trust";
import { judgeKey } from "./key";
import { Question } from "./question";
import { Approvers } from "./quorum";
import { Verdict } from "./verdict.gen";

/** 0 where the bundle does not have it. */
export function approverKey(grant: Grant, trust: Trust, index: i32): Key {
  const kid = grant.approval(index).kid;
  return trust.key(kid.ptr, kid.len);
}

function samePerson(a: Key, b: Key): bool {
  return equalBytes(a.principal.personPtr, a.principal.personLen, b.principal.personPtr, b.principal.personLen);
}

function judgeApproval(question: Question, approval: Jws, key: Key): i32 {
  const now = question.now;
  const leeway = question.leeway;
  if (approval.algorithm == UNSUPPORTED_ALGORITHM) return Verdict.Algorithm;
  const verdict = judgeKey(approval, key, now);
  if (verdict != Verdict.Allow) return verdict;
  if (!key.holdsAt(approval.iat)) return Verdict.KeyNotValid;
  const inTime = approval.iat >= question.grant.claims.issuedAt - leeway && approval.iat <= now + leeway;
  return inTime ? Verdict.Allow : Verdict.NotYetValid;
}

/** Everything about each approval but its signature. Those that were looked at are then in `approvers`, which is empty before. */
export function judgeApprovals(question: Question, requester: Key, approvers: Approvers): i32 {
  const grant = question.grant;
  const trust = question.trust;
  for (let i = 0; i < grant.approvalCount; i++) {
    const key = approverKey(grant, trust, i);
    const verdict = judgeApproval(question, grant.approval(i), key);
    if (verdict != Verdict.Allow) return verdict;
    if (samePerson(key, requester)) return Verdict.SelfApproval;
    for (let j = 0; j < i; j++) {
      if (samePerson(key, approverKey(grant, trust, j))) return Verdict.DuplicateApproval;
    }
    approvers.add(key.principal, grant.approval(i).iat);
  }
  return Verdict.Allow;
}

/** Those whose keys the bundle has, unjudged: for the record of a grant whose signatures are known to hold. */
export function nameApprovers(grant: Grant, trust: Trust, approvers: Approvers): void {
  approvers.clear();
  for (let i = 0; i < grant.approvalCount; i++) {
    const key = approverKey(grant, trust, i);
    if (changetype<usize>(key) != 0) approvers.add(key.principal, grant.approval(i).iat);
  }
}

/**
 * Whether all approvals' signatures hold, checked together: not cheaper for a forged one, which only a known requester can
 * bring this far, and at most MAX_APPROVALS. Each key that has signed well may get a table, whatever the others did.
 */
export function approvalsVerify(grant: Grant, trust: Trust): bool {
  beginBatch();
  for (let i = 0; i < grant.approvalCount; i++) {
    addJwsToBatch(grant.approval(i), approverKey(grant, trust, i).publicKey);
  }
  const held = endBatch();
  let all = true;
  for (let i = 0; i < grant.approvalCount; i++) {
    if (((held >> i) & 1) != 0) noteVerified(grant.approval(i).algorithm, approverKey(grant, trust, i).publicKey);
    else all = false;
  }
  return all;
}
