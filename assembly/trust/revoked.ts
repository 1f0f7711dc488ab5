/** What is taken back, by a bundle or by an urgent text: read, and asked of each grant. A name that is nobody's takes nothing away. */
import { MAX_REVOKED } from "../limits";
import { Region, Text } from "../text/region";
import { Loading } from "./loading";
import {
  ISSUED_BEFORE_LACKS,
  IssuedBeforeMember,
  issuedBeforeMember,
  REQUIRED_OF_ISSUED_BEFORE,
  RevokedMember,
  revokedMember,
} from "./members.gen";
import { Named, NamedList, NameIndex, newNameIndex } from "./names";
import { readName } from "./principals";

/** Grants that were asked for before `at`. Its name is that of the principal who asked or approved; empty for everybody's. */
class IssuedBefore extends Named {
  at: i64 = 0;
}

/** The lists while they are read. */
class Lists {
  grants: NamedList = new NamedList();
  subjects: NamedList = new NamedList();
  keys: NamedList = new NamedList();
  incidents: NamedList = new NamedList();
  times: NamedList = new NamedList();

  clear(): void {
    this.grants.clear();
    this.subjects.clear();
    this.keys.clear();
    this.incidents.clear();
    this.times.clear();
  }

  /** Of the longest. */
  longest(): i32 {
    const names = max(max(this.grants.count, this.subjects.count), max(this.keys.count, this.incidents.count));
    return max(names, this.times.count);
  }
}

const lists = new Lists();

/** What one bundle, or one text, takes back. On the hot path: a look-up for each name that a grant has. */
export class Revoked {
  grants: NameIndex = changetype<NameIndex>(0);
  subjects: NameIndex = changetype<NameIndex>(0);
  keys: NameIndex = changetype<NameIndex>(0);
  incidents: NameIndex = changetype<NameIndex>(0);
  private times: NameIndex = changetype<NameIndex>(0);
  /** Everybody's grants that were asked for before it are gone; 0 for none. */
  private before: i64 = 0;
  /** Whether it has keys, principals, or times of principals. */
  namesSigners: bool = false;
  /** The latest time in it, of anybody's grants. */
  latest: i64 = 0;
  /** Entries of the longest list. */
  longest: i32 = 0;

  /** Whether the grant is gone, whoever signed it. @param incident 0 where it names none */
  takesGrant(id: Text, incident: Text, issuedAt: i64): bool {
    if (issuedAt < this.before || this.grants.find(id.ptr, id.len) != 0) return true;
    return changetype<usize>(incident) != 0 && this.incidents.find(incident.ptr, incident.len) != 0;
  }

  /** Whether what that principal has signed with that key is gone, of a grant that was asked for at `issuedAt`. */
  takesSigner(subject: Named, key: Named, issuedAt: i64): bool {
    if (this.subjects.has(subject) || this.keys.has(key)) return true;
    const time = this.times.find(subject.namePtr, subject.nameLen);
    return time != 0 && issuedAt < changetype<IssuedBefore>(time).at;
  }

  /** Builds the indexes over what was read last. @param seed of the text that it comes from */
  open(region: Region, seed: u32): void {
    this.grants = indexOf(region, lists.grants, seed);
    this.subjects = indexOf(region, lists.subjects, seed);
    this.keys = indexOf(region, lists.keys, seed);
    this.incidents = indexOf(region, lists.incidents, seed);
    this.longest = lists.longest();
    this.times = newNameIndex(region, lists.times.count, seed);
    if (region.full) return;
    for (let at = lists.times.first; at != 0; at = changetype<Named>(at).next) {
      this.addTime(changetype<IssuedBefore>(at));
    }
    this.namesSigners = lists.subjects.count + lists.keys.count + lists.times.count > 0;
  }

  /** Of several times for one principal the latest counts. */
  private addTime(entry: IssuedBefore): void {
    this.latest = max(this.latest, entry.at);
    if (entry.nameLen == 0) {
      this.before = max(this.before, entry.at);
      return;
    }
    if (this.times.add(entry)) return;
    const other = changetype<IssuedBefore>(this.times.find(entry.namePtr, entry.nameLen));
    other.at = max(other.at, entry.at);
  }
}

function indexOf(region: Region, list: NamedList, seed: u32): NameIndex {
  const index = newNameIndex(region, list.count, seed);
  if (region.full) return index;
  for (let at = list.first; at != 0; at = changetype<Named>(at).next) index.add(changetype<Named>(at));
  return index;
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

function readTime(loading: Loading, entry: IssuedBefore): void {
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    const member = issuedBeforeMember(reader.stringPtr, reader.stringLen);
    if (member == 0) loading.refuse("an issued_before has an unknown member", reader.stringPtr, reader.stringLen);
    else if ((seen & member) != 0) loading.refuse("an issued_before has a member twice");
    else if (member == IssuedBeforeMember.At) entry.at = reader.integer();
    else if (readName(loading)) {
      entry.namePtr = reader.stringPtr;
      entry.nameLen = reader.stringLen;
    }
    if (!loading.good()) return;
    seen |= member;
  }
  if ((seen & REQUIRED_OF_ISSUED_BEFORE) != REQUIRED_OF_ISSUED_BEFORE) loading.refuse(ISSUED_BEFORE_LACKS);
}

function readTimes(loading: Loading): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    const entry = changetype<IssuedBefore>(loading.region.take(offsetof<IssuedBefore>()));
    readTime(loading, entry);
    lists.times.push(entry);
    if (lists.times.count > MAX_REVOKED) loading.refuse("it has more than 4096 issued_before");
    if (!loading.good()) return;
  }
}

function readMember(member: i32, loading: Loading): void {
  switch (member) {
    case RevokedMember.Jti:
      readNames(loading, lists.grants);
      break;
    case RevokedMember.Sub:
      readNames(loading, lists.subjects);
      break;
    case RevokedMember.Kid:
      readNames(loading, lists.keys);
      break;
    case RevokedMember.Incident:
      readNames(loading, lists.incidents);
      break;
    case RevokedMember.IssuedBefore:
      readTimes(loading);
      break;
    default:
      loading.refuse(
        "revoked has a member that this filter cannot enforce",
        loading.reader.stringPtr,
        loading.reader.stringLen,
      );
  }
}

/** Before the text is read in which `revoked` may be missing. */
export function forgetRevoked(): void {
  lists.clear();
}

/** Reads `{jti?, sub?, kid?, incident?, issued_before?}`; `Revoked.open` makes the indexes once the text's hash is known. */
export function readRevoked(loading: Loading): void {
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    const member = revokedMember(reader.stringPtr, reader.stringLen);
    if ((seen & member) != 0) loading.refuse("revoked has a member twice");
    else readMember(member, loading);
    if (!loading.good()) return;
    seen |= member;
  }
}

/** The indexes over what was read last, in the region. */
export function newRevoked(region: Region, seed: u32): Revoked {
  const revoked = changetype<Revoked>(region.take(offsetof<Revoked>()));
  revoked.open(region, seed);
  return revoked;
}
