/** Byte ranges compared, named and written. Nothing here allocates or reads outside its range. */
import { MAX_NAME_BYTES } from "../limits";

/** The bytes are this ASCII literal. AssemblyScript keeps literals as UTF-16, two bytes a character. */
export function isLiteral(ptr: usize, len: i32, literal: string): bool {
  if (len != literal.length) return false;
  const units = changetype<usize>(literal);
  for (let i = 0; i < len; i++) {
    if (<u16>load<u8>(ptr + i) != load<u16>(units + ((<usize>i) << 1))) return false;
  }
  return true;
}

/** The same, upper-case letters of the bytes taken as lower-case ones. The literal has none. */
export function isLowerLiteral(ptr: usize, len: i32, literal: string): bool {
  if (len != literal.length) return false;
  const units = changetype<usize>(literal);
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (<u16>(isUpper(c) ? c + 0x20 : c) != load<u16>(units + ((<usize>i) << 1))) return false;
  }
  return true;
}

/** Sixteen and eight bytes at a time, wherever they stand: `memory.compare` goes byte by byte unless both are aligned alike. */
export function equalBytes(aPtr: usize, aLen: i32, bPtr: usize, bLen: i32): bool {
  if (aLen != bLen) return false;
  let i = 0;
  for (; i + 16 <= aLen; i += 16) {
    if (v128.any_true(v128.xor(v128.load(aPtr + i), v128.load(bPtr + i)))) return false;
  }
  for (; i + 8 <= aLen; i += 8) if (load<u64>(aPtr + i) != load<u64>(bPtr + i)) return false;
  for (; i < aLen; i++) if (load<u8>(aPtr + i) != load<u8>(bPtr + i)) return false;
  return true;
}

/** Bytewise order; a prefix comes first. */
export function compare(aPtr: usize, aLen: i32, bPtr: usize, bLen: i32): i32 {
  const order = memory.compare(aPtr, bPtr, min(aLen, bLen));
  return order != 0 ? order : aLen - bLen;
}

export function isDigit(c: u8): bool {
  return c >= 0x30 && c <= 0x39;
}

export function isLower(c: u8): bool {
  return c >= 0x61 && c <= 0x7a;
}

export function isUpper(c: u8): bool {
  return c >= 0x41 && c <= 0x5a;
}

function isAlphanumeric(c: u8): bool {
  return isDigit(c) || isLower(c) || isUpper(c);
}

/** `[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}`: principals, persons, roles, entitlements, reasons, audiences. */
export function isName(ptr: usize, len: i32): bool {
  if (len < 1 || len > MAX_NAME_BYTES || !isAlphanumeric(load<u8>(ptr))) return false;
  for (let i = 1; i < len; i++) {
    const c = load<u8>(ptr + i);
    const good = isAlphanumeric(c) || c == 0x2e || c == 0x5f || c == 0x40 || c == 0x2b || c == 0x2d; // . _ @ + -
    if (!good) return false;
  }
  return true;
}

/** A kid: a SHA-256 in base64url, 43 of `A-Za-z0-9_-`. */
export function isKid(ptr: usize, len: i32): bool {
  if (len != 43) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (!isAlphanumeric(c) && c != 0x5f && c != 0x2d) return false;
  }
  return true;
}

/** `jti`: 16 to 64 of `A-Za-z0-9_-`. */
export function isGrantId(ptr: usize, len: i32): bool {
  if (len < 16 || len > 64) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (!isAlphanumeric(c) && c != 0x5f && c != 0x2d) return false;
  }
  return true;
}

/** Copies an ASCII literal; returns its length. */
export function writeLiteral(out: usize, literal: string): i32 {
  const units = changetype<usize>(literal);
  let i = 0;
  for (; i + 8 <= literal.length; i += 8) {
    const eight = v128.load(units + ((<usize>i) << 1));
    store<u64>(out + i, i64x2.extract_lane(i8x16.narrow_i16x8_u(eight, eight), 0));
  }
  for (; i < literal.length; i++) store<u8>(out + i, <u8>load<u16>(units + ((<usize>i) << 1)));
  return literal.length;
}

/**
 * Writes eight bytes, of which a literal of at most eight characters is the first; the others mean nothing. What stands behind a
 * literal can be read: the memory goes on there.
 */
export function writeEight(out: usize, literal: string): void {
  const eight = v128.load(changetype<usize>(literal));
  store<u64>(out, i64x2.extract_lane(i8x16.narrow_i16x8_u(eight, eight), 0));
}

/** `0` to `f`. */
const DIGITS: usize = memory.data<u8>(
  [0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66],
  16,
);

function hexDigit(value: u8): u8 {
  return load<u8>(DIGITS + (value & 15));
}

/** Lower-case hex; returns 2 * len. */
export function writeHex(out: usize, ptr: usize, len: i32): i32 {
  const digits = v128.load(DIGITS);
  let i = 0;
  for (; i + 16 <= len; i += 16) {
    const bytes = v128.load(ptr + i);
    const high = i8x16.swizzle(digits, i8x16.shr_u(bytes, 4));
    const low = i8x16.swizzle(digits, v128.and(bytes, i8x16.splat(15)));
    const at = out + ((<usize>i) << 1);
    v128.store(at, v128.shuffle<u8>(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    v128.store(at, v128.shuffle<u8>(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
  }
  for (; i < len; i++) {
    const byte = load<u8>(ptr + i);
    store<u8>(out + ((<usize>i) << 1), hexDigit(byte >> 4));
    store<u8>(out + ((<usize>i) << 1), hexDigit(byte), 1);
  }
  return len << 1;
}

/** A number below 2^16 in lower-case hex without leading zeros; returns how many digits. */
export function writeHexGroup(out: usize, value: u32): i32 {
  const digits = value < 0x10 ? 1 : value < 0x100 ? 2 : value < 0x1000 ? 3 : 4;
  for (let i = 0; i < digits; i++) store<u8>(out + i, hexDigit(<u8>(value >> ((digits - 1 - i) << 2))));
  return digits;
}

/** The value of a hex digit of any case, or -1. */
export function hexValue(c: u8): i32 {
  if (isDigit(c)) return c - 0x30;
  if (c >= 0x41 && c <= 0x46) return c - 0x37;
  if (c >= 0x61 && c <= 0x66) return c - 0x57;
  return -1;
}
