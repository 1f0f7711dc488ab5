/**
 * ECDSA over P-256 with SHA-256: ES256 (RFC 7518, section 3.4; FIPS 186-5, section 6.4.2). r and s in [1, n-1], 64 octets;
 * a high s is accepted, as the standard does. Variable time.
 */
import { add, addPlain, enter, fromBytes, invert, isLess, isZero, multiply, newModulus, WORDS } from "./montgomery";
import { DIGITS, recode, TABLE_ENTRIES } from "./naf";
import {
  addPoints,
  decodePoint,
  double,
  field,
  hasX,
  isInfinity,
  negatePoint,
  POINT,
  setBase,
  setInfinity,
} from "./p256";
import { Sha256 } from "./sha256";

/** The order n of the base point. */
const order = newModulus(
  memory.data<u32>(
    [0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0x00000000, 0xffffffff],
    16,
  ),
  memory.data<u32>(
    [0xbe79eea2, 0x83244c95, 0x49bd6fa6, 0x4699799c, 0x2b6bec59, 0x2845b239, 0xf3d95620, 0x66e12d94],
    16,
  ),
  memory.data<u32>(
    [0x039cdaaf, 0x0c46353d, 0x58e8617b, 0x43190552, 0x00000000, 0x00000000, 0xffffffff, 0x00000000],
    16,
  ),
  0xee00bc4f,
);

const hash = new Sha256();
const digest: usize = memory.data(32, 16);
const r: usize = memory.data(32, 16);
const s: usize = memory.data(32, 16);
const z: usize = memory.data(32, 16);
const u1: usize = memory.data(32, 16);
const u2: usize = memory.data(32, 16);
const key: usize = memory.data(96, 16);
const sum: usize = memory.data(96, 16);
const twice: usize = memory.data(96, 16);
const base: usize = memory.data(96, 16);
const negated: usize = memory.data(96, 16);
/** TABLE_ENTRIES points each: odd multiples of the base point and of the key. */
const baseTable: usize = memory.data(768, 16);
const keyTable: usize = memory.data(768, 16);
const baseDigits: usize = memory.data(264, 16);
const keyDigits: usize = memory.data(264, 16);
let hasBaseTable: bool = false;

function fillTable(table: usize, point: usize): void {
  double(twice, point);
  memory.copy(table, point, POINT);
  for (let i = 1; i < TABLE_ENTRIES; i++) {
    const entry = table + <usize>i * POINT;
    addPoints(entry, entry - POINT, twice);
  }
}

function addDigit(table: usize, digit: i32): void {
  if (digit > 0) {
    addPoints(sum, sum, table + <usize>(digit >> 1) * POINT);
  } else if (digit < 0) {
    negatePoint(negated, table + <usize>(-digit >> 1) * POINT);
    addPoints(sum, sum, negated);
  }
}

/** sum = [u1]G + [u2]Q: one run of doublings for both (Straus). */
function multiplyBoth(): void {
  recode(baseDigits, u1);
  recode(keyDigits, u2);
  setInfinity(sum);
  for (let i: i32 = DIGITS - 1; i >= 0; i--) {
    double(sum, sum);
    addDigit(baseTable, load<i8>(baseDigits + i));
    addDigit(keyTable, load<i8>(keyDigits + i));
  }
}

/** In [1, n-1]. */
function isScalar(value: usize): bool {
  return !isZero(value) && isLess(value, order.value);
}

/** Whether a bundle may hold this key, x || y: both below p, on the curve. */
export function isAcceptable(publicKey: usize): bool {
  return decodePoint(key, publicKey);
}

/** x(sum) mod n == r. x is below p, and p is below 2n, so x is r or r + n. */
function hasXModuloOrder(): bool {
  enter(field, z, r);
  if (hasX(sum, z)) return true;
  if (addPlain(z, r, order.value) != 0 || !isLess(z, field.value)) return false;
  enter(field, z, z);
  return hasX(sum, z);
}

/** @param signature r || s, 64 octets, big endian, over head || body */
export function verifyEs256(
  publicKey: usize,
  signature: usize,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): bool {
  fromBytes(r, signature);
  fromBytes(s, signature + 32);
  if (!isScalar(r) || !isScalar(s) || !isAcceptable(publicKey)) return false;
  hash.reset();
  hash.update(headPtr, headLen);
  hash.update(bodyPtr, bodyLen);
  hash.finish(digest);
  fromBytes(z, digest);
  // The digest may be n or above: adding 0 modulo n subtracts n once, and 2^256 < 2n.
  memory.fill(u1, 0, WORDS);
  add(order, z, z, u1);

  enter(order, s, s);
  invert(order, s, s);
  // (s in Montgomery form) * (plain number) / 2^256 is the plain product.
  multiply(order, u1, s, z);
  multiply(order, u2, s, r);

  if (!hasBaseTable) {
    setBase(base);
    fillTable(baseTable, base);
    hasBaseTable = true;
  }
  fillTable(keyTable, key);
  multiplyBoth();
  return !isInfinity(sum) && hasXModuloOrder();
}
