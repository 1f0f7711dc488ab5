/** Reads `revoked` of a bundle, and marks what it takes away. */
import { MAX_REVOKED } from "../limits";
import { Loading } from "./loading";
import { RevokedMember, revokedMember } from "./members.gen";
import { Named, NamedList, newNameIndex } from "./names";
import { Key, Principal, Trust } from "./trust";

/** The four lists of `revoked`. */
export class Revoked {
  grants: NamedList = new NamedList();
  subjects: NamedList = new NamedList();
  keys: NamedList = new NamedList();
  incidents: NamedList = new NamedList();

  clear(): void {
    this.grants.clear();
    this.subjects.clear();
    this.keys.clear();
    this.incidents.clear();
  }
}

function readNames(loading: Loading, list: NamedList): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    const named = changetype<Named>(loading.region.take(offsetof<Named>()));
    if (reader.string() && (reader.stringLen < 1 || reader.stringLen > 64)) {
      loading.refuse("a revoked name is not of 1 to 64 bytes", reader.stringPtr, reader.stringLen);
    }
    named.namePtr = reader.stringPtr;
    named.nameLen = reader.stringLen;
    list.push(named);
    if (list.count > MAX_REVOKED) loading.refuse("it revokes more than 4096 names of one kind");
    if (!loading.good()) return;
  }
}

function readMember(member: i32, loading: Loading, revoked: Revoked): void {
  switch (member) {
    case RevokedMember.Jti:
      readNames(loading, revoked.grants);
      break;
    case RevokedMember.Sub:
      readNames(loading, revoked.subjects);
      break;
    case RevokedMember.Kid:
      readNames(loading, revoked.keys);
      break;
    case RevokedMember.Incident:
      readNames(loading, revoked.incidents);
      break;
    default:
      loading.refuse(
        "revoked has a member that this filter cannot enforce",
        loading.reader.stringPtr,
        loading.reader.stringLen,
      );
  }
}

/** Reads `{jti?, sub?, kid?, incident?}`. `issued_before` is refused until it is enforced. */
export function readRevoked(loading: Loading, revoked: Revoked): void {
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    const member = revokedMember(reader.stringPtr, reader.stringLen);
    if ((seen & member) != 0) loading.refuse("revoked has a member twice");
    else readMember(member, loading, revoked);
    if (!loading.good()) return;
    seen |= member;
  }
}

/** Marks principals and keys, and indexes grants and incidents. A name that is not in the bundle takes nothing away. */
export function applyRevoked(loading: Loading, revoked: Revoked, trust: Trust): void {
  for (let at = revoked.subjects.first; at != 0; at = changetype<Named>(at).next) {
    const named = changetype<Named>(at);
    const principal = trust.principals.find(named.namePtr, named.nameLen);
    if (principal != 0) changetype<Principal>(principal).revoked = true;
  }
  for (let at = revoked.keys.first; at != 0; at = changetype<Named>(at).next) {
    const named = changetype<Named>(at);
    const key = trust.keys.find(named.namePtr, named.nameLen);
    if (key != 0) changetype<Key>(key).revoked = true;
  }
  trust.revokedGrants = newNameIndex(loading.region, revoked.grants.count, trust.seed());
  trust.revokedIncidents = newNameIndex(loading.region, revoked.incidents.count, trust.seed());
  if (loading.region.full) return;
  for (let at = revoked.grants.first; at != 0; at = changetype<Named>(at).next) {
    trust.revokedGrants.add(changetype<Named>(at));
  }
  for (let at = revoked.incidents.first; at != 0; at = changetype<Named>(at).next) {
    trust.revokedIncidents.add(changetype<Named>(at));
  }
}
