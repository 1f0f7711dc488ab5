/**
 * What a bundle may hold so that no request under it takes long (docs/decisions.md has the figures), where it takes the whole
 * bundle to see it; and how near it comes to that.
 */
import {
  MAX_BUNDLE_BYTES,
  MAX_ENTITLEMENTS,
  MAX_KEYS,
  MAX_PRINCIPALS,
  MAX_ROLES,
  MAX_ROLES_OF_PRINCIPAL,
} from "../limits";
import { Loading } from "./loading";
import { Named, newNameIndex } from "./names";
import { Principal, Trust } from "./trust";

function percent(count: i32, limit: i32): i32 {
  return <i32>((<i64>count * 100) / limit);
}

function lengthOf(first: usize): i32 {
  let count = 0;
  for (let at = first; at != 0; at = changetype<Named>(at).next) count += 1;
  return count;
}

/** Checks a bundle that was read from `textLen` bytes, and sets `filledPercent`. False with `loading.reason`. */
export function keepsBounds(loading: Loading, textLen: i32, trust: Trust): bool {
  const roles = newNameIndex(loading.region, MAX_ROLES);
  if (loading.region.full) return loading.refuse("it is too large");
  let distinctRoles = 0;
  let principals = 0;
  let keys = 0;
  let filled = max(percent(textLen, MAX_BUNDLE_BYTES), percent(lengthOf(trust.firstEntitlement), MAX_ENTITLEMENTS));
  for (let at = trust.firstPrincipal; at != 0; at = changetype<Named>(at).next) {
    const principal = changetype<Principal>(at);
    let held = 0;
    for (let role = principal.firstRole; role != 0; role = changetype<Named>(role).next) {
      if (++held > MAX_ROLES_OF_PRINCIPAL) {
        return loading.refuse("a principal has more than 64 roles", principal.namePtr, principal.nameLen);
      }
      if (roles.add(changetype<Named>(role)) && ++distinctRoles > MAX_ROLES) {
        return loading.refuse("its principals have more than 1024 different roles");
      }
    }
    filled = max(filled, percent(held, MAX_ROLES_OF_PRINCIPAL));
    keys += lengthOf(principal.firstKey);
    principals += 1;
  }
  filled = max(filled, max(percent(principals, MAX_PRINCIPALS), percent(keys, MAX_KEYS)));
  trust.filledPercent = max(filled, percent(distinctRoles, MAX_ROLES));
  return true;
}
