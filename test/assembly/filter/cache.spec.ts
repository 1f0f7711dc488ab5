/** A cached grant is the very same bytes, whatever its hash says: hashes that collide are put into the cache's memory here. */
import { sipHash } from "../../../assembly/crypto/siphash";
import { dropCached, Entry, keep, lookUp } from "../../../assembly/filter/cache";
import { vmSecret } from "../../../assembly/filter/secret";

const SERIAL: u32 = 7;
const LENGTH: i32 = 700;

const first = heap.alloc(LENGTH + 1);
const other = heap.alloc(LENGTH + 1);

/** Accepts these bytes under that root, as a request would that nobody has made before. */
function accept(serial: u32, ptr: usize, len: i32): Entry {
  const entry = lookUp(serial, ptr, len);
  expect(entry.isAccepted).toBe(false);
  const grant = entry.grant;
  grant.textPtr = entry.region.take(len);
  grant.textLen = len;
  memory.copy(grant.textPtr, ptr, len);
  keep(entry);
  return entry;
}

function isFound(serial: u32, ptr: usize, len: i32): bool {
  return lookUp(serial, ptr, len).isAccepted;
}

function hashOf(ptr: usize, len: i32): u64 {
  return sipHash(vmSecret(), ptr, len);
}

for (let i = 0; i < LENGTH; i++) store<u8>(first + i, <u8>(i * 167 + 11));
store<u8>(first, 0x65, LENGTH);
const kept = accept(SERIAL, first, LENGTH);

describe("a cached grant", () => {
  it("is found by the same bytes under the same root", () => {
    expect(changetype<usize>(lookUp(SERIAL, first, LENGTH))).toBe(changetype<usize>(kept));
    expect(isFound(SERIAL + 1, first, LENGTH)).toBe(false);
    expect(isFound(0, first, LENGTH)).toBe(false);
  });
  it("is not found by other bytes, though their hash be the same", () => {
    const place = kept.hash;
    let wrong = 0;
    for (let position = 0; position < LENGTH; position++) {
      memory.copy(other, first, LENGTH);
      store<u8>(other + position, load<u8>(first + position) ^ 1);
      store<u64>(place, hashOf(other, LENGTH));
      if (isFound(SERIAL, other, LENGTH)) wrong += 1;
    }
    expect(wrong).toBe(0);
    // Without its own hash it is not found either: `place` is the right one.
    expect(isFound(SERIAL, first, LENGTH)).toBe(false);
    for (let len = LENGTH - 1; len <= LENGTH + 1; len++) {
      store<u64>(place, hashOf(first, len));
      expect(isFound(SERIAL, first, len)).toBe(len == LENGTH);
    }
    store<u64>(place, hashOf(first, LENGTH));
  });
  it("is found beside one of the same hash", () => {
    memory.copy(other, first, LENGTH);
    store<u8>(other, 0, LENGTH - 1);
    const second = accept(SERIAL, other, LENGTH);
    const place = second.hash;
    store<u64>(place, hashOf(first, LENGTH));
    expect(changetype<usize>(lookUp(SERIAL, first, LENGTH))).toBe(changetype<usize>(kept));
    store<u64>(place, hashOf(other, LENGTH));
    store<u64>(kept.hash, hashOf(other, LENGTH));
    expect(changetype<usize>(lookUp(SERIAL, other, LENGTH))).toBe(changetype<usize>(second));
    expect(isFound(SERIAL, first, LENGTH)).toBe(false);
  });
  it("ends with its root", () => {
    expect(isFound(SERIAL, other, LENGTH)).toBe(true);
    dropCached(SERIAL + 1);
    expect(isFound(SERIAL, other, LENGTH)).toBe(true);
    dropCached(SERIAL);
    expect(isFound(SERIAL, other, LENGTH)).toBe(false);
  });
});
