/**
 * Whose each live stream is: an open-addressing table, stream id -> owner, that grows by doubling and never shrinks. One lookup
 * and one deletion per request. The owner is the handle of its root context or, once it was let in, the grant that it is open
 * under (opengrants.ts, which tells the two apart): so an open stream takes no more memory than any other.
 *
 *   place: | stream id u32 (0 = free) | owner u32 |
 */
import { Purpose, returnMemory, takeMemory } from "../heap";
import { MAX_STREAMS } from "../limits";

const PLACE_BYTES: u32 = 8;
const FIRST_CAPACITY: u32 = 2048;
const firstPlaces: usize = memory.data(16384, 16); // FIRST_CAPACITY x PLACE_BYTES

let places: usize = firstPlaces;
let capacity: u32 = FIRST_CAPACITY;
let count: u32 = 0;

/** How many live streams this VM knows. */
export function streamCount(): i32 {
  return <i32>count;
}

function home(id: u32): u32 {
  return (id * 0x9e3779b1) & (capacity - 1);
}

function placeAt(index: u32): usize {
  return places + <usize>(index * PLACE_BYTES);
}

/** The place that holds the id, or the free one where it would stand. There is always a free one. */
function locate(id: u32): u32 {
  let index = home(id);
  while (load<u32>(placeAt(index)) != 0 && load<u32>(placeAt(index)) != id) index = (index + 1) & (capacity - 1);
  return index;
}

function grow(): bool {
  if (<i32>count >= MAX_STREAMS) return false;
  const old = places;
  const oldCapacity = capacity;
  const bytes = <i32>(oldCapacity * 2 * PLACE_BYTES);
  const next = takeMemory(bytes, Purpose.Streams);
  if (next == 0) return false;
  memory.fill(next, 0, bytes);
  places = next;
  capacity = oldCapacity * 2;
  for (let i: u32 = 0; i < oldCapacity; i++) {
    const from = old + <usize>(i * PLACE_BYTES);
    const id = load<u32>(from);
    if (id != 0) store<u64>(placeAt(locate(id)), load<u64>(from));
  }
  if (old != firstPlaces) returnMemory(old, <i32>(oldCapacity * PLACE_BYTES), Purpose.Streams);
  return true;
}

/** False when there is no room for one more. @param owner not 0 */
export function addStream(id: u32, owner: u32): bool {
  // At most three quarters full: probes stay short and there is always a free place.
  if (id == 0 || (count * 4 >= capacity * 3 && !grow())) return false;
  const place = placeAt(locate(id));
  if (load<u32>(place) == 0) count += 1;
  store<u32>(place, id);
  store<u32>(place, owner, 4);
  return true;
}

/** Whose the stream is, or 0, which is nobody. */
export function ownerOfStream(id: u32): u32 {
  if (id == 0) return 0;
  const place = placeAt(locate(id));
  return load<u32>(place) == id ? load<u32>(place, 4) : 0;
}

/** Gives a stream that is in the table to another. */
export function setOwner(id: u32, owner: u32): void {
  const place = placeAt(locate(id));
  if (load<u32>(place) == id) store<u32>(place, owner, 4);
}

/** How many places there are to look at (`streamAt`). */
export function streamPlaces(): u32 {
  return capacity;
}

/** The stream in that place, or 0. A stream that ends may bring others from behind into places before it. */
export function streamAt(index: u32): u32 {
  return load<u32>(placeAt(index));
}

/** Whose the stream in that place is. */
export function ownerAt(index: u32): u32 {
  return load<u32>(placeAt(index), 4);
}

/** Whose the stream was; 0 when it is not in the table. */
export function removeStream(id: u32): u32 {
  if (id == 0) return 0;
  let hole = locate(id);
  if (load<u32>(placeAt(hole)) != id) return 0;
  const owner = load<u32>(placeAt(hole), 4);
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
  return owner;
}
