/**
 * 1/x modulo an odd number below 2^256, by the division steps of Bernstein and Yang ("Fast constant-time gcd computation and
 * modular inversion", 2019), thirty at a time as in their section 5; here in variable time: public data only.
 *
 * Numbers are nine signed limbs of 30 bits, an i32 each; only the top one may be negative or exceed its bits.
 * Invariants, x the argument, m the modulus: f = d * x and g = e * x (mod m), f odd, gcd(f, g) = gcd(m, x).
 */
import { Bytes32 } from "./pointers";

/** Bytes of a number, and of a modulus: the number and then 1/m mod 2^30. */
const NUMBER: usize = 36;
const LIMB_MASK: i32 = 0x3fffffff;

/** 2^255 - 19, the prime of P-256 and the order of its base point, ready for `invert`. */
export const PRIME_25519: usize = memory.data<i32>([-19, 0, 0, 0, 0, 0, 0, 0, 32768, 0x179435e5], 16);
export const PRIME_256: usize = memory.data<i32>(
  [0x3fffffff, 0x3fffffff, 0x3fffffff, 0x0000003f, 0, 0, 0x00001000, 0x3fffc000, 0x0000ffff, 0x3fffffff],
  16,
);
export const ORDER_256: usize = memory.data<i32>(
  [
    0x3c632551, 0x0ee72b0b, 0x3179e84f, 0x39beab69, 0x3fffffbc, 0x3fffffff, 0x00000fff, 0x3fffc000, 0x0000ffff,
    0x11ff43b1,
  ],
  16,
);

const f: usize = memory.data(40, 16);
const g: usize = memory.data(40, 16);
const d: usize = memory.data(40, 16);
const e: usize = memory.data(40, 16);
/** The matrix of thirty steps, scaled by 2^30: u, v, q, r. Each row's absolute sum is at most 2^30. */
const matrix: usize = memory.data(16, 16);

/** Thirty division steps on the low bits of f and g. Returns the new eta (minus delta of the paper). */
function divideSteps(startEta: i32, lowF: u32, lowG: u32): i32 {
  let eta = startEta;
  let x = lowF;
  let y = lowG;
  let u: u32 = 1;
  let v: u32 = 0;
  let q: u32 = 0;
  let r: u32 = 1;
  let left = 30;
  while (true) {
    // Zeros at the bottom of g: that many steps only halve it. The ones above `left` stop the count there.
    const zeros = ctz<u32>(y | (0xffffffff << left));
    y >>= zeros;
    u <<= zeros;
    v <<= zeros;
    eta -= zeros;
    left -= zeros;
    if (left == 0) break;
    if (eta < 0) {
      eta = -eta;
      let swap = x;
      x = y;
      y = 0 - swap;
      swap = u;
      u = q;
      q = 0 - swap;
      swap = v;
      v = r;
      r = 0 - swap;
    }
    // Add the multiple of f that clears as many bottom bits of g as steps allow, up to 6: -1/x = x (x^2 - 2) mod 2^6.
    const limit = min(min(eta + 1, left), 6);
    const w = (y * x * (x * x - 2)) & ((1 << limit) - 1);
    y += x * w;
    q += u * w;
    r += v * w;
  }
  store<u32>(matrix, u);
  store<u32>(matrix, v, 4);
  store<u32>(matrix, q, 8);
  store<u32>(matrix, r, 12);
  return eta;
}

/**
 * (d, e) = matrix * (d, e) / 2^30 modulo m. Multiples of m that clear the bottom limbs make the division exact. d and e stay
 * in (-2m, m), so that each sum is below 2^30 * 2^31 * 2 in absolute value.
 */
function updateFactors(modulus: usize): void {
  const u = i64.load32_s(matrix);
  const v = i64.load32_s(matrix, 4);
  const q = i64.load32_s(matrix, 8);
  const r = i64.load32_s(matrix, 12);
  const dIsNegative = load<i32>(d, 32) >> 31;
  const eIsNegative = load<i32>(e, 32) >> 31;
  let multipleD = (<i32>u & dIsNegative) + (<i32>v & eIsNegative);
  let multipleE = (<i32>q & dIsNegative) + (<i32>r & eIsNegative);
  const d0 = i64.load32_s(d);
  const e0 = i64.load32_s(e);
  let sumD = u * d0 + v * e0;
  let sumE = q * d0 + r * e0;
  const inverse = load<i32>(modulus, NUMBER);
  multipleD -= (inverse * <i32>sumD + multipleD) & LIMB_MASK;
  multipleE -= (inverse * <i32>sumE + multipleE) & LIMB_MASK;
  const timesD = <i64>multipleD;
  const timesE = <i64>multipleE;
  const m0 = i64.load32_s(modulus);
  sumD = (sumD + m0 * timesD) >> 30;
  sumE = (sumE + m0 * timesE) >> 30;
  for (let i: usize = 4; i < NUMBER; i += 4) {
    const di = i64.load32_s(d + i);
    const ei = i64.load32_s(e + i);
    const mi = i64.load32_s(modulus + i);
    sumD += u * di + v * ei + mi * timesD;
    sumE += q * di + r * ei + mi * timesE;
    store<i32>(d + i - 4, <i32>sumD & LIMB_MASK);
    store<i32>(e + i - 4, <i32>sumE & LIMB_MASK);
    sumD >>= 30;
    sumE >>= 30;
  }
  store<i32>(d, <i32>sumD, 32);
  store<i32>(e, <i32>sumE, 32);
}

/** (f, g) = matrix * (f, g) / 2^30: exact. `bytes`: of the limbs still in use. */
function updateValues(bytes: usize): void {
  const u = i64.load32_s(matrix);
  const v = i64.load32_s(matrix, 4);
  const q = i64.load32_s(matrix, 8);
  const r = i64.load32_s(matrix, 12);
  const f0 = i64.load32_s(f);
  const g0 = i64.load32_s(g);
  let sumF = (u * f0 + v * g0) >> 30;
  let sumG = (q * f0 + r * g0) >> 30;
  for (let i: usize = 4; i < bytes; i += 4) {
    const fi = i64.load32_s(f + i);
    const gi = i64.load32_s(g + i);
    sumF += u * fi + v * gi;
    sumG += q * fi + r * gi;
    store<i32>(f + i - 4, <i32>sumF & LIMB_MASK);
    store<i32>(g + i - 4, <i32>sumG & LIMB_MASK);
    sumF >>= 30;
    sumG >>= 30;
  }
  store<i32>(f + bytes - 4, <i32>sumF);
  store<i32>(g + bytes - 4, <i32>sumG);
}

function isZero(number: usize, bytes: usize): bool {
  let bits = 0;
  for (let i: usize = 0; i < bytes; i += 4) bits |= load<i32>(number + i);
  return bits == 0;
}

/** Drops the top limbs of f and g when both are only sign: their sign moves into the limb below. */
function shorten(bytes: usize): usize {
  const top = bytes - 4;
  const topF = load<i32>(f + top);
  const topG = load<i32>(g + top);
  if (bytes <= 8 || topF != topF >> 31 || topG != topG >> 31) return bytes;
  store<i32>(f + top - 4, load<i32>(f + top - 4) | (topF << 30));
  store<i32>(g + top - 4, load<i32>(g + top - 4) | (topG << 30));
  return top;
}

/** d, in (-2m, m) with the sign of f still to come, into [0, m). */
function normalise(modulus: usize, isNegative: bool): void {
  if (load<i32>(d, 32) < 0) addModulus(modulus);
  if (isNegative) for (let i: usize = 0; i < NUMBER; i += 4) store<i32>(d + i, -load<i32>(d + i));
  carry();
  if (load<i32>(d, 32) < 0) addModulus(modulus);
  carry();
}

function addModulus(modulus: usize): void {
  for (let i: usize = 0; i < NUMBER; i += 4) store<i32>(d + i, load<i32>(d + i) + load<i32>(modulus + i));
}

function carry(): void {
  let sum = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    sum += load<i32>(d + i);
    store<i32>(d + i, sum & LIMB_MASK);
    sum >>= 30;
  }
  store<i32>(d, load<i32>(d, 32) + sum, 32);
}

/**
 * out = 1/x mod m; 0 for 0.
 * @param x 32 bytes, little endian, any value. `out`, 32 bytes, may be `x`.
 * @param modulus PRIME_25519, PRIME_256 or ORDER_256
 */
export function invert(out: Bytes32, x: Bytes32, modulus: usize): void {
  const x0 = load<u64>(x);
  const x1 = load<u64>(x, 8);
  const x2 = load<u64>(x, 16);
  const x3 = load<u64>(x, 24);
  store<i32>(g, <i32>x0 & LIMB_MASK);
  store<i32>(g, <i32>(x0 >> 30) & LIMB_MASK, 4);
  store<i32>(g, <i32>((x0 >> 60) | (x1 << 4)) & LIMB_MASK, 8);
  store<i32>(g, <i32>(x1 >> 26) & LIMB_MASK, 12);
  store<i32>(g, <i32>((x1 >> 56) | (x2 << 8)) & LIMB_MASK, 16);
  store<i32>(g, <i32>(x2 >> 22) & LIMB_MASK, 20);
  store<i32>(g, <i32>((x2 >> 52) | (x3 << 12)) & LIMB_MASK, 24);
  store<i32>(g, <i32>(x3 >> 18) & LIMB_MASK, 28);
  store<i32>(g, <i32>(x3 >> 48), 32);
  memory.copy(f, modulus, NUMBER);
  memory.fill(d, 0, NUMBER);
  memory.fill(e, 0, NUMBER);
  store<i32>(e, 1);
  let eta = -1;
  let bytes = NUMBER;
  // For numbers of 256 bits g is 0 after at most 741 steps (the paper, section 11): 25 rounds.
  for (let round = 0; round < 25; round++) {
    eta = divideSteps(eta, load<u32>(f), load<u32>(g));
    updateFactors(modulus);
    updateValues(bytes);
    if (isZero(g, bytes)) break;
    bytes = shorten(bytes);
  }
  normalise(modulus, load<i32>(f + bytes - 4) < 0);
  const l1 = <u64>load<i32>(d, 4);
  const l2 = <u64>load<i32>(d, 8);
  const l3 = <u64>load<i32>(d, 12);
  const l4 = <u64>load<i32>(d, 16);
  const l5 = <u64>load<i32>(d, 20);
  const l6 = <u64>load<i32>(d, 24);
  const l7 = <u64>load<i32>(d, 28);
  store<u64>(out, <u64>load<i32>(d) | (l1 << 30) | (l2 << 60));
  store<u64>(out, (l2 >> 4) | (l3 << 26) | (l4 << 56), 8);
  store<u64>(out, (l4 >> 8) | (l5 << 22) | (l6 << 52), 16);
  store<u64>(out, (l6 >> 12) | (l7 << 18) | ((<u64>load<i32>(d, 32)) << 48), 24);
}
