/**
 * Ed25519 verification (RFC 8032, section 5.1.7), strict; docs/crypto.md states the rule: A canonical and not of small
 * order, S < L, and the encoding of [S]B - [k]A is byte for byte R, which makes R canonical as well. Variable time.
 */
import {
  addCached,
  cache,
  decodePoint,
  double,
  encodePoint,
  isSmallOrder,
  negatePoint,
  POINT,
  setBase,
  setIdentity,
} from "./edwards25519";
import { DIGITS, recode, TABLE_ENTRIES } from "./naf";
import { isBelowOrder, reduce } from "./scalar25519";
import { Sha512 } from "./sha512";

const hash = new Sha512();
const digest: usize = memory.data(64, 16);
const challenge: usize = memory.data(32, 16);
const key: usize = memory.data(320, 16);
const sum: usize = memory.data(320, 16);
const twice: usize = memory.data(320, 16);
const cachedTwice: usize = memory.data(320, 16);
const basePoint: usize = memory.data(320, 16);
const negatedKey: usize = memory.data(320, 16);
const encoded: usize = memory.data(32, 16);
/** TABLE_ENTRIES cached points each: odd multiples of B and of -A. */
const baseTable: usize = memory.data(2560, 16);
const keyTable: usize = memory.data(2560, 16);
const baseDigits: usize = memory.data(264, 16);
const keyDigits: usize = memory.data(264, 16);
let hasBaseTable: bool = false;

/** table[i] = (2i + 1) * point, cached. */
function fillTable(table: usize, point: usize): void {
  double(twice, point);
  cache(cachedTwice, twice);
  memory.copy(sum, point, POINT);
  for (let i = 0; i < TABLE_ENTRIES; i++) {
    cache(table + <usize>i * POINT, sum);
    addCached(sum, sum, cachedTwice, false);
  }
}

/** sum += digit * point, from the table of odd multiples. */
function addDigit(table: usize, digit: i32): void {
  if (digit > 0) addCached(sum, sum, table + <usize>(digit >> 1) * POINT, false);
  else if (digit < 0) addCached(sum, sum, table + <usize>(-digit >> 1) * POINT, true);
}

/** sum = [baseScalar]B + [keyScalar]P, P of the key table: one run of doublings for both (Straus). */
function multiplyBoth(baseScalar: usize, keyScalar: usize): void {
  recode(baseDigits, baseScalar);
  recode(keyDigits, keyScalar);
  setIdentity(sum);
  for (let i: i32 = DIGITS - 1; i >= 0; i--) {
    double(sum, sum);
    addDigit(baseTable, load<i8>(baseDigits + i));
    addDigit(keyTable, load<i8>(keyDigits + i));
  }
}

/** Whether a bundle may hold this key: canonical, on the curve, not of small order. */
export function isAcceptable(publicKey: usize): bool {
  return decodePoint(key, publicKey) && !isSmallOrder(key);
}

/** @param signature R || S, 64 bytes, over head || body */
export function verifyEd25519(
  publicKey: usize,
  signature: usize,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): bool {
  if (!isBelowOrder(signature + 32) || !isAcceptable(publicKey)) return false;
  hash.reset();
  hash.update(signature, 32);
  hash.update(publicKey, 32);
  hash.update(headPtr, headLen);
  hash.update(bodyPtr, bodyLen);
  hash.finish(digest);
  reduce(challenge, digest);

  if (!hasBaseTable) {
    setBase(basePoint);
    fillTable(baseTable, basePoint);
    hasBaseTable = true;
  }
  negatePoint(negatedKey, key);
  fillTable(keyTable, negatedKey);
  multiplyBoth(signature + 32, challenge);
  encodePoint(encoded, sum);
  return memory.compare(encoded, signature, 32) == 0;
}
