/** Which of a bundle's roles are for drills, and which open something in earnest: who may hold a drill, and who can do nothing else. */
import { type BundleClaims, holdsRole, type Principal, roleName } from "./claims.js";

/** Roles that open, approve, revoke or review something that is not of drills, with what that is. */
export function realRoles(bundle: BundleClaims): ReadonlyMap<string, string> {
  const roles = new Map<string, string>();
  for (const { id, drill, requesters, approvals } of bundle.entitlements) {
    if (drill === true) continue;
    for (const role of requesters) roles.set(role, `may ask for ${id}`);
    for (const { role } of approvals) roles.set(role, `approves ${id}`);
  }
  for (const role of bundle.revokers ?? []) roles.set(role, "may revoke");
  for (const role of bundle.reviewers ?? []) roles.set(role, "may close reviews");
  return roles;
}

/** Roles that ask for or approve an entitlement with `drill: true`. */
export const drillRoles = ({ entitlements }: BundleClaims): ReadonlySet<string> =>
  new Set(
    entitlements
      .filter(({ drill }) => drill === true)
      .flatMap(({ requesters, approvals }) => [...requesters, ...approvals.map(({ role }) => role)]),
  );

/** Whether that person may hold a drill under this bundle: one role of drills at each of these moments. @param at seconds */
export const mayHoldDrills = (bundle: BundleClaims, principal: Principal, at: readonly number[]): boolean =>
  [...drillRoles(bundle)].some((role) => at.every((moment) => holdsRole(principal, role, moment)));

/** Somebody for whom nobody waits in an emergency: each of his roles is of drills, and opens nothing else. */
export function isOfDrillsAlone(bundle: BundleClaims): (principal: Principal) => boolean {
  const [real, drills] = [realRoles(bundle), drillRoles(bundle)];
  return ({ roles }) => roles.length > 0 && roles.map(roleName).every((role) => drills.has(role) && !real.has(role));
}
