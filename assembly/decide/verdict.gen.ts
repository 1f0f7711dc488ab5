/** Generated from config/verdicts.json by scripts/generate.mjs. Do not edit. */

/** The closed list of verdicts (docs/verdicts.md). */
export const enum Verdict {
  Allow = 0,
  NoGrant = 1,
  DuplicateHeader = 2,
  TooLarge = 3,
  PathAmbiguous = 4,
  Malformed = 5,
  Algorithm = 6,
  KeyUnknown = 7,
  KeyNotValid = 8,
  KeyOwner = 9,
  Audience = 10,
  NotYetValid = 11,
  Expired = 12,
  Ttl = 13,
  Revoked = 14,
  Signature = 15,
  ApprovalSignature = 16,
  EntitlementUnknown = 17,
  Requester = 18,
  Reason = 19,
  ClaimRequired = 20,
  SelfApproval = 21,
  DuplicateApproval = 22,
  Quorum = 23,
  ScopeHost = 24,
  ScopeMethod = 25,
  ScopePath = 26,
  EntitlementScope = 27,
  BindingMissing = 28,
  BindingMismatch = 29,
  Proof = 30,
  Network = 31,
  Busy = 32,
  NoTrust = 33,
  BundleExpired = 34,
  AuditUnavailable = 35,
  Internal = 36,
}

/** How many verdicts there are. */
export const VERDICT_COUNT: i32 = 37;

/** The code as written in records, replies and filter state. */
export function verdictCode(verdict: i32): string {
  switch (verdict) {
    case Verdict.Allow:
      return "allow";
    case Verdict.NoGrant:
      return "no_grant";
    case Verdict.DuplicateHeader:
      return "duplicate_header";
    case Verdict.TooLarge:
      return "too_large";
    case Verdict.PathAmbiguous:
      return "path_ambiguous";
    case Verdict.Malformed:
      return "malformed";
    case Verdict.Algorithm:
      return "algorithm";
    case Verdict.KeyUnknown:
      return "key_unknown";
    case Verdict.KeyNotValid:
      return "key_not_valid";
    case Verdict.KeyOwner:
      return "key_owner";
    case Verdict.Audience:
      return "audience";
    case Verdict.NotYetValid:
      return "not_yet_valid";
    case Verdict.Expired:
      return "expired";
    case Verdict.Ttl:
      return "ttl";
    case Verdict.Revoked:
      return "revoked";
    case Verdict.Signature:
      return "signature";
    case Verdict.ApprovalSignature:
      return "approval_signature";
    case Verdict.EntitlementUnknown:
      return "entitlement_unknown";
    case Verdict.Requester:
      return "requester";
    case Verdict.Reason:
      return "reason";
    case Verdict.ClaimRequired:
      return "claim_required";
    case Verdict.SelfApproval:
      return "self_approval";
    case Verdict.DuplicateApproval:
      return "duplicate_approval";
    case Verdict.Quorum:
      return "quorum";
    case Verdict.ScopeHost:
      return "scope_host";
    case Verdict.ScopeMethod:
      return "scope_method";
    case Verdict.ScopePath:
      return "scope_path";
    case Verdict.EntitlementScope:
      return "entitlement_scope";
    case Verdict.BindingMissing:
      return "binding_missing";
    case Verdict.BindingMismatch:
      return "binding_mismatch";
    case Verdict.Proof:
      return "proof";
    case Verdict.Network:
      return "network";
    case Verdict.Busy:
      return "busy";
    case Verdict.NoTrust:
      return "no_trust";
    case Verdict.BundleExpired:
      return "bundle_expired";
    case Verdict.AuditUnavailable:
      return "audit_unavailable";
    case Verdict.Internal:
      return "internal";
    default:
      return "internal";
  }
}

/** The HTTP status of a reply with this verdict. */
export function verdictStatus(verdict: i32): i32 {
  switch (verdict) {
    case Verdict.Allow:
      return 200;
    case Verdict.NoGrant:
      return 401;
    case Verdict.DuplicateHeader:
      return 400;
    case Verdict.TooLarge:
      return 400;
    case Verdict.PathAmbiguous:
      return 400;
    case Verdict.Malformed:
      return 401;
    case Verdict.Algorithm:
      return 401;
    case Verdict.KeyUnknown:
      return 401;
    case Verdict.KeyNotValid:
      return 401;
    case Verdict.KeyOwner:
      return 401;
    case Verdict.Audience:
      return 401;
    case Verdict.NotYetValid:
      return 401;
    case Verdict.Expired:
      return 401;
    case Verdict.Ttl:
      return 401;
    case Verdict.Revoked:
      return 401;
    case Verdict.Signature:
      return 401;
    case Verdict.ApprovalSignature:
      return 401;
    case Verdict.EntitlementUnknown:
      return 403;
    case Verdict.Requester:
      return 403;
    case Verdict.Reason:
      return 403;
    case Verdict.ClaimRequired:
      return 403;
    case Verdict.SelfApproval:
      return 403;
    case Verdict.DuplicateApproval:
      return 403;
    case Verdict.Quorum:
      return 403;
    case Verdict.ScopeHost:
      return 403;
    case Verdict.ScopeMethod:
      return 403;
    case Verdict.ScopePath:
      return 403;
    case Verdict.EntitlementScope:
      return 403;
    case Verdict.BindingMissing:
      return 401;
    case Verdict.BindingMismatch:
      return 401;
    case Verdict.Proof:
      return 401;
    case Verdict.Network:
      return 403;
    case Verdict.Busy:
      return 429;
    case Verdict.NoTrust:
      return 503;
    case Verdict.BundleExpired:
      return 503;
    case Verdict.AuditUnavailable:
      return 503;
    case Verdict.Internal:
      return 503;
    default:
      return 503;
  }
}

/** The `error` of WWW-Authenticate (RFC 6750, section 3.1, extended), or the empty string. */
export function verdictError(verdict: i32): string {
  switch (verdict) {
    case Verdict.Allow:
      return "";
    case Verdict.NoGrant:
      return "";
    case Verdict.DuplicateHeader:
      return "invalid_request";
    case Verdict.TooLarge:
      return "invalid_request";
    case Verdict.PathAmbiguous:
      return "invalid_request";
    case Verdict.Malformed:
      return "invalid_token";
    case Verdict.Algorithm:
      return "invalid_token";
    case Verdict.KeyUnknown:
      return "invalid_token";
    case Verdict.KeyNotValid:
      return "invalid_token";
    case Verdict.KeyOwner:
      return "invalid_token";
    case Verdict.Audience:
      return "invalid_token";
    case Verdict.NotYetValid:
      return "invalid_token";
    case Verdict.Expired:
      return "invalid_token";
    case Verdict.Ttl:
      return "invalid_token";
    case Verdict.Revoked:
      return "invalid_token";
    case Verdict.Signature:
      return "invalid_token";
    case Verdict.ApprovalSignature:
      return "invalid_token";
    case Verdict.EntitlementUnknown:
      return "access_denied";
    case Verdict.Requester:
      return "access_denied";
    case Verdict.Reason:
      return "access_denied";
    case Verdict.ClaimRequired:
      return "access_denied";
    case Verdict.SelfApproval:
      return "access_denied";
    case Verdict.DuplicateApproval:
      return "access_denied";
    case Verdict.Quorum:
      return "access_denied";
    case Verdict.ScopeHost:
      return "insufficient_scope";
    case Verdict.ScopeMethod:
      return "insufficient_scope";
    case Verdict.ScopePath:
      return "insufficient_scope";
    case Verdict.EntitlementScope:
      return "insufficient_scope";
    case Verdict.BindingMissing:
      return "invalid_token";
    case Verdict.BindingMismatch:
      return "invalid_token";
    case Verdict.Proof:
      return "invalid_token";
    case Verdict.Network:
      return "access_denied";
    case Verdict.Busy:
      return "temporarily_unavailable";
    case Verdict.NoTrust:
      return "temporarily_unavailable";
    case Verdict.BundleExpired:
      return "temporarily_unavailable";
    case Verdict.AuditUnavailable:
      return "temporarily_unavailable";
    case Verdict.Internal:
      return "temporarily_unavailable";
    default:
      return "temporarily_unavailable";
  }
}

/** One sentence for the caller (`title` of RFC 9457). */
export function verdictTitle(verdict: i32): string {
  switch (verdict) {
    case Verdict.Allow:
      return "Allowed";
    case Verdict.NoGrant:
      return "This listener demands a break-glass grant and the request has none";
    case Verdict.DuplicateHeader:
      return "More than one x-break-glass header";
    case Verdict.TooLarge:
      return "The grant is larger than 8192 bytes";
    case Verdict.PathAmbiguous:
      return "The path can be read in more than one way";
    case Verdict.Malformed:
      return "The grant is not well-formed";
    case Verdict.Algorithm:
      return "The signature algorithm is neither Ed25519 nor ES256, or not that of the key";
    case Verdict.KeyUnknown:
      return "A signing key is not in the trust bundle";
    case Verdict.KeyNotValid:
      return "A signing key is outside its period of validity";
    case Verdict.KeyOwner:
      return "The signing key does not belong to the requester";
    case Verdict.Audience:
      return "The grant is for another environment";
    case Verdict.NotYetValid:
      return "The grant or an approval is not valid yet";
    case Verdict.Expired:
      return "The grant has expired";
    case Verdict.Ttl:
      return "The grant lives longer than its entitlement allows";
    case Verdict.Revoked:
      return "The grant, a key, a person or the incident was revoked";
    case Verdict.Signature:
      return "The requester's signature does not verify, or its key is not taken here";
    case Verdict.ApprovalSignature:
      return "An approver's signature does not verify";
    case Verdict.EntitlementUnknown:
      return "The entitlement is not in the trust bundle";
    case Verdict.Requester:
      return "The requester may not invoke this entitlement";
    case Verdict.Reason:
      return "The reason is not one the entitlement allows";
    case Verdict.ClaimRequired:
      return "The entitlement demands a claim that the grant lacks";
    case Verdict.SelfApproval:
      return "An approval comes from the requester's own person";
    case Verdict.DuplicateApproval:
      return "One person approved twice";
    case Verdict.Quorum:
      return "Approvals are missing";
    case Verdict.ScopeHost:
      return "The grant does not cover this host";
    case Verdict.ScopeMethod:
      return "The grant does not cover this method";
    case Verdict.ScopePath:
      return "The grant does not cover this path";
    case Verdict.EntitlementScope:
      return "The entitlement does not cover this request";
    case Verdict.BindingMissing:
      return "The grant is bound to a key and the request shows none";
    case Verdict.BindingMismatch:
      return "The request shows another key than the grant's";
    case Verdict.Proof:
      return "The DPoP proof is wrong or was used before";
    case Verdict.Network:
      return "The request comes from a network that the grant does not name";
    case Verdict.Busy:
      return "Too many signatures from this network or under this key did not verify, or this grant made too many requests, or its requester has too many grants in use; try again in ten seconds";
    case Verdict.NoTrust:
      return "The gateway holds no usable trust bundle";
    case Verdict.BundleExpired:
      return "The gateway's trust bundle is outside its period of validity";
    case Verdict.AuditUnavailable:
      return "The audit record could not be written";
    case Verdict.Internal:
      return "The filter could not decide";
    default:
      return "The filter could not decide";
  }
}
