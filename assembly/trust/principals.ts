/** Reads the principals of a bundle: identities, their roles, their keys. */
import { MAX_KEYS, MAX_PRINCIPALS } from "../limits";
import { isName } from "../text/bytes";
import { readKey } from "./jwk";
import { Loading } from "./loading";
import {
  PRINCIPAL_LACKS,
  PrincipalMember,
  principalMember,
  REQUIRED_OF_PRINCIPAL,
  REQUIRED_OF_ROLE,
  ROLE_LACKS,
  RoleMember,
  roleMember,
} from "./members.gen";
import { Named, NamedList } from "./names";
import { FOREVER, Key, Principal, RoleHold } from "./trust";

const roles = new NamedList();
const keys = new NamedList();

/** Reads a string that must be a name; its bytes are then in `reader.stringPtr/Len`. */
export function readName(loading: Loading): bool {
  const reader = loading.reader;
  if (!reader.string()) return false;
  if (isName(reader.stringPtr, reader.stringLen)) return true;
  return loading.refuse("a name is not of 1 to 64 letters, digits and ._@+-", reader.stringPtr, reader.stringLen);
}

/** Reads a name into the head of a struct. */
function readOwnName(loading: Loading, named: Named): void {
  if (!readName(loading)) return;
  named.namePtr = loading.reader.stringPtr;
  named.nameLen = loading.reader.stringLen;
}

function readRoleObject(loading: Loading, hold: RoleHold): void {
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    const member = roleMember(reader.stringPtr, reader.stringLen);
    if (member == 0) loading.refuse("a role has an unknown member", reader.stringPtr, reader.stringLen);
    else if ((seen & member) != 0) loading.refuse("a role has a member twice");
    else if (member == RoleMember.Role) readOwnName(loading, hold);
    else if (member == RoleMember.Nbf) hold.notBefore = reader.integer();
    else hold.expiresAt = reader.integer();
    if (!loading.good()) return;
    seen |= member;
  }
  if ((seen & REQUIRED_OF_ROLE) != REQUIRED_OF_ROLE) loading.refuse(ROLE_LACKS);
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
    } else {
      readOwnName(loading, hold);
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

function readMember(member: i32, loading: Loading, principal: Principal): void {
  const reader = loading.reader;
  switch (member) {
    case PrincipalMember.Id:
      readOwnName(loading, principal);
      break;
    case PrincipalMember.Person:
      if (!readName(loading)) return;
      principal.personPtr = reader.stringPtr;
      principal.personLen = reader.stringLen;
      break;
    case PrincipalMember.Roles:
      readRoles(loading);
      break;
    case PrincipalMember.Keys:
      readKeys(loading);
      break;
    default:
      loading.refuse("a principal has an unknown member", reader.stringPtr, reader.stringLen);
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
    const member = principalMember(reader.stringPtr, reader.stringLen);
    if ((seen & member) != 0) loading.refuse("a principal has a member twice");
    else readMember(member, loading, principal);
    if (!loading.good()) return principal;
    seen |= member;
  }
  if ((seen & REQUIRED_OF_PRINCIPAL) != REQUIRED_OF_PRINCIPAL) {
    loading.refuse(PRINCIPAL_LACKS, principal.namePtr, principal.nameLen);
    return principal;
  }
  if ((seen & PrincipalMember.Person) == 0) {
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
