/**
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with one round a word and three at the end, as
 * hash tables use it): 64 bits that nobody without the key can foresee. For finding things, not for signing them.
 */

/** @param key 16 bytes */
export function sipHash(key: usize, ptr: usize, len: i32): u64 {
  const k0 = load<u64>(key);
  const k1 = load<u64>(key, 8);
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const words = len >> 3;
  // The last word: what is left of the bytes, and the length's low byte on top. Then three rounds over nothing.
  let last = (<u64>len) << 56;
  for (let i = words << 3; i < len; i++) last |= (<u64>load<u8>(ptr + i)) << ((i & 7) << 3);
  for (let i = 0; i < words + 4; i++) {
    const word: u64 = i < words ? load<u64>(ptr + ((<usize>i) << 3)) : i == words ? last : 0;
    if (i == words + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 += v1;
    v1 = rotl(v1, 13) ^ v0;
    v0 = rotl(v0, 32);
    v2 += v3;
    v3 = rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl(v1, 17) ^ v2;
    v2 = rotl(v2, 32);
    v0 ^= word;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
