/** Reads the principals of a bundle: identities, their roles, their keys. */
import { MAX_KEYS, MAX_PRINCIPALS } from "../limits";
import { isName } from "../text/bytes";
import { readKey } from "./jwk";
import { isMember, Loading } from "./loading";
import { NamedList } from "./names";
import { FOREVER, Key, Principal, RoleHold } from "./trust";

enum Member {
  Id = 1,
  Person = 2,
  Roles = 4,
  Keys = 8,
}
const REQUIRED: i32 = Member.Id | Member.Roles | Member.Keys;

enum RoleMember {
  Role = 1,
  Nbf = 2,
  Exp = 4,
}

const roles = new NamedList();
const keys = new NamedList();

/** Reads a string that must be a name; its bytes are then in `reader.stringPtr/Len`. */
export function readName(loading: Loading): bool {
  const reader = loading.reader;
  if (!reader.string()) return false;
  if (isName(reader.stringPtr, reader.stringLen)) return true;
  return loading.refuse("a name is not of 1 to 64 letters, digits and ._@+-", reader.stringPtr, reader.stringLen);
}

function readRoleObject(loading: Loading, hold: RoleHold): void {
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    let member = 0;
    if (isMember(reader, "role")) {
      member = RoleMember.Role;
      if (readName(loading)) {
        hold.namePtr = reader.stringPtr;
        hold.nameLen = reader.stringLen;
      }
    } else if (isMember(reader, "nbf")) {
      member = RoleMember.Nbf;
      hold.notBefore = reader.integer();
    } else if (isMember(reader, "exp")) {
      member = RoleMember.Exp;
      hold.expiresAt = reader.integer();
    } else {
      loading.refuse("a role has an unknown member", reader.stringPtr, reader.stringLen);
    }
    if ((seen & member) != 0) loading.refuse("a role has a member twice");
    if (!loading.good()) return;
    seen |= member;
  }
  if ((seen & RoleMember.Role) == 0) loading.refuse("a role has no name");
  else if (hold.expiresAt <= hold.notBefore) {
    loading.refuse("a role's exp is not after its nbf", hold.namePtr, hold.nameLen);
  }
}

/** A role is a name, or `{role, nbf?, exp?}`. */
function readRoles(loading: Loading): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    const hold = changetype<RoleHold>(loading.region.take(offsetof<RoleHold>()));
    hold.expiresAt = FOREVER;
    if (reader.kind() == 0x7b /* { */) {
      readRoleObject(loading, hold);
    } else if (readName(loading)) {
      hold.namePtr = reader.stringPtr;
      hold.nameLen = reader.stringLen;
    }
    if (!loading.good()) return;
    roles.push(hold);
  }
}

function readKeys(loading: Loading): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    const key = readKey(loading, true);
    if (!loading.good()) return;
    keys.push(key);
  }
}

function readPrincipal(loading: Loading): Principal {
  const principal = changetype<Principal>(loading.region.take(offsetof<Principal>()));
  const reader = loading.reader;
  let seen = 0;
  roles.clear();
  keys.clear();
  if (!reader.openObject()) return principal;
  while (reader.nextMember()) {
    let member = 0;
    if (isMember(reader, "id")) {
      member = Member.Id;
      if (readName(loading)) {
        principal.namePtr = reader.stringPtr;
        principal.nameLen = reader.stringLen;
      }
    } else if (isMember(reader, "person")) {
      member = Member.Person;
      if (readName(loading)) {
        principal.personPtr = reader.stringPtr;
        principal.personLen = reader.stringLen;
      }
    } else if (isMember(reader, "roles")) {
      member = Member.Roles;
      readRoles(loading);
    } else if (isMember(reader, "keys")) {
      member = Member.Keys;
      readKeys(loading);
    } else {
      loading.refuse("a principal has an unknown member", reader.stringPtr, reader.stringLen);
    }
    if ((seen & member) != 0) loading.refuse("a principal has a member twice");
    if (!loading.good()) return principal;
    seen |= member;
  }
  if ((seen & REQUIRED) != REQUIRED) {
    loading.refuse("a principal lacks id, roles or keys", principal.namePtr, principal.nameLen);
    return principal;
  }
  if ((seen & Member.Person) == 0) {
    principal.personPtr = principal.namePtr;
    principal.personLen = principal.nameLen;
  }
  principal.firstRole = roles.first;
  principal.firstKey = keys.first;
  for (let at = keys.first; at != 0; at = changetype<Key>(at).next) changetype<Key>(at).principal = principal;
  return principal;
}

/** Appends all principals to `list`; returns how many keys they have together. Check `loading.good()`. */
export function readPrincipals(loading: Loading, list: NamedList): i32 {
  const reader = loading.reader;
  let keyCount = 0;
  if (!reader.openArray()) return 0;
  while (reader.nextElement()) {
    const principal = readPrincipal(loading);
    if (!loading.good()) return 0;
    list.push(principal);
    keyCount += keys.count;
    if (list.count > MAX_PRINCIPALS) loading.refuse("it has more than 4096 principals");
    if (keyCount > MAX_KEYS) loading.refuse("it has more than 8192 keys");
    if (!loading.good()) return 0;
  }
  return keyCount;
}
