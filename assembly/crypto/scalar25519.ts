/** Scalars modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the base point: 32 bytes, little endian. */

const L: usize = memory.data<u64>([0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000], 16);

/** Whether the 32 bytes are below L: S of a signature must be (RFC 8032, section 5.1.7). */
export function isBelowOrder(bytes: usize): bool {
  for (let i: i32 = 24; i >= 0; i -= 8) {
    const word = load<u64>(bytes + i);
    const limit = load<u64>(L + i);
    if (word != limit) return word < limit;
  }
  return false;
}

/**
 * out = the 64 bytes modulo L, by shifting in one bit at a time: r = 2r + bit, minus L when r reaches it. r < L < 2^253
 * before each step, so 2r + 1 < 2^254 fits four words.
 */
export function reduce(out: usize, bytes: usize): void {
  let r0: u64 = 0;
  let r1: u64 = 0;
  let r2: u64 = 0;
  let r3: u64 = 0;
  const l0 = load<u64>(L);
  const l1 = load<u64>(L, 8);
  const l3 = load<u64>(L, 24);
  for (let i: i32 = 511; i >= 0; i--) {
    const bit = (<u64>load<u8>(bytes + (i >> 3)) >> (i & 7)) & 1;
    r3 = (r3 << 1) | (r2 >> 63);
    r2 = (r2 << 1) | (r1 >> 63);
    r1 = (r1 << 1) | (r0 >> 63);
    r0 = (r0 << 1) | bit;
    // d = r - L, word by word with borrows; L's third word is 0.
    const d0 = r0 - l0;
    const b0: u64 = r0 < l0 ? 1 : 0;
    const d1 = r1 - l1 - b0;
    const b1: u64 = r1 < l1 || (r1 == l1 && b0 == 1) ? 1 : 0;
    const d2 = r2 - b1;
    const b2: u64 = r2 < b1 ? 1 : 0;
    if (r3 < l3 + b2) continue;
    r0 = d0;
    r1 = d1;
    r2 = d2;
    r3 = r3 - l3 - b2;
  }
  store<u64>(out, r0);
  store<u64>(out, r1, 8);
  store<u64>(out, r2, 16);
  store<u64>(out, r3, 24);
}
