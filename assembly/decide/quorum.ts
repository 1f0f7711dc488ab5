/**
 * Do the approvers fill every rule of the entitlement? Each approver fills at most one. The assignment is searched, not
 * greedy: somebody who holds two roles must not be spent on the one that another could have filled. Augmenting paths
 * (Kuhn); at most 8 seats and 8 approvers.
 */
import { MAX_APPROVALS } from "../limits";
import { ApprovalRule, Entitlement, Principal, RoleHold } from "../trust/trust";

/** Whether the principal holds the role of that name at both times. */
export function holdsRole(principal: Principal, ptr: usize, len: i32, time: i64, otherTime: i64): bool {
  for (let at = principal.firstRole; at != 0; at = changetype<RoleHold>(at).next) {
    const hold = changetype<RoleHold>(at);
    if (hold.holdsAt(time) && hold.holdsAt(otherTime) && hold.isNamed(ptr, len)) return true;
  }
  return false;
}

/** For each seat, a bit per approver who may take it. A rule of count 2 is two seats. */
const seats: StaticArray<i32> = new StaticArray<i32>(MAX_APPROVALS);
/** For each approver, the seat he has, or -1. */
const seatOf: StaticArray<i32> = new StaticArray<i32>(MAX_APPROVALS);

/** The approvers of one grant, in the order of its approvals. */
export class Approvers {
  count: i32 = 0;
  private principals: usize = memory.data(64, 8); // MAX_APPROVALS pointers
  private times: usize = memory.data(64, 8); // MAX_APPROVALS i64: when each approved

  clear(): void {
    this.count = 0;
  }

  /** At most MAX_APPROVALS. */
  add(principal: Principal, approvedAt: i64): void {
    if (this.count >= MAX_APPROVALS) return;
    store<usize>(this.principals + <usize>this.count * sizeof<usize>(), changetype<usize>(principal));
    store<i64>(this.times + <usize>this.count * 8, approvedAt);
    this.count += 1;
  }

  principal(index: i32): Principal {
    return changetype<Principal>(load<usize>(this.principals + <usize>index * sizeof<usize>()));
  }

  approvedAt(index: i32): i64 {
    return load<i64>(this.times + <usize>index * 8);
  }
}

function candidates(rule: ApprovalRule, approvers: Approvers, now: i64): i32 {
  let mask = 0;
  for (let i = 0; i < approvers.count; i++) {
    if (holdsRole(approvers.principal(i), rule.namePtr, rule.nameLen, now, approvers.approvedAt(i))) mask |= 1 << i;
  }
  return mask;
}

/** Finds an approver for the seat, moving others to other seats where needed. `tried` has a bit per approver. */
function assign(seat: i32, approverCount: i32, tried: i32): i32 {
  const mask = unchecked(seats[seat]);
  for (let i = 0; i < approverCount; i++) {
    const bit = 1 << i;
    if ((mask & bit) == 0 || (tried & bit) != 0) continue;
    tried |= bit;
    const holder = unchecked(seatOf[i]);
    if (holder >= 0) {
      const after = assign(holder, approverCount, tried);
      tried |= after & ~FOUND;
      if ((after & FOUND) == 0) continue;
    }
    unchecked((seatOf[i] = seat));
    return tried | FOUND;
  }
  return tried;
}

/** `assign` found a place; above the approvers' bits. */
const FOUND: i32 = 1 << 30;

/** True when every seat is filled. The approvers are distinct persons already. */
export function quorumIsMet(entitlement: Entitlement, approvers: Approvers, now: i64): bool {
  if (approvers.count < entitlement.quorum) return false;
  let count = 0;
  for (let at = entitlement.firstApprovalRule; at != 0; at = changetype<ApprovalRule>(at).next) {
    const rule = changetype<ApprovalRule>(at);
    const mask = candidates(rule, approvers, now);
    for (let i = 0; i < rule.count && count < MAX_APPROVALS; i++) unchecked((seats[count++] = mask));
  }
  for (let i = 0; i < MAX_APPROVALS; i++) unchecked((seatOf[i] = -1));
  for (let seat = 0; seat < count; seat++) {
    if ((assign(seat, approvers.count, 0) & FOUND) == 0) return false;
  }
  return true;
}
