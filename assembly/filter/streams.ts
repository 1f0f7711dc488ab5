/**
 * Which root context each live stream belongs to: an open-addressing table, stream id -> the context's handle, that grows by
 * doubling and never shrinks. One lookup and one deletion per request.
 *
 *   place: | stream id u32 (0 = free) | handle u32 |
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

/** False when there is no room for one more. */
export function addStream(id: u32, handle: u32): bool {
  // At most three quarters full: probes stay short and there is always a free place.
  if (id == 0 || (count * 4 >= capacity * 3 && !grow())) return false;
  const place = placeAt(locate(id));
  if (load<u32>(place) == 0) count += 1;
  store<u32>(place, id);
  store<u32>(place, handle, 4);
  return true;
}

/** The handle of the stream's root context, or 0, which is no context's. */
export function handleOfStream(id: u32): u32 {
  if (id == 0) return 0;
  const place = placeAt(locate(id));
  return load<u32>(place) == id ? load<u32>(place, 4) : 0;
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
