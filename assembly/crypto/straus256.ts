/**
 * [u1]G + [u2]Q on P-256 for any point: one run of doublings for both scalars (Straus), complete. The way for keys without a
 * table, and for the cases in which the additions of tabled256.ts do not hold. Variable time: public data only.
 */
import { DIGITS, recode, TABLE_ENTRIES } from "./naf";
import { addPoints, double, negatePoint, POINT, setBase, setInfinity } from "./p256";
import { Point, Words } from "./pointers";

const sum: usize = memory.data(96, 16);
const twice: usize = memory.data(96, 16);
const base: usize = memory.data(96, 16);
const negated: usize = memory.data(96, 16);
/** TABLE_ENTRIES points each: odd multiples. */
const baseMultiples: usize = memory.data(768, 16);
const multiples: usize = memory.data(768, 16);
const baseDigits: usize = memory.data(264, 16);
const digits: usize = memory.data(264, 16);
let hasBaseMultiples: bool = false;

function fillMultiples(into: Point, point: Point): void {
  double(twice, point);
  memory.copy(into, point, POINT);
  for (let i = 1; i < TABLE_ENTRIES; i++) {
    const entry = into + <usize>i * POINT;
    addPoints(entry, entry - POINT, twice);
  }
}

function addDigit(from: Point, digit: i32): void {
  if (digit > 0) {
    addPoints(sum, sum, from + <usize>(digit >> 1) * POINT);
  } else if (digit < 0) {
    negatePoint(negated, from + <usize>(-digit >> 1) * POINT);
    addPoints(sum, sum, negated);
  }
}

/** out = [baseScalar]G + [scalar]point. Scalars: plain numbers of eight words; points in Jacobian coordinates. */
export function sumStraus(out: Point, baseScalar: Words, scalar: Words, point: Point): void {
  if (!hasBaseMultiples) {
    setBase(base);
    fillMultiples(baseMultiples, base);
    hasBaseMultiples = true;
  }
  fillMultiples(multiples, point);
  recode(baseDigits, baseScalar);
  recode(digits, scalar);
  setInfinity(sum);
  for (let i: i32 = DIGITS - 1; i >= 0; i--) {
    double(sum, sum);
    addDigit(baseMultiples, load<i8>(baseDigits + i));
    addDigit(multiples, load<i8>(digits + i));
  }
  memory.copy(out, sum, POINT);
}
