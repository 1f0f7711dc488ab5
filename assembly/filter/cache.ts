/**
 * Grants that were accepted, parsed: the same bytes under the same root need no parsing and no signature checks again.
 * Fixed memory. Only an accepted grant enters, and only one evicts another, so forged grants cannot churn it. Everything
 * but the signatures is judged on each request all the same.
 */
import { Grant, newGrant } from "../grant/grant";
import { GRANT_REGION_BYTES } from "../grant/read";
import { Region } from "../text/region";

/** Entries of a VM, plus the one that is being read into. 65 x 28 KiB. */
const SLOTS: i32 = 65;

class Slot {
  /** The serial of the root that accepted it; 0 while free. */
  serial: u32 = 0;
  lastUsed: u64 = 0;
  memory: usize = 0;
  grant: Grant = changetype<Grant>(0);
}

const memoryOfSlots: usize = memory.data(1863680, 16); // SLOTS x GRANT_REGION_BYTES
const slots: StaticArray<Slot> = new StaticArray<Slot>(SLOTS);
for (let i = 0; i < SLOTS; i++) {
  const slot = new Slot();
  slot.memory = memoryOfSlots + <usize>i * GRANT_REGION_BYTES;
  unchecked((slots[i] = slot));
}
let spare: i32 = 0;
let clock: u64 = 0;
const region = new Region();

/** The accepted grant of exactly these bytes under that root, or 0. */
export function findCached(serial: u32, ptr: usize, len: i32): Grant {
  for (let i = 0; i < SLOTS; i++) {
    const slot = unchecked(slots[i]);
    if (slot.serial != serial || slot.grant.textLen != len) continue;
    if (memory.compare(slot.grant.textPtr, ptr, len) != 0) continue;
    slot.lastUsed = ++clock;
    return slot.grant;
  }
  return changetype<Grant>(0);
}

/** Memory for reading a new grant: the spare slot. */
export function spareRegion(): Region {
  region.open(unchecked(slots[spare]).memory, GRANT_REGION_BYTES);
  return region;
}

/** An empty grant in the region. */
export function spareGrant(into: Region): Grant {
  const grant = newGrant(into);
  unchecked(slots[spare]).grant = grant;
  return grant;
}

/** The grant in the spare slot was accepted under that root: keep it. The least recently used one makes room. */
export function keepSpare(serial: u32): void {
  const kept = unchecked(slots[spare]);
  kept.serial = serial;
  kept.lastUsed = ++clock;
  let oldest = spare == 0 ? 1 : 0;
  for (let i = 0; i < SLOTS; i++) {
    if (i != spare && unchecked(slots[i]).lastUsed < unchecked(slots[oldest]).lastUsed) oldest = i;
  }
  spare = oldest;
  free(unchecked(slots[oldest]));
}

/** Drops everything accepted under that root. */
export function dropCached(serial: u32): void {
  for (let i = 0; i < SLOTS; i++) {
    const slot = unchecked(slots[i]);
    if (slot.serial == serial) free(slot);
  }
}

function free(slot: Slot): void {
  slot.serial = 0;
  slot.lastUsed = 0;
}
