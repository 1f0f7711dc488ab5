/** UTF-8 (RFC 3629), well-formed by table 3-7 of the Unicode Standard: no overlong form, no surrogate, at most U+10FFFF. */

function isContinuation(c: u8): bool {
  return (c & 0xc0) == 0x80;
}

/** The length of the well-formed sequence at the start of (ptr, len): 1 to 4, or 0 when there is none. */
export function sequenceLength(ptr: usize, len: i32): i32 {
  if (len < 1) return 0;
  const first = load<u8>(ptr);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (len < length) return 0;
  const second = load<u8>(ptr, 1);
  // The second byte's range is narrower after four first bytes; the rest is any continuation.
  let low: u8 = 0x80;
  let high: u8 = 0xbf;
  if (first == 0xe0) low = 0xa0;
  else if (first == 0xed) high = 0x9f;
  else if (first == 0xf0) low = 0x90;
  else if (first == 0xf4) high = 0x8f;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (!isContinuation(load<u8>(ptr + i))) return 0;
  return length;
}

/** The code point of a well-formed sequence of that length. */
export function codePoint(ptr: usize, length: i32): u32 {
  const first = <u32>load<u8>(ptr);
  if (length == 1) return first;
  let point = first & (0x7f >> length);
  for (let i = 1; i < length; i++) point = (point << 6) | (load<u8>(ptr + i) & 0x3f);
  return point;
}

/** Writes a code point that is no surrogate; returns 1 to 4. */
export function writeCodePoint(out: usize, point: u32): i32 {
  if (point < 0x80) {
    store<u8>(out, <u8>point);
    return 1;
  }
  if (point < 0x800) {
    store<u8>(out, <u8>(0xc0 | (point >> 6)));
    store<u8>(out, <u8>(0x80 | (point & 0x3f)), 1);
    return 2;
  }
  if (point < 0x10000) {
    store<u8>(out, <u8>(0xe0 | (point >> 12)));
    store<u8>(out, <u8>(0x80 | ((point >> 6) & 0x3f)), 1);
    store<u8>(out, <u8>(0x80 | (point & 0x3f)), 2);
    return 3;
  }
  store<u8>(out, <u8>(0xf0 | (point >> 18)));
  store<u8>(out, <u8>(0x80 | ((point >> 12) & 0x3f)), 1);
  store<u8>(out, <u8>(0x80 | ((point >> 6) & 0x3f)), 2);
  store<u8>(out, <u8>(0x80 | (point & 0x3f)), 3);
  return 4;
}
