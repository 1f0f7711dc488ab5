/** Reads the claims of a trust bundle: a closed object (docs/trust-bundle.md, "Claims"). */
import { readNames } from "../jose/lists";
import { MAX_AUDIENCES } from "../limits";
import { readEntitlements } from "./entitlements";
import { Loading } from "./loading";
import { BUNDLE_LACKS, BundleMember, bundleMember, REQUIRED_OF_BUNDLE, readBundleVersion } from "./members.gen";
import { Named, NamedList, newNameIndex } from "./names";
import { readPrincipals } from "./principals";
import { applyRevoked, Revoked, readRevoked } from "./revoked";
import { Anchors, Entitlement, Key, Principal, Trust } from "./trust";

const principals = new NamedList();
const entitlements = new NamedList();
const revoked = new Revoked();
let keyCount: i32 = 0;

function readMember(member: i32, loading: Loading, trust: Trust): void {
  const reader = loading.reader;
  switch (member) {
    case BundleMember.Schema:
      if (reader.integer() != 1 && reader.ok) loading.refuse("its schema is not 1");
      break;
    case BundleMember.Version:
      trust.version = readBundleVersion(loading);
      break;
    case BundleMember.Iat:
      trust.issuedAt = reader.integer();
      break;
    case BundleMember.Exp:
      trust.expiresAt = reader.integer();
      break;
    case BundleMember.Aud:
      trust.audiences = readNames(reader, loading.region, MAX_AUDIENCES);
      break;
    case BundleMember.Principals:
      keyCount = readPrincipals(loading, principals);
      break;
    case BundleMember.Entitlements:
      readEntitlements(loading, entitlements);
      break;
    case BundleMember.Revoked:
      readRevoked(loading, revoked);
      break;
    default:
      loading.refuse(
        "it has an unknown member, or one that this filter cannot enforce",
        reader.stringPtr,
        reader.stringLen,
      );
  }
}

function hasAudience(trust: Trust, anchors: Anchors): bool {
  for (let i = 0; i < trust.audiences.count; i++) {
    const audience = trust.audiences.at(i);
    if (audience.len == anchors.audienceLen && memory.compare(audience.ptr, anchors.audiencePtr, audience.len) == 0)
      return true;
  }
  return false;
}

function indexKeys(loading: Loading, principal: Principal, trust: Trust, anchors: Anchors): bool {
  for (let at = principal.firstKey; at != 0; at = changetype<Named>(at).next) {
    const key = changetype<Key>(at);
    if (changetype<usize>(anchors.root(key.namePtr, key.nameLen)) != 0) {
      return loading.refuse("a principal's key is also a root key", key.namePtr, key.nameLen);
    }
    if (!trust.keys.add(key)) return loading.refuse("a key occurs twice", key.namePtr, key.nameLen);
  }
  return true;
}

/** Builds the indexes; refuses what occurs twice. */
function index(loading: Loading, trust: Trust, anchors: Anchors): bool {
  const region = loading.region;
  trust.firstPrincipal = principals.first;
  trust.firstEntitlement = entitlements.first;
  trust.principals = newNameIndex(region, principals.count, trust.seed());
  trust.entitlements = newNameIndex(region, entitlements.count, trust.seed());
  trust.keys = newNameIndex(region, keyCount, trust.seed());
  if (region.full) return false;
  for (let at = principals.first; at != 0; at = changetype<Named>(at).next) {
    const principal = changetype<Principal>(at);
    if (!trust.principals.add(principal)) {
      return loading.refuse("a principal occurs twice", principal.namePtr, principal.nameLen);
    }
    if (!indexKeys(loading, principal, trust, anchors)) return false;
  }
  for (let at = entitlements.first; at != 0; at = changetype<Named>(at).next) {
    const entitlement = changetype<Entitlement>(at);
    if (!trust.entitlements.add(entitlement)) {
      return loading.refuse("an entitlement occurs twice", entitlement.namePtr, entitlement.nameLen);
    }
    if (entitlement.quorum == 0) trust.singleKeyEntitlements += 1;
  }
  applyRevoked(loading, revoked, trust);
  return !region.full;
}

/** Reads the payload (unescaped in place) into `trust`. On failure `loading.reason` says why. */
export function readTrustClaims(loading: Loading, ptr: usize, len: i32, anchors: Anchors, trust: Trust): bool {
  const reader = loading.reader;
  let seen = 0;
  principals.clear();
  entitlements.clear();
  revoked.clear();
  keyCount = 0;
  reader.start(ptr, len);
  if (reader.openObject()) {
    while (reader.nextMember()) {
      const member = bundleMember(reader.stringPtr, reader.stringLen);
      if ((seen & member) != 0) loading.refuse("it has a member twice", reader.stringPtr, reader.stringLen);
      else readMember(member, loading, trust);
      if (!loading.good()) break;
      seen |= member;
    }
  }
  if (loading.reason.length != 0) return false;
  if (!reader.finish() || loading.region.full) {
    loading.explain("it is not JSON, or a member is of the wrong type or out of its bounds");
    return false;
  }
  if ((seen & REQUIRED_OF_BUNDLE) != REQUIRED_OF_BUNDLE) return loading.refuse(BUNDLE_LACKS);
  if (trust.expiresAt <= trust.issuedAt) return loading.refuse("its exp is not after its iat");
  if (!hasAudience(trust, anchors)) return loading.refuse("its aud does not hold this gateway's audience");
  if (!index(loading, trust, anchors)) {
    loading.explain("it is too large");
    return false;
  }
  return true;
}
