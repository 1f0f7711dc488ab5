/**
 * Arithmetic modulo p = 2^255 - 19, radix 2^25.5: ten signed limbs of alternately 26 and 25 bits, an i64 each.
 *
 *   value = l0 + l1*2^26 + l2*2^51 + l3*2^77 + l4*2^102 + l5*2^128 + l6*2^153 + l7*2^179 + l8*2^204 + l9*2^230
 *
 * An element is a pointer to 80 bytes. "Tight" means |even limb| < 1.1 * 2^25 and |odd limb| < 1.1 * 2^24, which is what
 * `multiply` and `square` return. The sum or difference of two tight elements is "loose": twice that; so is what `decode`
 * and `invert` return. `multiply` and `square` take what is up to 1.65 * 2^26 and 1.65 * 2^25: the sum of three tight ones,
 * or of a decoded and a tight one. `out` may be an argument. Variable time: public data only.
 */

import { invert as invertModulo, PRIME_25519 } from "./inverse";
import { Bytes32, Element } from "./pointers";

/** Bytes of an element. */
export const ELEMENT: i32 = 80;
/** Bits of each limb. */
const EVEN_BITS: i64 = 26;
const ODD_BITS: i64 = 25;

/** d = -121665/121666, 2d, and sqrt(-1) = 2^((p-1)/4). */
export const D: usize = memory.data<i64>(
  [56195235, 13857412, 51736253, 6949390, 114729, 24766616, 60832955, 30306712, 48412415, 21499315],
  16,
);
export const TWO_D: usize = memory.data<i64>(
  [45281625, 27714825, 36363642, 13898781, 229458, 15978800, 54557047, 27058993, 29715967, 9444199],
  16,
);
export const SQRT_MINUS_ONE: usize = memory.data<i64>(
  [34513072, 25610706, 9377949, 3500415, 12389472, 33281959, 41962654, 31548777, 326685, 11406482],
  16,
);
/** The base point's coordinates (RFC 8032, section 5.1). */
export const BASE_X: usize = memory.data<i64>(
  [52811034, 25909283, 16144682, 17082669, 27570973, 30858332, 40966398, 8378388, 20764389, 8758491],
  16,
);
export const BASE_Y: usize = memory.data<i64>(
  [40265304, 26843545, 13421772, 20132659, 26843545, 6710886, 53687091, 13421772, 40265318, 26843545],
  16,
);

export function copy(out: Element, f: Element): void {
  memory.copy(out, f, ELEMENT);
}

/** A small constant. */
export function setSmall(out: Element, value: i64): void {
  memory.fill(out, 0, ELEMENT);
  store<i64>(out, value);
}

/** Tight + tight = loose. */
export function add(out: Element, f: Element, g: Element): void {
  for (let i: usize = 0; i < 80; i += 8) store<i64>(out + i, load<i64>(f + i) + load<i64>(g + i));
}

/** Tight - tight = loose. */
export function subtract(out: Element, f: Element, g: Element): void {
  for (let i: usize = 0; i < 80; i += 8) store<i64>(out + i, load<i64>(f + i) - load<i64>(g + i));
}

export function negate(out: Element, f: Element): void {
  for (let i: usize = 0; i < 80; i += 8) store<i64>(out + i, -load<i64>(f + i));
}

/**
 * Carries ten column sums of at most 2^62 down to tight limbs. Rounded carries (half added first) keep limbs signed and
 * centred. Two interleaved chains, then the wrap h9 -> h0 (2^255 = 19) and one more step.
 */
export function carryAndStore(
  out: Element,
  h0: i64,
  h1: i64,
  h2: i64,
  h3: i64,
  h4: i64,
  h5: i64,
  h6: i64,
  h7: i64,
  h8: i64,
  h9: i64,
): void {
  const evenHalf: i64 = 1 << 25;
  const oddHalf: i64 = 1 << 24;
  let c = (h0 + evenHalf) >> EVEN_BITS;
  h1 += c;
  h0 -= c << EVEN_BITS;
  c = (h4 + evenHalf) >> EVEN_BITS;
  h5 += c;
  h4 -= c << EVEN_BITS;
  c = (h1 + oddHalf) >> ODD_BITS;
  h2 += c;
  h1 -= c << ODD_BITS;
  c = (h5 + oddHalf) >> ODD_BITS;
  h6 += c;
  h5 -= c << ODD_BITS;
  c = (h2 + evenHalf) >> EVEN_BITS;
  h3 += c;
  h2 -= c << EVEN_BITS;
  c = (h6 + evenHalf) >> EVEN_BITS;
  h7 += c;
  h6 -= c << EVEN_BITS;
  c = (h3 + oddHalf) >> ODD_BITS;
  h4 += c;
  h3 -= c << ODD_BITS;
  c = (h7 + oddHalf) >> ODD_BITS;
  h8 += c;
  h7 -= c << ODD_BITS;
  c = (h4 + evenHalf) >> EVEN_BITS;
  h5 += c;
  h4 -= c << EVEN_BITS;
  c = (h8 + evenHalf) >> EVEN_BITS;
  h9 += c;
  h8 -= c << EVEN_BITS;
  c = (h9 + oddHalf) >> ODD_BITS;
  h0 += c * 19;
  h9 -= c << ODD_BITS;
  c = (h0 + evenHalf) >> EVEN_BITS;
  h1 += c;
  h0 -= c << EVEN_BITS;
  store<i64>(out, h0);
  store<i64>(out, h1, 8);
  store<i64>(out, h2, 16);
  store<i64>(out, h3, 24);
  store<i64>(out, h4, 32);
  store<i64>(out, h5, 40);
  store<i64>(out, h6, 48);
  store<i64>(out, h7, 56);
  store<i64>(out, h8, 64);
  store<i64>(out, h9, 72);
}

/**
 * f * g, tight. A product of limbs i and j lands in column i + j, doubled when both are odd (their half bits add up), and
 * times 19 when it wraps. With arguments up to 1.65 * 2^26 a column is at most
 * 1.65^2 * 2^52 * (1 + 19 * 9 + doubling) < 1.65^2 * 2^52 * 2^8.2 < 2^62: no overflow.
 */
export function multiply(out: Element, f: Element, g: Element): void {
  const f0 = load<i64>(f);
  const f1 = load<i64>(f, 8);
  const f2 = load<i64>(f, 16);
  const f3 = load<i64>(f, 24);
  const f4 = load<i64>(f, 32);
  const f5 = load<i64>(f, 40);
  const f6 = load<i64>(f, 48);
  const f7 = load<i64>(f, 56);
  const f8 = load<i64>(f, 64);
  const f9 = load<i64>(f, 72);
  const g0 = load<i64>(g);
  const g1 = load<i64>(g, 8);
  const g2 = load<i64>(g, 16);
  const g3 = load<i64>(g, 24);
  const g4 = load<i64>(g, 32);
  const g5 = load<i64>(g, 40);
  const g6 = load<i64>(g, 48);
  const g7 = load<i64>(g, 56);
  const g8 = load<i64>(g, 64);
  const g9 = load<i64>(g, 72);
  const g1x19 = g1 * 19;
  const g2x19 = g2 * 19;
  const g3x19 = g3 * 19;
  const g4x19 = g4 * 19;
  const g5x19 = g5 * 19;
  const g6x19 = g6 * 19;
  const g7x19 = g7 * 19;
  const g8x19 = g8 * 19;
  const g9x19 = g9 * 19;
  const f1x2 = f1 * 2;
  const f3x2 = f3 * 2;
  const f5x2 = f5 * 2;
  const f7x2 = f7 * 2;
  const f9x2 = f9 * 2;
  const h0 =
    f0 * g0 +
    f1x2 * g9x19 +
    f2 * g8x19 +
    f3x2 * g7x19 +
    f4 * g6x19 +
    f5x2 * g5x19 +
    f6 * g4x19 +
    f7x2 * g3x19 +
    f8 * g2x19 +
    f9x2 * g1x19;
  const h1 =
    f0 * g1 +
    f1 * g0 +
    f2 * g9x19 +
    f3 * g8x19 +
    f4 * g7x19 +
    f5 * g6x19 +
    f6 * g5x19 +
    f7 * g4x19 +
    f8 * g3x19 +
    f9 * g2x19;
  const h2 =
    f0 * g2 +
    f1x2 * g1 +
    f2 * g0 +
    f3x2 * g9x19 +
    f4 * g8x19 +
    f5x2 * g7x19 +
    f6 * g6x19 +
    f7x2 * g5x19 +
    f8 * g4x19 +
    f9x2 * g3x19;
  const h3 =
    f0 * g3 + f1 * g2 + f2 * g1 + f3 * g0 + f4 * g9x19 + f5 * g8x19 + f6 * g7x19 + f7 * g6x19 + f8 * g5x19 + f9 * g4x19;
  const h4 =
    f0 * g4 +
    f1x2 * g3 +
    f2 * g2 +
    f3x2 * g1 +
    f4 * g0 +
    f5x2 * g9x19 +
    f6 * g8x19 +
    f7x2 * g7x19 +
    f8 * g6x19 +
    f9x2 * g5x19;
  const h5 =
    f0 * g5 + f1 * g4 + f2 * g3 + f3 * g2 + f4 * g1 + f5 * g0 + f6 * g9x19 + f7 * g8x19 + f8 * g7x19 + f9 * g6x19;
  const h6 =
    f0 * g6 +
    f1x2 * g5 +
    f2 * g4 +
    f3x2 * g3 +
    f4 * g2 +
    f5x2 * g1 +
    f6 * g0 +
    f7x2 * g9x19 +
    f8 * g8x19 +
    f9x2 * g7x19;
  const h7 = f0 * g7 + f1 * g6 + f2 * g5 + f3 * g4 + f4 * g3 + f5 * g2 + f6 * g1 + f7 * g0 + f8 * g9x19 + f9 * g8x19;
  const h8 =
    f0 * g8 + f1x2 * g7 + f2 * g6 + f3x2 * g5 + f4 * g4 + f5x2 * g3 + f6 * g2 + f7x2 * g1 + f8 * g0 + f9x2 * g9x19;
  const h9 = f0 * g9 + f1 * g8 + f2 * g7 + f3 * g6 + f4 * g5 + f5 * g4 + f6 * g3 + f7 * g2 + f8 * g1 + f9 * g0;
  carryAndStore(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

/** f * f, tight: `multiply` with equal products taken once and doubled. The same bounds. */
export function square(out: Element, f: Element): void {
  const f0 = load<i64>(f);
  const f1 = load<i64>(f, 8);
  const f2 = load<i64>(f, 16);
  const f3 = load<i64>(f, 24);
  const f4 = load<i64>(f, 32);
  const f5 = load<i64>(f, 40);
  const f6 = load<i64>(f, 48);
  const f7 = load<i64>(f, 56);
  const f8 = load<i64>(f, 64);
  const f9 = load<i64>(f, 72);
  const f0x2 = f0 * 2;
  const f1x2 = f1 * 2;
  const f1x4 = f1 * 4;
  const f2x2 = f2 * 2;
  const f3x2 = f3 * 2;
  const f3x4 = f3 * 4;
  const f4x2 = f4 * 2;
  const f5x19 = f5 * 19;
  const f5x2 = f5 * 2;
  const f5x4 = f5 * 4;
  const f6x19 = f6 * 19;
  const f6x2 = f6 * 2;
  const f7x19 = f7 * 19;
  const f7x2 = f7 * 2;
  const f7x4 = f7 * 4;
  const f8x19 = f8 * 19;
  const f8x2 = f8 * 2;
  const f9x19 = f9 * 19;
  const f9x2 = f9 * 2;
  const h0 = f0 * f0 + f1x4 * f9x19 + f2x2 * f8x19 + f3x4 * f7x19 + f4x2 * f6x19 + f5x2 * f5x19;
  const h1 = f0x2 * f1 + f2x2 * f9x19 + f3x2 * f8x19 + f4x2 * f7x19 + f5x2 * f6x19;
  const h2 = f0x2 * f2 + f1x2 * f1 + f3x4 * f9x19 + f4x2 * f8x19 + f5x4 * f7x19 + f6 * f6x19;
  const h3 = f0x2 * f3 + f1x2 * f2 + f4x2 * f9x19 + f5x2 * f8x19 + f6x2 * f7x19;
  const h4 = f0x2 * f4 + f1x4 * f3 + f2 * f2 + f5x4 * f9x19 + f6x2 * f8x19 + f7x2 * f7x19;
  const h5 = f0x2 * f5 + f1x2 * f4 + f2x2 * f3 + f6x2 * f9x19 + f7x2 * f8x19;
  const h6 = f0x2 * f6 + f1x4 * f5 + f2x2 * f4 + f3x2 * f3 + f7x4 * f9x19 + f8 * f8x19;
  const h7 = f0x2 * f7 + f1x2 * f6 + f2x2 * f5 + f3x2 * f4 + f8x2 * f9x19;
  const h8 = f0x2 * f8 + f1x4 * f7 + f2x2 * f6 + f3x4 * f5 + f4 * f4 + f9x2 * f9x19;
  const h9 = f0x2 * f9 + f1x2 * f8 + f2x2 * f7 + f3x2 * f6 + f4x2 * f5;
  carryAndStore(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

/**
 * The canonical encoding (RFC 8032, section 5.1.2, without a sign bit): 32 bytes, little endian. Loose input will do.
 *
 * q = floor(value / p), found as the carry out of limb 9 when 19 * 2^-255 * value is added to value: what that is off by is
 * less than a half. Then value - q*p = value + 19q - q*2^255: the carry out of limb 9 is dropped.
 */
export function encode(out: Bytes32, f: Element): void {
  let l0 = load<i64>(f);
  let l1 = load<i64>(f, 8);
  let l2 = load<i64>(f, 16);
  let l3 = load<i64>(f, 24);
  let l4 = load<i64>(f, 32);
  let l5 = load<i64>(f, 40);
  let l6 = load<i64>(f, 48);
  let l7 = load<i64>(f, 56);
  let l8 = load<i64>(f, 64);
  let l9 = load<i64>(f, 72);
  let q = (19 * l9 + (1 << 24)) >> ODD_BITS;
  q = (l0 + q) >> EVEN_BITS;
  q = (l1 + q) >> ODD_BITS;
  q = (l2 + q) >> EVEN_BITS;
  q = (l3 + q) >> ODD_BITS;
  q = (l4 + q) >> EVEN_BITS;
  q = (l5 + q) >> ODD_BITS;
  q = (l6 + q) >> EVEN_BITS;
  q = (l7 + q) >> ODD_BITS;
  q = (l8 + q) >> EVEN_BITS;
  q = (l9 + q) >> ODD_BITS;
  l0 += 19 * q;
  let c: i64;
  c = l0 >> EVEN_BITS;
  l1 += c;
  l0 -= c << EVEN_BITS;
  c = l1 >> ODD_BITS;
  l2 += c;
  l1 -= c << ODD_BITS;
  c = l2 >> EVEN_BITS;
  l3 += c;
  l2 -= c << EVEN_BITS;
  c = l3 >> ODD_BITS;
  l4 += c;
  l3 -= c << ODD_BITS;
  c = l4 >> EVEN_BITS;
  l5 += c;
  l4 -= c << EVEN_BITS;
  c = l5 >> ODD_BITS;
  l6 += c;
  l5 -= c << ODD_BITS;
  c = l6 >> EVEN_BITS;
  l7 += c;
  l6 -= c << EVEN_BITS;
  c = l7 >> ODD_BITS;
  l8 += c;
  l7 -= c << ODD_BITS;
  c = l8 >> EVEN_BITS;
  l9 += c;
  l8 -= c << EVEN_BITS;
  c = l9 >> ODD_BITS;
  l9 -= c << ODD_BITS;
  // Bit offsets: 0, 26, 51, 77, 102, 128, 153, 179, 204, 230.
  store<i64>(out, l0 | (l1 << 26) | (l2 << 51));
  store<i64>(out, (l2 >> 13) | (l3 << 13) | (l4 << 38), 8);
  store<i64>(out, l5 | (l6 << 25) | (l7 << 51), 16);
  store<i64>(out, (l7 >> 13) | (l8 << 12) | (l9 << 38), 24);
}

/** Reads 32 bytes, the top bit ignored. The value may be p or above: `isCanonical` tells. Limbs come out unsigned, in range. */
export function decode(out: Element, bytes: Bytes32): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  const even: u64 = (1 << 26) - 1;
  const odd: u64 = (1 << 25) - 1;
  store<u64>(out, w0 & even);
  store<u64>(out, (w0 >> 26) & odd, 8);
  store<u64>(out, ((w0 >> 51) | (w1 << 13)) & even, 16);
  store<u64>(out, (w1 >> 13) & odd, 24);
  store<u64>(out, (w1 >> 38) & even, 32);
  store<u64>(out, w2 & odd, 40);
  store<u64>(out, (w2 >> 25) & even, 48);
  store<u64>(out, ((w2 >> 51) | (w3 << 13)) & odd, 56);
  store<u64>(out, (w3 >> 12) & even, 64);
  store<u64>(out, (w3 >> 38) & odd, 72);
}

/** Whether the 32 bytes, the top bit ignored, are below p. */
export function isCanonical(bytes: Bytes32): bool {
  if (load<u8>(bytes) < 0xed) return true;
  for (let i: usize = 1; i < 31; i++) if (load<u8>(bytes + i) != 0xff) return true;
  return (load<u8>(bytes, 31) & 0x7f) != 0x7f;
}

const plain: usize = memory.data(32, 8);

/** 1/f; 0 for 0. */
export function invert(out: Element, f: Element): void {
  encode(plain, f);
  invertModulo(plain, plain, PRIME_25519);
  decode(out, plain);
}

const encodedF: usize = memory.data(32, 8);
const encodedG: usize = memory.data(32, 8);

export function isEqual(f: Element, g: Element): bool {
  encode(encodedF, f);
  encode(encodedG, g);
  return memory.compare(encodedF, encodedG, 32) == 0;
}

export function isZero(f: Element): bool {
  encode(encodedF, f);
  return (load<u64>(encodedF) | load<u64>(encodedF, 8) | load<u64>(encodedF, 16) | load<u64>(encodedF, 24)) == 0;
}

/** The encoding's lowest bit: the "sign" of RFC 8032. */
export function isOdd(f: Element): bool {
  encode(encodedF, f);
  return (load<u8>(encodedF) & 1) == 1;
}
