import { Algorithm } from "../../../assembly/crypto/algorithm";
import {
  encodePoint,
  encodePoints,
  negatePoint,
  setBase as setBase25519,
  setIdentity,
} from "../../../assembly/crypto/edwards25519";
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
import { sumStraus as sumStraus25519 } from "../../../assembly/crypto/straus25519";
import { fillNext, startTable, TABLE_BYTES } from "../../../assembly/crypto/tablebuild";
import { compareTabled, TabledResult } from "../../../assembly/crypto/tabled256";
import { BASE_TABLE_BYTES, KEY_TABLE_BYTES, sumTabled } from "../../../assembly/crypto/tabled25519";
import { entriesOfRow, entriesOfTable, oddDigits, rowsOf, signedDigits } from "../../../assembly/crypto/windows";

const baseTable = heap.alloc(TABLE_BYTES);
const keyTable = heap.alloc(TABLE_BYTES);
const digits = heap.alloc(128);
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
  while (!fillNext()) {}
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

/** L - 1, the largest scalar modulo the order of edwards25519, and some that lie below and above 2^252, where a top digit is largest. */
function setScalar(out: usize, i: u64): void {
  if (i == 0) set(out, 0x5812631a5cf5d3ec, 0x14def9dea2f79cd6, 0, 0x1000000000000000);
  else if (i == 1) set(out, 0, 0, 0, 0x1000000000000000);
  else if (i == 2) set(out, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0x0fffffffffffffff);
  else if (i == 3) set(out, 0, 0, 0, 0);
  else if (i == 4) set(out, 1, 0, 0, 0);
  else if (i == 5) set(out, 0xffffffffffffffff, 0x14def9dea2f79cd5, 0, 0x1000000000000000);
  else
    set(out, i * 0x9e3779b97f4a7c15, ~i, 0x8080808080808080 ^ i, ((i << 52) ^ 0x0f80ff0080817f01) & 0x0fffffffffffffff);
}

describe("tables of edwards25519", () => {
  it("agree with the generic way for every scalar's top digit", () => {
    const base = heap.alloc(BASE_TABLE_BYTES);
    const table = heap.alloc(KEY_TABLE_BYTES);
    const other = heap.alloc(32);
    const encodedKey = heap.alloc(32);
    const sum = heap.alloc(320);
    const basePoint = heap.alloc(320);
    expect(startTable(Algorithm.Ed25519, 0, base)).toBe(true);
    while (!fillNext()) {}
    // A key: five times the base point, say.
    set(u1, 5, 0, 0, 0);
    setBase25519(basePoint);
    sumStraus25519(sum, u1, zero, basePoint);
    encodePoint(encodedKey, sum);
    expect(startTable(Algorithm.Ed25519, encodedKey, table)).toBe(true);
    while (!fillNext()) {}
    negatePoint(sum, sum);
    const minusKey = heap.alloc(320);
    memory.copy(minusKey, sum, 320);
    for (let i: u64 = 0; i < 64; i++) {
      setScalar(u1, i & 7);
      setScalar(u2, i >> 3);
      sumTabled(sum, u1, u2, base, table);
      encodePoint(x, sum);
      sumStraus25519(sum, u1, u2, minusKey);
      encodePoint(other, sum);
      expect(memory.compare(x, other, 32)).toBe(0);
    }
  });
  it("encode points together as one by one", () => {
    const points = heap.alloc(8 * 320);
    const together = heap.alloc(8 * 32);
    const basePoint = heap.alloc(320);
    setBase25519(basePoint);
    setIdentity(points);
    for (let i: u64 = 1; i < 8; i++) {
      setScalar(u1, i);
      sumStraus25519(points + <usize>i * 320, u1, zero, basePoint);
    }
    for (let count = 1; count <= 8; count++) {
      encodePoints(together, points, count);
      for (let i: usize = 0; i < <usize>count; i++) {
        encodePoint(x, points + i * 320);
        expect(memory.compare(x, together + i * 32, 32)).toBe(0);
      }
    }
  });
});

/** `width` bits of the scalar from `bit` on. */
function bitsOf(words: usize, bit: i32, width: i32): i32 {
  let bits = 0;
  for (let i = 0; i < width && bit + i < 256; i++) {
    bits |= (<i32>((load<u8>(words + (<usize>(bit + i) >> 3)) >> <u8>((bit + i) & 7)) & 1)) << i;
  }
  return bits;
}

describe("digits", () => {
  // An `expect` for each digit would take longer than all else here.
  it("of any width are signed and add up to the scalar, the last one within its row", () => {
    let wrong = "";
    for (let width = 4; width <= 12; width++) {
      const half = entriesOfRow(width);
      const rows = rowsOf(width);
      const lastEntries = entriesOfTable(width) - (rows - 1) * half;
      for (let i: u64 = 0; i < 50; i++) {
        setScalar(scalar, i);
        signedDigits(digits, scalar, width);
        let carry = 0;
        for (let row = 0; row < rows; row++) {
          const digit = <i32>load<i16>(digits + <usize>row * 2);
          const isLast = row == rows - 1;
          const isWithin = isLast ? digit >= 0 && digit <= lastEntries : digit > -half && digit <= half;
          carry += digit;
          const bits = isLast ? carry : carry & ((1 << width) - 1);
          if (!isWithin || bits != bitsOf(scalar, row * width, isLast ? 20 : width)) {
            wrong = `digit ${digit} in row ${row}, ${width} bits wide, of scalar ${i}`;
          }
          carry >>= width;
        }
      }
    }
    expect(wrong).toBe("");
  });
  it("that are odd add up to the scalar", () => {
    let wrong = "";
    for (let i: u64 = 0; i < 50; i++) {
      set(scalar, (i * 0x9e3779b97f4a7c15) | 1, ~i, 0x8080808080808080 ^ i, (i << 57) | 0xff80ff0080817f01);
      oddDigits(digits, scalar);
      let carry: i32 = 0;
      for (let row: usize = 0; row < 32; row++) {
        const digit = <i32>load<i16>(digits + row * 2);
        carry += digit;
        if ((digit & 1) != 1 || digit <= -256 || digit >= 256 || <u8>carry != load<u8>(scalar + row)) {
          wrong = `digit ${digit} in row ${row} of scalar ${i}`;
        }
        carry >>= 8;
      }
      if (carry != 0) wrong = `${carry} is left of scalar ${i}`;
    }
    expect(wrong).toBe("");
  });
});
