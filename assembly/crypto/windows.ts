/** Cutting scalars into digits for the tables of multiples. Public scalars only: the digits decide what is read. */
import { Bytes32, Digits } from "./pointers";

/** Bits of a scalar below L = 2^252 + ..., less its top one. */
const SCALAR_BITS: i32 = 252;

/** Digits of a scalar below L, and rows of a table. */
export function rowsOf(width: i32): i32 {
  return (SCALAR_BITS + width - 1) / width;
}

/** Entries of a row: a digit's sign is applied when it is used. */
export function entriesOfRow(width: i32): i32 {
  return 1 << (width - 1);
}

/** Of a whole table. Where the rows come out even, the top digit may be 2^width: the last row then has twice the entries. */
export function entriesOfTable(width: i32): i32 {
  return (rowsOf(width) + (SCALAR_BITS % width == 0 ? 1 : 0)) * entriesOfRow(width);
}

const padded: usize = memory.data(40, 8); // 32 bytes and zeros, so that a digit is one load

/**
 * Digits with sum of digit * 2^(width * i) = scalar, all in (-2^(width-1), 2^(width-1)] but the last, which is never negative
 * and keeps what is left: at most 2^(252 - width * i) + 1, or 2^width where `width` divides 252. In that case no carry comes on top:
 * a scalar of 2^252 or more that is below L has 126 zeros below its top bit.
 * @param digits rowsOf(width) i16
 * @param scalar 32 bytes, little endian, below L
 * @param width at most 12
 */
export function signedDigits(digits: Digits, scalar: Bytes32, width: i32): void {
  memory.copy(padded, scalar, 32);
  const half = entriesOfRow(width);
  const mask = (1 << width) - 1;
  const last = rowsOf(width) - 1;
  let carry = 0;
  let bit = 0;
  for (let i = 0; i < last; i++) {
    const digit = <i32>((load<u32>(padded + (<usize>bit >> 3)) >> (bit & 7)) & mask) + carry;
    carry = digit > half ? 1 : 0;
    store<i16>(digits + ((<usize>i) << 1), <i16>(digit - (carry << width)));
    bit += width;
  }
  store<i16>(digits + ((<usize>last) << 1), <i16>((load<u32>(padded + (<usize>bit >> 3)) >> (bit & 7)) + carry));
}

/** Bits per odd digit: 32 rows of 128 entries. */
export const ODD_WIDTH: i32 = 8;
export const ODD_ROWS: i32 = 32;
export const ODD_ENTRIES: i32 = 1 << (ODD_WIDTH - 1);

/**
 * Odd digits in (-2^8, 2^8), none zero, for an odd scalar: digit i is bits 8i to 8i + 8 with the lowest set, minus 2^8; the
 * last one keeps what is left. So the entries 1, 3, 5, ... serve.
 * @param digits ODD_ROWS i16
 * @param scalar 32 bytes, little endian
 */
export function oddDigits(digits: Digits, scalar: Bytes32): void {
  for (let i: usize = 0; i < <usize>ODD_ROWS - 1; i++) {
    const bits = <i32>load<u16>(scalar + i) & 0x1ff;
    store<i16>(digits + i * 2, <i16>((bits | 1) - (1 << ODD_WIDTH)));
  }
  store<i16>(digits + (<usize>ODD_ROWS - 1) * 2, <i16>(<i32>load<u8>(scalar, 31) | 1));
}
