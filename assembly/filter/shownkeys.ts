/**
 * Which approvals the evidence of one grant has shown, each by its key and its time: a grant whose approvals are all known proves nothing
 * new. One of another time does: its record says when each approved, and nobody has to believe that.
 */
import { Grant } from "../grant/grant";
import { keyAt } from "./failures";

/** Four times the largest quorum. Of a grant with more approvals the first shown are forgotten first, and shown again. */
const MAX_KEYS: i32 = 32;
/** Bytes that an object of them needs: MAX_KEYS x u64. */
export const SHOWN_BYTES: i32 = 256;

export class ShownKeys {
  /** SHOWN_BYTES. */
  private keys: usize = 0;
  private count: i32 = 0;
  /** Where the next one goes. */
  private next: i32 = 0;

  /** Takes over the memory; empty. */
  open(memory: usize): void {
    this.keys = memory;
    this.clear();
  }

  clear(): void {
    this.count = 0;
    this.next = 0;
  }

  copyFrom(other: ShownKeys): void {
    memory.copy(this.keys, other.keys, SHOWN_BYTES);
    this.count = other.count;
    this.next = other.next;
  }

  /** Every approval of the grant has been shown. */
  hasAllOf(grant: Grant): bool {
    for (let i = 0; i < grant.approvalCount; i++) if (!this.has(keyOfApproval(grant, i))) return false;
    return true;
  }

  /** The grant's approvals are shown now. */
  addAllOf(grant: Grant): void {
    for (let i = 0; i < grant.approvalCount; i++) {
      const key = keyOfApproval(grant, i);
      if (this.has(key)) continue;
      store<u64>(this.keys + ((<usize>this.next) << 3), key);
      this.next = (this.next + 1) % MAX_KEYS;
      this.count = min(this.count + 1, MAX_KEYS);
    }
  }

  private has(key: u64): bool {
    for (let i = 0; i < this.count; i++) if (load<u64>(this.keys + ((<usize>i) << 3)) == key) return true;
    return false;
  }
}

function keyOfApproval(grant: Grant, index: i32): u64 {
  const approval = grant.approval(index);
  return keyAt(approval.kid.ptr, approval.kid.len, approval.iat);
}
