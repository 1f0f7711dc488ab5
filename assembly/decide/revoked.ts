/** Was the grant taken back, by its name, by a key, a principal or the incident? */
import { Grant } from "../grant/grant";
import { Key, Trust } from "../trust/trust";

/** Nothing is asked of the approvals but whose they are: they may be unknown here, and their signatures are not checked yet. */
export function isRevoked(grant: Grant, trust: Trust, requester: Key): bool {
  const claims = grant.claims;
  if (trust.revokedGrants.find(claims.jti.ptr, claims.jti.len) != 0) return true;
  if (requester.revoked || requester.principal.revoked) return true;
  for (let i = 0; i < grant.approvalCount; i++) {
    const kid = grant.approval(i).kid;
    const key = trust.key(kid.ptr, kid.len);
    if (changetype<usize>(key) != 0 && (key.revoked || key.principal.revoked)) return true;
  }
  if (changetype<usize>(claims.incident) == 0) return false;
  return trust.revokedIncidents.find(claims.incident.ptr, claims.incident.len) != 0;
}
