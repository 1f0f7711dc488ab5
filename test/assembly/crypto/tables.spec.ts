import { Algorithm } from "../../../assembly/crypto/algorithm";
import {
  add,
  enter,
  invert,
  isLess,
  leave,
  multiply,
  subtract,
  subtractPlain,
} from "../../../assembly/crypto/montgomery";
import { affineX, field, order, setBase } from "../../../assembly/crypto/p256";
import { sumStraus } from "../../../assembly/crypto/straus256";
import { fillNextRow, startTable, TABLE_BYTES } from "../../../assembly/crypto/tablebuild";
import { compareTabled, TabledResult } from "../../../assembly/crypto/tabled256";
import { oddDigits, signedDigits } from "../../../assembly/crypto/windows";

const baseTable = heap.alloc(TABLE_BYTES);
const keyTable = heap.alloc(TABLE_BYTES);
const digits = heap.alloc(64);
const u1 = heap.alloc(32);
const u2 = heap.alloc(32);
const secret = heap.alloc(32);
const scalar = heap.alloc(32);
const point = heap.alloc(96);
const key = heap.alloc(64);
const x = heap.alloc(32);
const y = heap.alloc(32);
const zero = heap.alloc(32);
memory.fill(zero, 0, 32);

function set(out: usize, w0: u64, w1: u64, w2: u64, w3: u64): void {
  store<u64>(out, w0);
  store<u64>(out, w1, 8);
  store<u64>(out, w2, 16);
  store<u64>(out, w3, 24);
}

function putBigEndian(out: usize, words: usize): void {
  for (let i: usize = 0; i < 32; i++) store<u8>(out + i, load<u8>(words + 31 - i));
}

/** Affine coordinates of a point, x || y as in a JWK. */
function publicKeyOf(out: usize, from: usize): void {
  const reciprocal = heap.alloc(32);
  invert(field, reciprocal, from + 64);
  affineX(x, from);
  leave(field, x, x);
  putBigEndian(out, x);
  multiply(field, y, reciprocal, reciprocal);
  multiply(field, y, y, reciprocal);
  multiply(field, y, y, from + 32);
  leave(field, y, y);
  putBigEndian(out + 32, y);
}

function build(publicKey: usize, table: usize): void {
  expect(startTable(Algorithm.Es256, publicKey, table)).toBe(true);
  while (!fillNextRow()) {}
}

/** x([u1]G + [u2]Q) modulo n into `x`, by the complete way. */
function expected(): void {
  const q = heap.alloc(96);
  sumStraus(q, secret, zero, generator()); // Q = [secret]G
  sumStraus(point, u1, u2, q);
  affineX(x, point);
  leave(field, x, x);
  if (!isLess(x, order.value)) subtractPlain(x, x, order.value);
}

function generator(): usize {
  const g = heap.alloc(96);
  setBase(g);
  return g;
}

/** Adds digit * 256^row modulo n to `sum`, from the digits of u1 (which is odd). */
function partialSum(sum: usize, lane: i32): void {
  oddDigits(digits, u1);
  memory.fill(sum, 0, 32);
  for (let row = 31; row >= 0; row--) {
    for (let bit = 0; bit < 8; bit++) add(order, sum, sum, sum);
    if ((row & 3) != lane) continue;
    const digit = <i32>load<i16>(digits + <usize>row * 2);
    set(scalar, <u64>(digit < 0 ? -digit : digit), 0, 0, 0);
    if (digit < 0) subtract(order, sum, sum, scalar);
    else add(order, sum, sum, scalar);
  }
}

/** secret = u1's partial sum in lane 0, divided by the first digit of u2: the key's first entry then equals that lane's sum. */
function collide(negated: bool): void {
  const sum = heap.alloc(32);
  partialSum(sum, 0);
  oddDigits(digits, u2);
  const digit = <i32>load<i16>(digits);
  set(scalar, <u64>(digit < 0 ? -digit : digit), 0, 0, 0);
  enter(order, scalar, scalar);
  invert(order, scalar, scalar);
  multiply(order, secret, scalar, sum);
  if (digit < 0 != negated) subtract(order, secret, zero, secret);
  sumStraus(point, secret, zero, generator());
  publicKeyOf(key, point);
  build(key, keyTable);
}

function compare(wanted: usize): i32 {
  return compareTabled(u1, u2, wanted, order.value, baseTable, keyTable);
}

describe("tables of P-256", () => {
  it("agree with the complete way, and say no to another x", () => {
    build(0, baseTable);
    set(secret, 0x1234567890abcdef, 0xfedcba0987654321, 7, 0x00ff00ff00ff00ff);
    sumStraus(point, secret, zero, generator());
    publicKeyOf(key, point);
    build(key, keyTable);
    for (let i: u64 = 1; i < 30; i++) {
      set(u1, i * 0x9e3779b97f4a7c15, i << 60, ~i, 0x0fffffffffffffff * (i & 7));
      set(u2, ~(i * 0xc2b2ae3d27d4eb4f), i, i << 40, 0x7fffffff00000000 + i);
      expected();
      expect(compare(x)).toBe(TabledResult.Equal);
      store<u8>(x, load<u8>(x) ^ 1);
      expect(compare(x)).toBe(TabledResult.Different);
    }
  });
  it("know when a lane meets the same point twice", () => {
    set(u1, 0xdeadbeefdeadbeef, 0x0123456789abcdef, 0x5555aaaa5555aaaa, 0x00c0ffee00c0ffef);
    set(u2, 0x1111111111111133, 0x2222222222222222, 0x3333333333333333, 0x4444444444444444);
    collide(false);
    expected();
    expect(compare(x)).toBe(TabledResult.Exceptional);
  });
  it("know when a lane meets the opposite point", () => {
    set(u1, 0xdeadbeefdeadbeef, 0x0123456789abcdef, 0x5555aaaa5555aaaa, 0x00c0ffee00c0ffef);
    set(u2, 0x1111111111111133, 0x2222222222222222, 0x3333333333333333, 0x4444444444444444);
    collide(true);
    expected();
    expect(compare(x)).toBe(TabledResult.Exceptional);
  });
  it("know the sum at infinity, and scalars 0", () => {
    // [u1]G + [u2]Q with Q = G and u2 = n - u1; then u1 = 0, whose digits add up to n.
    set(secret, 1, 0, 0, 0);
    publicKeyOf(key, generator());
    build(key, keyTable);
    set(u1, 0xdeadbeefdeadbeef, 3, 4, 5);
    subtract(order, u2, zero, u1);
    set(x, 1, 0, 0, 0);
    expect(compare(x)).toBe(TabledResult.Exceptional);
    memory.fill(u1, 0, 32);
    set(u2, 2, 0, 0, 0);
    expected();
    const result = compare(x);
    expect(result == TabledResult.Equal || result == TabledResult.Exceptional).toBe(true);
  });
  it("know when the sums of lanes meet: equal scalars on equal points", () => {
    memory.copy(u1, u2, 32);
    set(u1, 0xdeadbeefdeadbeef, 3, 4, 5);
    memory.copy(u2, u1, 32);
    expected();
    const result = compare(x);
    expect(result == TabledResult.Equal || result == TabledResult.Exceptional).toBe(true);
  });
});

describe("digits", () => {
  it("add up to the scalar", () => {
    for (let i: u64 = 0; i < 50; i++) {
      set(scalar, i * 0x9e3779b97f4a7c15, ~i, 0x8080808080808080 ^ i, (i << 57) | 0x7f80ff0080817f01);
      store<u8>(scalar + 31, load<u8>(scalar + 31) & 0x7f);
      if ((i & 1) == 0) memory.fill(scalar + 8, 0x80, 16);
      signedDigits(digits, scalar);
      let carry: i32 = 0;
      for (let row: usize = 0; row < 32; row++) {
        const digit = <i32>load<i16>(digits + row * 2);
        expect(digit > -128 && digit <= 128).toBe(true);
        carry += digit;
        expect(<u8>carry).toBe(load<u8>(scalar + row));
        carry >>= 8;
      }
      expect(carry).toBe(0);
      store<u8>(scalar, load<u8>(scalar) | 1);
      oddDigits(digits, scalar);
      for (let row: usize = 0; row < 32; row++) {
        const digit = <i32>load<i16>(digits + row * 2);
        expect(digit & 1).toBe(1);
        expect(digit > -256 && digit < 256).toBe(true);
        carry += digit;
        expect(<u8>carry).toBe(load<u8>(scalar + row));
        carry >>= 8;
      }
      expect(carry).toBe(0);
    }
  });
});
