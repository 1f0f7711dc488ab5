/** Scalars modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the base point: 32 bytes, little endian. */
import { Bytes32, Bytes64 } from "./pointers";

const L: usize = memory.data<u64>([0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 0x1000000000000000], 16);

/** Whether the 32 bytes are below L: S of a signature must be (RFC 8032, section 5.1.7). */
export function isBelowOrder(bytes: Bytes32): bool {
  for (let i: i32 = 24; i >= 0; i -= 8) {
    const word = load<u64>(bytes + i);
    const limit = load<u64>(L + i);
    if (word != limit) return word < limit;
  }
  return false;
}

/** c = L - 2^252, so that 2^252 = -c modulo L. Four u32 words. */
const TAIL: usize = memory.data<u32>([0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de], 16);
const TAIL_WORDS: i32 = 4;
/** The least multiples of L that are at least 2^385 and 2^259. */
const MULTIPLE_385: usize = memory.data<u32>(
  [
    0x1ca10f0b, 0xe50e20c7, 0xe657e1ab, 0xa849fb57, 0x9eba7d9c, 0x24c634b, 0x5ef39acb, 0xbdf3bd4, 0x0, 0x0, 0x0, 0x0,
    0x2,
  ],
  16,
);
const MULTIPLE_259: usize = memory.data<u32>(
  [0x7ae9f680, 0x9318d2e, 0x7bce6b2c, 0x6f7cef51, 0xa, 0x0, 0x0, 0x0, 0x8],
  16,
);

const number: usize = memory.data(64, 16);
const high: usize = memory.data(40, 16);
const product: usize = memory.data(64, 16);

/** The u32 word at index i. */
function word(ptr: usize, i: i32): u64 {
  return <u64>load<u32>(ptr + ((<usize>i) << 2));
}

/** product = high * c, of `count` + 4 words. Each sum is at most (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1. */
function multiplyTail(count: i32): void {
  memory.fill(product, 0, 64);
  for (let i = 0; i < count; i++) {
    const factor = word(high, i);
    let sum: u64 = 0;
    for (let j = 0; j < TAIL_WORDS; j++) {
      sum += word(product, i + j) + factor * word(TAIL, j);
      store<u32>(product + ((<usize>(i + j)) << 2), <u32>sum);
      sum >>= 32;
    }
    store<u32>(product + ((<usize>(i + TAIL_WORDS)) << 2), <u32>sum);
  }
}

/**
 * number = (number mod 2^252) + multiple - (number >> 252) * c: the same modulo L, and not negative, as `multiple` is at
 * least the product.
 * @param words of `number` before
 * @param left words of `number` after, and of `multiple`
 */
function fold(words: i32, multiple: usize, left: i32): void {
  // 252 = 7 * 32 + 28.
  const count = words - 7;
  for (let i = 0; i < count; i++) {
    const next: u64 = i + 8 < words ? word(number, i + 8) : 0;
    store<u32>(high + ((<usize>i) << 2), <u32>(((next << 32) | word(number, i + 7)) >> 28));
  }
  multiplyTail(count);
  store<u32>(number, load<u32>(number, 28) & 0x0fffffff, 28);
  let sum: i64 = 0;
  for (let i = 0; i < left; i++) {
    sum += <i64>word(multiple, i) - <i64>word(product, i);
    if (i < 8) sum += <i64>word(number, i);
    store<u32>(number + ((<usize>i) << 2), <u32>sum);
    sum >>= 32;
  }
}

/** out, 32 bytes = the 64 bytes modulo L. */
export function reduce(out: Bytes32, bytes: Bytes64): void {
  memory.copy(number, bytes, 64);
  fold(16, MULTIPLE_385, 13); // high below 2^260, the product below 2^385; leaves less than 2^386
  fold(13, MULTIPLE_259, 9); // below 2^134, below 2^259; leaves less than 2^260
  fold(9, L, 8); // below 2^8, below 2^133; leaves less than 2^252 + L, below 2L
  memory.copy(out, number, 32);
  if (isBelowOrder(out)) return;
  let difference: i64 = 0;
  for (let i = 0; i < 8; i++) {
    difference += <i64>word(number, i) - <i64>word(L, i);
    store<u32>(out + ((<usize>i) << 2), <u32>difference);
    difference >>= 32;
  }
}
