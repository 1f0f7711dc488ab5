/**
 * Arithmetic modulo an odd 256-bit number in Montgomery form: x stands for x * 2^256 mod m. An element is a pointer to eight
 * u32 words, little endian, always fully reduced (below m). `out` may be an argument. Variable time: public data only.
 */

import { invert as invertModulo } from "./inverse";
import { Bytes32, Element, Words } from "./pointers";

/** Bytes of an element. */
export const WORDS: i32 = 32;
const LOW: u64 = 0xffffffff;

/** A modulus and what Montgomery arithmetic needs of it. */
export class Modulus {
  /** m. */
  value: usize = 0;
  /** 2^512 mod m: brings a number into Montgomery form. */
  square: usize = 0;
  /** 2^256 mod m: 1 in Montgomery form. */
  one: usize = 0;
  /** -1/m mod 2^32. */
  negatedInverse: u64 = 0;
  /** m as inverse.ts wants it. */
  forInverse: usize = 0;
}

export function newModulus(value: Words, square: Words, one: Words, negatedInverse: u64, forInverse: usize): Modulus {
  const modulus = new Modulus();
  modulus.value = value;
  modulus.square = square;
  modulus.one = one;
  modulus.negatedInverse = negatedInverse;
  modulus.forInverse = forInverse;
  return modulus;
}

/** Plain numbers of eight words: is a < b? */
export function isLess(a: Words, b: Words): bool {
  for (let i: i32 = 28; i >= 0; i -= 4) {
    const x = load<u32>(a + i);
    const y = load<u32>(b + i);
    if (x != y) return x < y;
  }
  return false;
}

export function isZero(a: Words): bool {
  return (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0;
}

export function isEqual(a: Words, b: Words): bool {
  return memory.compare(a, b, WORDS) == 0;
}

/** Plain out = a + b; returns the carry. */
export function addPlain(out: Words, a: Words, b: Words): u64 {
  let sum: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    sum += <u64>load<u32>(a + i) + load<u32>(b + i);
    store<u32>(out + i, <u32>sum);
    sum >>= 32;
  }
  return sum;
}

/** Plain out = a - b; returns the borrow, 0 or 1. */
export function subtractPlain(out: Words, a: Words, b: Words): u64 {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const difference = <u64>load<u32>(a + i) - load<u32>(b + i) - borrow;
    store<u32>(out + i, <u32>difference);
    borrow = (difference >> 32) & 1;
  }
  return borrow;
}

/** a + b mod m. */
export function add(modulus: Modulus, out: Element, a: Element, b: Element): void {
  const carry = addPlain(out, a, b);
  if (carry != 0 || !isLess(out, modulus.value)) subtractPlain(out, out, modulus.value);
}

/** a - b mod m. */
export function subtract(modulus: Modulus, out: Element, a: Element, b: Element): void {
  if (subtractPlain(out, a, b) != 0) addPlain(out, out, modulus.value);
}

/**
 * a * b / 2^256 mod m (Montgomery, "coarsely integrated operand scanning"). Each step adds at most
 * (2^32 - 1) + (2^32 - 1)^2 + (2^32 - 1) = 2^64 - 1: no overflow. The sum stays below 2m, so one subtraction reduces it.
 */
export function multiply(modulus: Modulus, out: Element, a: Element, b: Element): void {
  multiplyWords(out, a, b, modulus.value, modulus.negatedInverse);
}

function multiplyWords(out: Element, a: Element, b: Element, modulus: Words, negatedInverse: u64): void {
  const b0 = <u64>load<u32>(b);
  const b1 = <u64>load<u32>(b, 4);
  const b2 = <u64>load<u32>(b, 8);
  const b3 = <u64>load<u32>(b, 12);
  const b4 = <u64>load<u32>(b, 16);
  const b5 = <u64>load<u32>(b, 20);
  const b6 = <u64>load<u32>(b, 24);
  const b7 = <u64>load<u32>(b, 28);
  const m0 = <u64>load<u32>(modulus);
  const m1 = <u64>load<u32>(modulus, 4);
  const m2 = <u64>load<u32>(modulus, 8);
  const m3 = <u64>load<u32>(modulus, 12);
  const m4 = <u64>load<u32>(modulus, 16);
  const m5 = <u64>load<u32>(modulus, 20);
  const m6 = <u64>load<u32>(modulus, 24);
  const m7 = <u64>load<u32>(modulus, 28);
  let t0: u64 = 0;
  let t1: u64 = 0;
  let t2: u64 = 0;
  let t3: u64 = 0;
  let t4: u64 = 0;
  let t5: u64 = 0;
  let t6: u64 = 0;
  let t7: u64 = 0;
  let t8: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = <u64>load<u32>(a + i);
    let sum = t0 + word * b0;
    t0 = sum & LOW;
    sum = (sum >> 32) + t1 + word * b1;
    t1 = sum & LOW;
    sum = (sum >> 32) + t2 + word * b2;
    t2 = sum & LOW;
    sum = (sum >> 32) + t3 + word * b3;
    t3 = sum & LOW;
    sum = (sum >> 32) + t4 + word * b4;
    t4 = sum & LOW;
    sum = (sum >> 32) + t5 + word * b5;
    t5 = sum & LOW;
    sum = (sum >> 32) + t6 + word * b6;
    t6 = sum & LOW;
    sum = (sum >> 32) + t7 + word * b7;
    t7 = sum & LOW;
    sum = (sum >> 32) + t8;
    t8 = sum & LOW;
    const t9 = sum >> 32;
    const factor = (t0 * negatedInverse) & LOW;
    sum = t0 + factor * m0;
    sum = (sum >> 32) + t1 + factor * m1;
    t0 = sum & LOW;
    sum = (sum >> 32) + t2 + factor * m2;
    t1 = sum & LOW;
    sum = (sum >> 32) + t3 + factor * m3;
    t2 = sum & LOW;
    sum = (sum >> 32) + t4 + factor * m4;
    t3 = sum & LOW;
    sum = (sum >> 32) + t5 + factor * m5;
    t4 = sum & LOW;
    sum = (sum >> 32) + t6 + factor * m6;
    t5 = sum & LOW;
    sum = (sum >> 32) + t7 + factor * m7;
    t6 = sum & LOW;
    sum = (sum >> 32) + t8;
    t7 = sum & LOW;
    t8 = t9 + (sum >> 32);
  }
  store<u32>(out, <u32>t0);
  store<u32>(out, <u32>t1, 4);
  store<u32>(out, <u32>t2, 8);
  store<u32>(out, <u32>t3, 12);
  store<u32>(out, <u32>t4, 16);
  store<u32>(out, <u32>t5, 20);
  store<u32>(out, <u32>t6, 24);
  store<u32>(out, <u32>t7, 28);
  if (t8 != 0 || !isLess(out, modulus)) subtractPlain(out, out, modulus);
}

export function square(modulus: Modulus, out: Element, a: Element): void {
  multiply(modulus, out, a, a);
}

/** A plain number below m into Montgomery form. */
export function enter(modulus: Modulus, out: Element, a: Words): void {
  multiply(modulus, out, a, modulus.square);
}

const PLAIN_ONE: usize = memory.data<u32>([1, 0, 0, 0, 0, 0, 0, 0], 16);

/** Out of Montgomery form. */
export function leave(modulus: Modulus, out: Words, a: Element): void {
  multiply(modulus, out, a, PLAIN_ONE);
}

/** 1/a in Montgomery form, m prime; 0 for 0. */
export function invert(modulus: Modulus, out: Element, a: Element): void {
  // 1 / (a * 2^256), brought up by 2^256 twice.
  invertModulo(out, a, modulus.forInverse);
  enter(modulus, out, out);
  enter(modulus, out, out);
}

/** Reads 32 big-endian bytes as a plain number. */
export function fromBytes(out: Words, bytes: Bytes32): void {
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(bytes + 28 - i)));
}
