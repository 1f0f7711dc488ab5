/**
 * Which root context each live stream belongs to: an open-addressing table, stream id -> context index, that grows by doubling and
 * never shrinks. One lookup and one deletion per request.
 *
 *   place: | stream id u32 (0 = free) | context index u32 |
 */

const PLACE_BYTES: usize = 8;
const FIRST_CAPACITY: u32 = 1024;
const FIRST_BYTES: usize = 1024 * PLACE_BYTES;
/** A million streams on one worker: 8 MiB. Further ones are not entered and are answered as of an unknown context. */
const MAX_CAPACITY: u32 = 1 << 20;

let places: usize = heap.alloc(FIRST_BYTES);
memory.fill(places, 0, FIRST_BYTES);
let capacity: u32 = FIRST_CAPACITY;
let count: u32 = 0;

function home(id: u32): u32 {
  return (id * 0x9e3779b1) & (capacity - 1);
}

function placeAt(index: u32): usize {
  return places + <usize>index * PLACE_BYTES;
}

/** The place that holds the id, or the free one where it would stand. There is always a free one. */
function locate(id: u32): u32 {
  let index = home(id);
  while (load<u32>(placeAt(index)) != 0 && load<u32>(placeAt(index)) != id) index = (index + 1) & (capacity - 1);
  return index;
}

function grow(): bool {
  if (capacity >= MAX_CAPACITY) return false;
  const old = places;
  const oldCapacity = capacity;
  capacity = oldCapacity * 2;
  places = heap.alloc(<usize>capacity * PLACE_BYTES);
  memory.fill(places, 0, <usize>capacity * PLACE_BYTES);
  for (let i: u32 = 0; i < oldCapacity; i++) {
    const from = old + <usize>i * PLACE_BYTES;
    const id = load<u32>(from);
    if (id != 0) store<u64>(placeAt(locate(id)), load<u64>(from));
  }
  heap.free(old);
  return true;
}

export function addStream(id: u32, contextIndex: i32): void {
  // At most three quarters full: probes stay short and there is always a free place.
  if (id == 0 || (count * 4 >= capacity * 3 && !grow())) return;
  const place = placeAt(locate(id));
  if (load<u32>(place) == 0) count += 1;
  store<u32>(place, id);
  store<i32>(place, contextIndex, 4);
}

/** The index of the root context of the stream, or -1. */
export function contextOfStream(id: u32): i32 {
  if (id == 0) return -1;
  const place = placeAt(locate(id));
  return load<u32>(place) == id ? load<i32>(place, 4) : -1;
}

/** False when the stream is not in the table. */
export function removeStream(id: u32): bool {
  if (id == 0) return false;
  let hole = locate(id);
  if (load<u32>(placeAt(hole)) != id) return false;
  count -= 1;
  // Backward shift: whatever stood behind the hole because of it moves up, so that no tombstones are needed.
  let next = (hole + 1) & (capacity - 1);
  while (load<u32>(placeAt(next)) != 0) {
    const distance = (next - home(load<u32>(placeAt(next)))) & (capacity - 1);
    if (distance >= ((next - hole) & (capacity - 1))) {
      store<u64>(placeAt(hole), load<u64>(placeAt(next)));
      hole = next;
    }
    next = (next + 1) & (capacity - 1);
  }
  store<u64>(placeAt(hole), 0);
  return true;
}
