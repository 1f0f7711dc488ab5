/**
 * Which root each live stream belongs to: an open-addressing table, context id -> root index, that grows by doubling and
 * never shrinks. One lookup and one deletion per request.
 *
 *   slot: | context id u32 (0 = free) | root index u32 |
 */

const SLOT_BYTES: usize = 8;
const FIRST_CAPACITY: u32 = 1024;
const FIRST_BYTES: usize = 1024 * SLOT_BYTES;
/** A million streams on one worker: 8 MiB. Further ones are not entered and are answered as of an unknown root. */
const MAX_CAPACITY: u32 = 1 << 20;

let slots: usize = heap.alloc(FIRST_BYTES);
memory.fill(slots, 0, FIRST_BYTES);
let capacity: u32 = FIRST_CAPACITY;
let count: u32 = 0;

function home(id: u32): u32 {
  return (id * 0x9e3779b1) & (capacity - 1);
}

function slotAt(index: u32): usize {
  return slots + <usize>index * SLOT_BYTES;
}

/** The slot that holds the id, or the free one where it would stand. There is always a free one. */
function locate(id: u32): u32 {
  let index = home(id);
  while (load<u32>(slotAt(index)) != 0 && load<u32>(slotAt(index)) != id) index = (index + 1) & (capacity - 1);
  return index;
}

function grow(): bool {
  if (capacity >= MAX_CAPACITY) return false;
  const old = slots;
  const oldCapacity = capacity;
  capacity = oldCapacity * 2;
  slots = heap.alloc(<usize>capacity * SLOT_BYTES);
  memory.fill(slots, 0, <usize>capacity * SLOT_BYTES);
  for (let i: u32 = 0; i < oldCapacity; i++) {
    const from = old + <usize>i * SLOT_BYTES;
    const id = load<u32>(from);
    if (id != 0) store<u64>(slotAt(locate(id)), load<u64>(from));
  }
  heap.free(old);
  return true;
}

export function addStream(id: u32, rootIndex: i32): void {
  // At most three quarters full: probes stay short and there is always a free slot.
  if (id == 0 || (count * 4 >= capacity * 3 && !grow())) return;
  const slot = slotAt(locate(id));
  if (load<u32>(slot) == 0) count += 1;
  store<u32>(slot, id);
  store<i32>(slot, rootIndex, 4);
}

/** The root index of the stream, or -1. */
export function rootOfStream(id: u32): i32 {
  if (id == 0) return -1;
  const slot = slotAt(locate(id));
  return load<u32>(slot) == id ? load<i32>(slot, 4) : -1;
}

/** False when the stream is not in the table. */
export function removeStream(id: u32): bool {
  if (id == 0) return false;
  let hole = locate(id);
  if (load<u32>(slotAt(hole)) != id) return false;
  count -= 1;
  // Backward shift: whatever stood behind the hole because of it moves up, so that no tombstones are needed.
  let next = (hole + 1) & (capacity - 1);
  while (load<u32>(slotAt(next)) != 0) {
    const distance = (next - home(load<u32>(slotAt(next)))) & (capacity - 1);
    if (distance >= ((next - hole) & (capacity - 1))) {
      store<u64>(slotAt(hole), load<u64>(slotAt(next)));
      hole = next;
    }
    next = (next + 1) & (capacity - 1);
  }
  store<u64>(slotAt(hole), 0);
  return true;
}
