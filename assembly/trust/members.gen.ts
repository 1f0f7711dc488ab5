/** Generated from config/members.json by scripts/generate.mjs. Do not edit. */
import { MAX_APPROVALS, MAX_SAFE_INTEGER, MAX_WAIT } from "../limits";
import { isLiteral } from "../text/bytes";
import { Loading } from "./loading";

export enum RoleMember {
  Role = 1,
  Nbf = 2,
  Exp = 4,
}
export const REQUIRED_OF_ROLE: i32 = 1;
export const ROLE_LACKS: string = "a role lacks one of role";

/** The member of that name, or 0. */
export function roleMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "role")) return RoleMember.Role;
  if (isLiteral(ptr, len, "nbf")) return RoleMember.Nbf;
  if (isLiteral(ptr, len, "exp")) return RoleMember.Exp;
  return 0;
}

export enum KeyMember {
  Kty = 1,
  Crv = 2,
  X = 4,
  Y = 8,
  Kid = 16,
  Alg = 32,
  Nbf = 64,
  Exp = 128,
}
export const REQUIRED_OF_KEY: i32 = 23;
export const KEY_LACKS: string = "a key lacks one of kty, crv, x, kid";

/** The member of that name, or 0. */
export function keyMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "kty")) return KeyMember.Kty;
  if (isLiteral(ptr, len, "crv")) return KeyMember.Crv;
  if (isLiteral(ptr, len, "x")) return KeyMember.X;
  if (isLiteral(ptr, len, "y")) return KeyMember.Y;
  if (isLiteral(ptr, len, "kid")) return KeyMember.Kid;
  if (isLiteral(ptr, len, "alg")) return KeyMember.Alg;
  if (isLiteral(ptr, len, "nbf")) return KeyMember.Nbf;
  if (isLiteral(ptr, len, "exp")) return KeyMember.Exp;
  return 0;
}

export enum PrincipalMember {
  Id = 1,
  Person = 2,
  Roles = 4,
  Keys = 8,
}
export const REQUIRED_OF_PRINCIPAL: i32 = 13;
export const PRINCIPAL_LACKS: string = "a principal lacks one of id, roles, keys";

/** The member of that name, or 0. */
export function principalMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "id")) return PrincipalMember.Id;
  if (isLiteral(ptr, len, "person")) return PrincipalMember.Person;
  if (isLiteral(ptr, len, "roles")) return PrincipalMember.Roles;
  if (isLiteral(ptr, len, "keys")) return PrincipalMember.Keys;
  return 0;
}

export enum ApprovalMember {
  Role = 1,
  Count = 2,
}
export const REQUIRED_OF_APPROVAL: i32 = 3;
export const APPROVAL_LACKS: string = "an approval lacks one of role, count";

/** The member of that name, or 0. */
export function approvalMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "role")) return ApprovalMember.Role;
  if (isLiteral(ptr, len, "count")) return ApprovalMember.Count;
  return 0;
}

export function readApprovalCount(loading: Loading): i64 {
  return loading.integer(1, MAX_APPROVALS, "count is not a whole number from 1 to 8");
}

export enum EntitlementMember {
  Id = 1,
  Requesters = 2,
  Reasons = 4,
  Approvals = 8,
  MaxTtl = 16,
  MaxWait = 32,
  AuthorizationDetails = 64,
  Require = 128,
  Drill = 256,
  Audit = 512,
}
export const REQUIRED_OF_ENTITLEMENT: i32 = 95;
export const ENTITLEMENT_LACKS: string = "an entitlement lacks one of id, requesters, reasons, approvals, max_ttl, authorization_details";

/** The member of that name, or 0. */
export function entitlementMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "id")) return EntitlementMember.Id;
  if (isLiteral(ptr, len, "requesters")) return EntitlementMember.Requesters;
  if (isLiteral(ptr, len, "reasons")) return EntitlementMember.Reasons;
  if (isLiteral(ptr, len, "approvals")) return EntitlementMember.Approvals;
  if (isLiteral(ptr, len, "max_ttl")) return EntitlementMember.MaxTtl;
  if (isLiteral(ptr, len, "max_wait")) return EntitlementMember.MaxWait;
  if (isLiteral(ptr, len, "authorization_details")) return EntitlementMember.AuthorizationDetails;
  if (isLiteral(ptr, len, "require")) return EntitlementMember.Require;
  if (isLiteral(ptr, len, "drill")) return EntitlementMember.Drill;
  if (isLiteral(ptr, len, "audit")) return EntitlementMember.Audit;
  return 0;
}

export function readEntitlementMaxTtl(loading: Loading): i64 {
  return loading.integer(1, MAX_SAFE_INTEGER, "max_ttl is not a whole number from 1 to 2^53 - 1");
}

export function readEntitlementMaxWait(loading: Loading): i64 {
  return loading.integer(0, MAX_WAIT, "max_wait is not a whole number from 0 to 3600");
}

export enum IssuedBeforeMember {
  At = 1,
  Sub = 2,
}
export const REQUIRED_OF_ISSUED_BEFORE: i32 = 1;
export const ISSUED_BEFORE_LACKS: string = "an issued_before lacks one of at";

/** The member of that name, or 0. */
export function issuedBeforeMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "at")) return IssuedBeforeMember.At;
  if (isLiteral(ptr, len, "sub")) return IssuedBeforeMember.Sub;
  return 0;
}

export enum RevokedMember {
  Jti = 1,
  Sub = 2,
  Kid = 4,
  Incident = 8,
  IssuedBefore = 16,
}

/** The member of that name, or 0. */
export function revokedMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "jti")) return RevokedMember.Jti;
  if (isLiteral(ptr, len, "sub")) return RevokedMember.Sub;
  if (isLiteral(ptr, len, "kid")) return RevokedMember.Kid;
  if (isLiteral(ptr, len, "incident")) return RevokedMember.Incident;
  if (isLiteral(ptr, len, "issued_before")) return RevokedMember.IssuedBefore;
  return 0;
}

export enum BundleMember {
  Schema = 1,
  Version = 2,
  Iat = 4,
  Exp = 8,
  Aud = 16,
  Principals = 32,
  Entitlements = 64,
  Revokers = 128,
  Reviewers = 256,
  Ledgers = 512,
  Revoked = 1024,
  Texts = 2048,
}
export const REQUIRED_OF_BUNDLE: i32 = 127;
export const BUNDLE_LACKS: string = "it lacks one of schema, version, iat, exp, aud, principals, entitlements";

/** The member of that name, or 0. */
export function bundleMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "schema")) return BundleMember.Schema;
  if (isLiteral(ptr, len, "version")) return BundleMember.Version;
  if (isLiteral(ptr, len, "iat")) return BundleMember.Iat;
  if (isLiteral(ptr, len, "exp")) return BundleMember.Exp;
  if (isLiteral(ptr, len, "aud")) return BundleMember.Aud;
  if (isLiteral(ptr, len, "principals")) return BundleMember.Principals;
  if (isLiteral(ptr, len, "entitlements")) return BundleMember.Entitlements;
  if (isLiteral(ptr, len, "revokers")) return BundleMember.Revokers;
  if (isLiteral(ptr, len, "reviewers")) return BundleMember.Reviewers;
  if (isLiteral(ptr, len, "ledgers")) return BundleMember.Ledgers;
  if (isLiteral(ptr, len, "revoked")) return BundleMember.Revoked;
  if (isLiteral(ptr, len, "texts")) return BundleMember.Texts;
  return 0;
}

export function readBundleVersion(loading: Loading): i64 {
  return loading.integer(0, MAX_SAFE_INTEGER, "version is not a whole number from 0 to 2^53 - 1");
}

export enum RevocationsMember {
  Version = 1,
  Iat = 2,
  Aud = 4,
  Revoked = 8,
}
export const REQUIRED_OF_REVOCATIONS: i32 = 15;
export const REVOCATIONS_LACKS: string = "it lacks one of version, iat, aud, revoked";

/** The member of that name, or 0. */
export function revocationsMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "version")) return RevocationsMember.Version;
  if (isLiteral(ptr, len, "iat")) return RevocationsMember.Iat;
  if (isLiteral(ptr, len, "aud")) return RevocationsMember.Aud;
  if (isLiteral(ptr, len, "revoked")) return RevocationsMember.Revoked;
  return 0;
}

export function readRevocationsVersion(loading: Loading): i64 {
  return loading.integer(0, MAX_SAFE_INTEGER, "version is not a whole number from 0 to 2^53 - 1");
}
