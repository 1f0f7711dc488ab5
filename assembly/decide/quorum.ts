/**
 * When did the approvers fill every rule of the entitlement? Each approver fills at most one. The assignment is searched, not
 * greedy: somebody who holds two roles must not be spent on the one that another could have filled. Augmenting paths
 * (Kuhn), the approvers taken in the order of their approvals: as long as each gets a seat for whom there is a way to one, as
 * many seats are filled as those so far can fill, so the one who fills the last seat makes the quorum, and none before him
 * could have. At most 8 seats and 8 approvers.
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

/** No moment: the quorum is not there. */
export const NEVER: i64 = i64.MAX_VALUE;

/** For each seat, a bit per approver who may take it. A rule of count 2 is two seats. */
const seats: StaticArray<i32> = new StaticArray<i32>(MAX_APPROVALS);
/** For each seat, the approver who has it, or -1. */
const holderOf: StaticArray<i32> = new StaticArray<i32>(MAX_APPROVALS);
let seatCount: i32 = 0;

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

/** `assign` found a place; above the seats' bits. */
const FOUND: i32 = 1 << 30;

/** Finds a seat for the approver, moving others to other seats where needed. `tried` has a bit per seat. */
function assign(approver: i32, tried: i32): i32 {
  for (let seat = 0; seat < seatCount; seat++) {
    const bit = 1 << seat;
    if ((unchecked(seats[seat]) & (1 << approver)) == 0 || (tried & bit) != 0) continue;
    tried |= bit;
    const holder = unchecked(holderOf[seat]);
    if (holder >= 0) {
      const after = assign(holder, tried);
      tried |= after & ~FOUND;
      if ((after & FOUND) == 0) continue;
    }
    unchecked((holderOf[seat] = approver));
    return tried | FOUND;
  }
  return tried;
}

function layOut(entitlement: Entitlement, approvers: Approvers, now: i64): void {
  seatCount = 0;
  for (let at = entitlement.firstApprovalRule; at != 0; at = changetype<ApprovalRule>(at).next) {
    const rule = changetype<ApprovalRule>(at);
    const mask = candidates(rule, approvers, now);
    for (let i = 0; i < rule.count && seatCount < MAX_APPROVALS; i++) unchecked((seats[seatCount++] = mask));
  }
  for (let i = 0; i < MAX_APPROVALS; i++) unchecked((holderOf[i] = -1));
}

/** Who approved first of those whose bits are not in `seen`; there is one. */
function earliest(approvers: Approvers, seen: i32): i32 {
  let first = -1;
  for (let i = 0; i < approvers.count; i++) {
    if (((seen >> i) & 1) != 0) continue;
    if (first < 0 || approvers.approvedAt(i) < approvers.approvedAt(first)) first = i;
  }
  return first;
}

/**
 * The earliest moment at which the approvals so far fill every seat, or NEVER. Only for an entitlement that demands approvals.
 * The approvers are distinct persons already.
 */
export function quorumMetAt(entitlement: Entitlement, approvers: Approvers, now: i64): i64 {
  if (approvers.count < entitlement.quorum) return NEVER;
  layOut(entitlement, approvers, now);
  let filled = 0;
  let seen = 0;
  for (let i = 0; i < approvers.count; i++) {
    const approver = earliest(approvers, seen);
    seen |= 1 << approver;
    if ((assign(approver, 0) & FOUND) == 0) continue;
    filled += 1;
    if (filled == seatCount) return approvers.approvedAt(approver);
  }
  return NEVER;
}
