/** Canonical base64url (RFC 4648, section 5): no padding, no other alphabet, spare bits zero. One spelling per value. */
import { isDigit, isLower, isUpper } from "./bytes";

/** 0 to 63, or 255. */
function sextet(c: u8): u32 {
  if (isUpper(c)) return c - 0x41;
  if (isLower(c)) return c - 0x47;
  if (isDigit(c)) return <u32>c + 4;
  if (c == 0x2d) return 62;
  if (c == 0x5f) return 63;
  return 255;
}

/** ab * 4096 + cd of each group of four, as a product with neighbours summed. */
const GROUPS: usize = memory.data<u16>([4096, 1, 4096, 1, 4096, 1, 4096, 1], 16);
/** The three bytes of each group, most significant first, side by side; then nothing. */
const PACK: usize = memory.data<u8>([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255], 16);

function isBetween(c: v128, first: i8, last: i8): v128 {
  return v128.and(i8x16.ge_s(c, i8x16.splat(first)), i8x16.le_s(c, i8x16.splat(last)));
}

/**
 * Sixteen characters: writes 12 bytes, and four of zero behind them. False when one is not of the alphabet. Bytes from 0x80 on
 * are negative here and so in no range.
 */
function decodeSixteen(src: usize, out: usize): bool {
  const c = v128.load(src);
  const upper = isBetween(c, 0x41, 0x5a);
  const lower = isBetween(c, 0x61, 0x7a);
  const digit = isBetween(c, 0x30, 0x39);
  const minus = i8x16.eq(c, i8x16.splat(0x2d));
  const underscore = i8x16.eq(c, i8x16.splat(0x5f));
  if (!i8x16.all_true(v128.or(v128.or(v128.or(upper, lower), v128.or(digit, minus)), underscore))) return false;
  // As in `sextet`.
  const letters = v128.or(v128.and(upper, i8x16.splat(-0x41)), v128.and(lower, i8x16.splat(-0x47)));
  const signs = v128.or(v128.and(minus, i8x16.splat(62 - 0x2d)), v128.and(underscore, i8x16.splat(63 - 0x5f)));
  const sextets = i8x16.add(c, v128.or(v128.or(letters, signs), v128.and(digit, i8x16.splat(4))));
  const first = v128.and(sextets, i16x8.splat(0xff));
  const pairs = v128.or(i16x8.shl(first, 6), i16x8.shr_u(sextets, 8));
  v128.store(out, i8x16.swizzle(i32x4.dot_i16x8_s(pairs, v128.load(GROUPS)), v128.load(PACK)));
  return true;
}

/** Decodes `len` characters to `out`, which may be `src`; returns the bytes written, or -1 when it is not canonical. */
export function decode(src: usize, len: i32, out: usize): i32 {
  if (len < 0 || (len & 3) == 1) return -1;
  let at = 0;
  let written = 0;
  // At least 8 characters more than are read: so the four bytes of zero are written over, and never beyond the end.
  for (; at + 24 <= len; at += 16, written += 12) if (!decodeSixteen(src + at, out + written)) return -1;
  while (at + 4 <= len) {
    const a = sextet(load<u8>(src + at));
    const b = sextet(load<u8>(src + at, 1));
    const c = sextet(load<u8>(src + at, 2));
    const d = sextet(load<u8>(src + at, 3));
    if ((a | b | c | d) > 63) return -1;
    const word = (a << 18) | (b << 12) | (c << 6) | d;
    store<u8>(out + written, <u8>(word >> 16));
    store<u8>(out + written, <u8>(word >> 8), 1);
    store<u8>(out + written, <u8>word, 2);
    at += 4;
    written += 3;
  }
  const rest = len - at;
  if (rest == 0) return written;
  const a = sextet(load<u8>(src + at));
  const b = sextet(load<u8>(src + at, 1));
  const c = rest == 3 ? sextet(load<u8>(src + at, 2)) : 0;
  if ((a | b | c) > 63) return -1;
  const word = (a << 18) | (b << 12) | (c << 6);
  if ((rest == 2 && (word & 0xffff) != 0) || (rest == 3 && (word & 0xff) != 0)) return -1;
  store<u8>(out + written, <u8>(word >> 16));
  if (rest == 3) store<u8>(out + written, <u8>(word >> 8), 1);
  return written + rest - 1;
}

function letter(value: u32): u8 {
  if (value < 26) return <u8>(0x41 + value);
  if (value < 52) return <u8>(0x47 + value);
  if (value < 62) return <u8>(value - 4);
  return value == 62 ? 0x2d : 0x5f;
}

/** Encodes `len` bytes; returns the characters written. */
export function encode(src: usize, len: i32, out: usize): i32 {
  let written = 0;
  for (let at = 0; at < len; at += 3) {
    const left = len - at;
    const b: u32 = left > 1 ? load<u8>(src + at, 1) : 0;
    const c: u32 = left > 2 ? load<u8>(src + at, 2) : 0;
    const word = ((<u32>load<u8>(src + at)) << 16) | (b << 8) | c;
    store<u8>(out + written++, letter(word >> 18));
    store<u8>(out + written++, letter((word >> 12) & 63));
    if (left > 1) store<u8>(out + written++, letter((word >> 6) & 63));
    if (left > 2) store<u8>(out + written++, letter(word & 63));
  }
  return written;
}
