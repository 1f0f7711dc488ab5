/** Cutting scalars into digits for the tables of multiples. Public scalars only: the digits decide what is read. */

/** Bits per digit: 32 rows of 128 entries, half a MiB per Ed25519 key. Two bits fewer would take a third of that and 15% longer. */
export const WIDTH: i32 = 8;
/** Digits of a scalar below 2^256, and rows of a table. */
export const ROWS: i32 = 32;
/** Entries of a row: a digit's sign is applied when it is used. */
export const ROW_ENTRIES: i32 = 1 << (WIDTH - 1);

/**
 * Digits in (-2^7, 2^7] with sum of digit * 2^(8i) = scalar.
 * @param digits ROWS i16
 * @param scalar 32 bytes, little endian, below 2^255, so that the last carry has room
 */
export function signedDigits(digits: usize, scalar: usize): void {
  let carry = 0;
  for (let i: usize = 0; i < <usize>ROWS; i++) {
    const digit = <i32>load<u8>(scalar + i) + carry;
    carry = digit > ROW_ENTRIES ? 1 : 0;
    store<i16>(digits + i * 2, <i16>(digit - (carry << WIDTH)));
  }
}

/**
 * Odd digits in (-2^8, 2^8), none zero, for an odd scalar: digit i is bits 8i to 8i + 8 with the lowest set, minus 2^8; the
 * last one keeps what is left. So the entries 1, 3, 5, ... serve.
 * @param digits ROWS i16
 * @param scalar 32 bytes, little endian
 */
export function oddDigits(digits: usize, scalar: usize): void {
  for (let i: usize = 0; i < <usize>ROWS - 1; i++) {
    const bits = <i32>load<u16>(scalar + i) & 0x1ff;
    store<i16>(digits + i * 2, <i16>((bits | 1) - (1 << WIDTH)));
  }
  store<i16>(digits + (<usize>ROWS - 1) * 2, <i16>(<i32>load<u8>(scalar, 31) | 1));
}
