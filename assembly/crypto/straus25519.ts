/**
 * [s]B + [k]P on edwards25519 for any point: one run of doublings for both scalars (Straus), with the few odd multiples of
 * each made on the spot. The way for keys without a table (tabled25519.ts). Variable time: public data only.
 */
import { addCached, cache, double, POINT, setBase, setIdentity } from "./edwards25519";
import { DIGITS, recode, TABLE_ENTRIES } from "./naf";
import { Bytes32, CachedPoint, Point } from "./pointers";

const sum: usize = memory.data(320, 16);
const twice: usize = memory.data(320, 16);
const cachedTwice: usize = memory.data(320, 16);
const basePoint: usize = memory.data(320, 16);
/** TABLE_ENTRIES cached points each: odd multiples. */
const baseMultiples: usize = memory.data(2560, 16);
const multiples: usize = memory.data(2560, 16);
const baseDigits: usize = memory.data(264, 16);
const digits: usize = memory.data(264, 16);
let hasBaseMultiples: bool = false;

/** into[i] = (2i + 1) * point, cached. */
function fillMultiples(into: CachedPoint, point: Point): void {
  double(twice, point);
  cache(cachedTwice, twice);
  memory.copy(sum, point, POINT);
  for (let i = 0; i < TABLE_ENTRIES; i++) {
    cache(into + <usize>i * POINT, sum);
    addCached(sum, sum, cachedTwice, false);
  }
}

/** sum += digit * point, from its odd multiples. */
function addDigit(from: CachedPoint, digit: i32): void {
  if (digit > 0) addCached(sum, sum, from + <usize>(digit >> 1) * POINT, false);
  else if (digit < 0) addCached(sum, sum, from + <usize>(-digit >> 1) * POINT, true);
}

/** out = [baseScalar]B + [scalar]point. Scalars: 32 bytes, little endian; points in extended coordinates. */
export function sumStraus(out: Point, baseScalar: Bytes32, scalar: Bytes32, point: Point): void {
  if (!hasBaseMultiples) {
    setBase(basePoint);
    fillMultiples(baseMultiples, basePoint);
    hasBaseMultiples = true;
  }
  fillMultiples(multiples, point);
  recode(baseDigits, baseScalar);
  recode(digits, scalar);
  setIdentity(sum);
  for (let i: i32 = DIGITS - 1; i >= 0; i--) {
    double(sum, sum);
    addDigit(baseMultiples, load<i8>(baseDigits + i));
    addDigit(multiples, load<i8>(digits + i));
  }
  memory.copy(out, sum, POINT);
}
