/** Was the grant taken back, by the bundle or by an urgent text: by its name, its time, the incident, a key or a principal? */
import { Grant } from "../grant/grant";
import { Revoked } from "../trust/revoked";
import { Key, Trust } from "../trust/trust";
import { approverKey } from "./approvals";
import { Question } from "./question";

/** Nothing is asked of the approvals but whose they are: they may be unknown here, and their signatures are not checked yet. */
function takes(revoked: Revoked, grant: Grant, trust: Trust, requester: Key): bool {
  const claims = grant.claims;
  if (revoked.takesGrant(claims.jti, claims.incident, claims.issuedAt)) return true;
  if (!revoked.namesSigners) return false;
  if (revoked.takesSigner(requester.principal, requester, claims.issuedAt)) return true;
  for (let i = 0; i < grant.approvalCount; i++) {
    const key = approverKey(grant, trust, i);
    if (changetype<usize>(key) != 0 && revoked.takesSigner(key.principal, key, claims.issuedAt)) return true;
  }
  return false;
}

export function isRevoked(question: Question, requester: Key): bool {
  const grant = question.grant;
  const trust = question.trust;
  const texts = question.texts;
  const inForce = question.inForce;
  if (takes(trust.revoked, grant, trust, requester)) return true;
  for (let i = 0; inForce >> i != 0 && i < texts.count; i++) {
    if (((inForce >> i) & 1) != 0 && takes(texts.at(i).revoked, grant, trust, requester)) return true;
  }
  return false;
}
