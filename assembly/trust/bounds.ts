/**
 * What a bundle may hold so that no request under it takes long (docs/decisions.md has the figures), where it takes the whole
 * bundle to see it; and how near it comes to that.
 */
import { Detail, Scope } from "../jose/details";
import {
  MAX_BUNDLE_BYTES,
  MAX_ENTITLEMENT_PATH_BYTES,
  MAX_ENTITLEMENTS,
  MAX_PRINCIPALS,
  MAX_ROLES,
  MAX_ROLES_OF_PRINCIPAL,
} from "../limits";
import { Loading } from "./loading";
import { Named, newNameIndex } from "./names";
import { Entitlement, Principal, Trust } from "./trust";

/** What a bundle holds, counted; but for keys: each takes 170 bytes of it, so that its bytes are always nearer to their bound. */
class Count {
  principals: i32 = 0;
  roles: i32 = 0;
  rolesOfPrincipal: i32 = 0;
  entitlements: i32 = 0;
  pathBytes: i32 = 0;

  clear(): void {
    this.principals = 0;
    this.roles = 0;
    this.rolesOfPrincipal = 0;
    this.entitlements = 0;
    this.pathBytes = 0;
  }
}

const count = new Count();

function countPrincipals(loading: Loading, trust: Trust): bool {
  const roles = newNameIndex(loading.region, MAX_ROLES, trust.seed());
  if (loading.region.full) return loading.refuse("it is too large");
  for (let at = trust.firstPrincipal; at != 0; at = changetype<Named>(at).next) {
    const principal = changetype<Principal>(at);
    let held = 0;
    for (let role = principal.firstRole; role != 0; role = changetype<Named>(role).next) {
      if (++held > MAX_ROLES_OF_PRINCIPAL) {
        return loading.refuse("a principal has more than 64 roles", principal.namePtr, principal.nameLen);
      }
      if (roles.add(changetype<Named>(role)) && ++count.roles > MAX_ROLES) {
        return loading.refuse("its principals have more than 1024 different roles");
      }
    }
    count.rolesOfPrincipal = max(count.rolesOfPrincipal, held);
    count.principals += 1;
  }
  return true;
}

function pathBytesOf(scope: Scope): i32 {
  let bytes = 0;
  for (let at = scope.first; at != 0; at = changetype<Detail>(at).next) {
    const paths = changetype<Detail>(at).paths;
    for (let i = 0; i < paths.count; i++) bytes += paths.at(i).len;
  }
  return bytes;
}

function countEntitlements(loading: Loading, trust: Trust): bool {
  for (let at = trust.firstEntitlement; at != 0; at = changetype<Named>(at).next) {
    const entitlement = changetype<Entitlement>(at);
    const bytes = pathBytesOf(entitlement.scope);
    if (bytes > MAX_ENTITLEMENT_PATH_BYTES) {
      return loading.refuse(
        "an entitlement's paths are longer than 32 KiB together",
        entitlement.namePtr,
        entitlement.nameLen,
      );
    }
    count.pathBytes = max(count.pathBytes, bytes);
    count.entitlements += 1;
  }
  return true;
}

function percent(part: i32, limit: i32): i32 {
  return <i32>((<i64>part * 100) / limit);
}

/** Checks a bundle that was read from `textLen` bytes, and sets `filledPercent`. False with `loading.reason`. */
export function keepsBounds(loading: Loading, textLen: i32, trust: Trust): bool {
  count.clear();
  if (!countPrincipals(loading, trust) || !countEntitlements(loading, trust)) return false;
  let filled = percent(textLen, MAX_BUNDLE_BYTES);
  filled = max(filled, percent(count.principals, MAX_PRINCIPALS));
  filled = max(filled, percent(count.roles, MAX_ROLES));
  filled = max(filled, percent(count.rolesOfPrincipal, MAX_ROLES_OF_PRINCIPAL));
  filled = max(filled, percent(count.entitlements, MAX_ENTITLEMENTS));
  trust.filledPercent = max(filled, percent(count.pathBytes, MAX_ENTITLEMENT_PATH_BYTES));
  return true;
}
