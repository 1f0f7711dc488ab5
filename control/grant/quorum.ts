/** Are the approvals enough? In words what is missing, so that a person at 3 a.m. knows whom to wake. */
import { type BundleClaims, type Entitlement, holdsRole, type Principal, personOf } from "../trust/claims.js";

export interface Approver {
  readonly principal: Principal;
  readonly iat: number;
}

/** Roles that no approver could be found for, one entry a seat. The assignment is searched, not greedy (Kuhn). */
export function missingSeats(entitlement: Entitlement, approvers: readonly Approver[], now: number): string[] {
  const seats = entitlement.approvals.flatMap(({ role, count }) => Array.from({ length: count }, () => role));
  const seatOf = new Map<Approver, number>();
  const may = (approver: Approver, role: string): boolean =>
    holdsRole(approver.principal, role, now) && holdsRole(approver.principal, role, approver.iat);
  const seat = (index: number, tried: Set<Approver>): boolean => {
    const role = seats[index];
    if (role === undefined) return false;
    for (const approver of approvers) {
      if (tried.has(approver) || !may(approver, role)) continue;
      tried.add(approver);
      const held = seatOf.get(approver);
      if (held === undefined || seat(held, tried)) {
        seatOf.set(approver, index);
        return true;
      }
    }
    return false;
  };
  return seats.filter((_, index) => !seat(index, new Set()));
}

/** Who could still approve in that role: other persons than the requester and those who have approved. */
export function candidates(claims: BundleClaims, role: string, excluded: ReadonlySet<string>, now: number): string[] {
  return claims.principals
    .filter(
      (principal) => principal.keys.length > 0 && holdsRole(principal, role, now) && !excluded.has(personOf(principal)),
    )
    .map(({ id }) => id);
}
