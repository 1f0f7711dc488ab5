/** Reads the claims of a trust bundle: a closed object (docs/trust-bundle.md, "Claims"). */
import { readNames } from "../jose/lists";
import { MAX_AUDIENCES, MAX_FLOORS, MAX_LEDGERS, MAX_REVIEWER_ROLES, MAX_REVOKER_ROLES } from "../limits";
import { isKid, isName } from "../text/bytes";
import { TextList } from "../text/region";
import { readEntitlements } from "./entitlements";
import { readKey } from "./jwk";
import { Loading } from "./loading";
import { BUNDLE_LACKS, BundleMember, bundleMember, REQUIRED_OF_BUNDLE, readBundleVersion } from "./members.gen";
import { Named, NamedList, newNameIndex } from "./names";
import { readPrincipals } from "./principals";
import { forgetRevoked, newRevoked, readRevoked } from "./revoked";
import { Anchors, Entitlement, Floor, Key, Principal, Trust } from "./trust";

const principals = new NamedList();
const entitlements = new NamedList();
const ledgers = new NamedList();
const floors = new NamedList();
let keyCount: i32 = 0;

function readLedgers(loading: Loading): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    if (ledgers.count >= MAX_LEDGERS) loading.refuse("it has more than 16 ledgers");
    if (!loading.good()) return;
    const key = readKey(loading, false);
    if (!loading.good()) return;
    ledgers.push(key);
  }
}

/** `{signer: version}`: a member's name is a principal's id or a root's kid. */
function readFloors(loading: Loading): void {
  const reader = loading.reader;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    const floor = changetype<Floor>(loading.region.take(offsetof<Floor>()));
    floor.namePtr = reader.stringPtr;
    floor.nameLen = reader.stringLen;
    if (!isName(floor.namePtr, floor.nameLen) && !isKid(floor.namePtr, floor.nameLen)) {
      loading.refuse("texts names what is neither a name nor a kid", floor.namePtr, floor.nameLen);
    }
    floor.version = reader.integer();
    floors.push(floor);
    if (floors.count > MAX_FLOORS) loading.refuse("its texts name more than 1024 signers");
    if (!loading.good()) return;
  }
}

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
      readRevoked(loading);
      break;
    case BundleMember.Revokers:
      trust.revokers = readNames(reader, loading.region, MAX_REVOKER_ROLES);
      break;
    case BundleMember.Reviewers:
      trust.reviewers = readNames(reader, loading.region, MAX_REVIEWER_ROLES);
      break;
    case BundleMember.Ledgers:
      readLedgers(loading);
      break;
    case BundleMember.Texts:
      readFloors(loading);
      break;
    default:
      loading.refuse(
        "it has an unknown member, or one that this filter cannot enforce",
        reader.stringPtr,
        reader.stringLen,
      );
  }
}

/** Whether one of the audiences is the gateway's. */
export function hasAudience(audiences: TextList, anchors: Anchors): bool {
  for (let i = 0; i < audiences.count; i++) {
    const audience = audiences.at(i);
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

/** Whoever signs receipts signs nothing else. */
function indexLedgers(loading: Loading, trust: Trust, anchors: Anchors): bool {
  trust.firstLedger = ledgers.first;
  for (let at = ledgers.first; at != 0; at = changetype<Named>(at).next) {
    const key = changetype<Named>(at);
    if (changetype<usize>(anchors.root(key.namePtr, key.nameLen)) != 0 || trust.keys.has(key)) {
      return loading.refuse("a ledger's key is also a root's or a principal's", key.namePtr, key.nameLen);
    }
    for (let other = ledgers.first; other != at; other = changetype<Named>(other).next) {
      if (!changetype<Named>(other).isNamed(key.namePtr, key.nameLen)) continue;
      return loading.refuse("a ledger's key occurs twice", key.namePtr, key.nameLen);
    }
  }
  return true;
}

function indexFloors(loading: Loading, trust: Trust): bool {
  trust.floors = newNameIndex(loading.region, floors.count, trust.seed());
  if (loading.region.full) return false;
  for (let at = floors.first; at != 0; at = changetype<Named>(at).next) {
    const floor = changetype<Named>(at);
    if (!trust.floors.add(floor)) return loading.refuse("its texts name a signer twice", floor.namePtr, floor.nameLen);
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
    // Whose versions count is told by name: a root by its kid.
    if (changetype<usize>(anchors.root(principal.namePtr, principal.nameLen)) != 0) {
      return loading.refuse("a principal has a root's kid for a name", principal.namePtr, principal.nameLen);
    }
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
  trust.revoked = newRevoked(region, trust.seed());
  return indexLedgers(loading, trust, anchors) && indexFloors(loading, trust);
}

/** Reads the payload (unescaped in place) into `trust`. On failure `loading.reason` says why. */
export function readTrustClaims(loading: Loading, ptr: usize, len: i32, anchors: Anchors, trust: Trust): bool {
  principals.clear();
  entitlements.clear();
  ledgers.clear();
  floors.clear();
  forgetRevoked();
  keyCount = 0;
  loading.open(ptr, len);
  while (loading.nextMember()) {
    const member = bundleMember(loading.reader.stringPtr, loading.reader.stringLen);
    if (loading.isFirst(member)) readMember(member, loading, trust);
  }
  if (!loading.finish(REQUIRED_OF_BUNDLE, BUNDLE_LACKS)) return false;
  if (trust.expiresAt <= trust.issuedAt) return loading.refuse("its exp is not after its iat");
  if (!hasAudience(trust.audiences, anchors)) return loading.refuse("its aud does not hold this gateway's audience");
  if (!index(loading, trust, anchors)) {
    loading.explain("it is too large");
    return false;
  }
  return true;
}
