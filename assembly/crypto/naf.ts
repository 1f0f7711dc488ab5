/**
 * Non-adjacent form of width 5: 256 bits become 257 signed digits, each 0 or odd in [-15, 15], with at least four zeros
 * after each other one. Shared by both curves. Public scalars only: the digits decide what is computed.
 */
import { Bytes32, Digits } from "./pointers";

/** Digits of one scalar, an i8 each. */
export const DIGITS: i32 = 257;
/** Odd multiples a table must hold: 1, 3, ... 15. */
export const TABLE_ENTRIES: i32 = 8;

const words: usize = memory.data(48, 16);

/** The 5 bits at `position` (little endian words). */
function window(position: i32): u32 {
  const word = position >> 6;
  const shift = <u64>(position & 63);
  let bits = load<u64>(words + ((<usize>word) << 3)) >> shift;
  if (shift > 59) bits |= load<u64>(words + ((<usize>word) << 3), 8) << (64 - shift);
  return <u32>bits & 31;
}

/**
 * Recodes 32 little-endian bytes.
 * @param digits DIGITS bytes
 */
export function recode(digits: Digits, scalar: Bytes32): void {
  memory.fill(digits, 0, DIGITS);
  memory.fill(words, 0, 48);
  memory.copy(words, scalar, 32);
  let position = 0;
  let carry: u32 = 0;
  while (position < DIGITS) {
    const bits = window(position) + carry;
    if ((bits & 1) == 0) {
      // Even with the carry: the carry, if any, moves on into the next bit.
      position += 1;
      continue;
    }
    if (bits < 16) {
      store<u8>(digits + position, <u8>bits);
      carry = 0;
    } else {
      store<i8>(digits + position, <i8>(<i32>bits - 32));
      carry = 1;
    }
    position += 5;
  }
}
