/**
 * [u1]G + [u2]Q on P-256 from tables of odd multiples: no doublings, four sums side by side in SIMD lanes. A table holds, for
 * each of 32 windows of 8 bits, the multiples 1, 3, ... 255 of 2^(8 * row) times its point; scalars become odd signed digits.
 *
 *   entry | x | y |      Montgomery form with 2^261, 32 bytes each (`storeCoordinate`): one cache line
 *
 * Sums are kept as (X, Y, ZZ, ZZZ), x = X/ZZ, y = Y/ZZZ, ZZ^3 = ZZZ^2 ("madd-2008-s" and "add-2008-s"). Those additions do not
 * hold for equal or opposite points, where they leave ZZ = 0. ZZ then stays 0, since each addition multiplies it: one look
 * at the end finds every exceptional case, and the caller takes the complete way (p256.ts). Variable time: public data only.
 */
import {
  gather,
  LANES,
  multiply as multiplyLanes,
  negateWhere,
  square as squareLanes,
  subtract as subtractLanes,
  subtractThree,
} from "./lanes256.gen";
import { add, addPlain, enter, invert, isLess, multiply, square, subtractPlain, WORDS } from "./montgomery";
import { addPoints, double, field, POINT } from "./p256";
import { Element, Lanes, Multiples, Point, Words } from "./pointers";
import { ODD_ENTRIES, ODD_ROWS, ODD_WIDTH, oddDigits } from "./windows";

const ENTRY_BYTES: i32 = 64;
/** Bytes of a row. */
export const ROW_BYTES: i32 = ODD_ENTRIES * ENTRY_BYTES;
export const TABLE_BYTES: i32 = ODD_ROWS * ROW_BYTES;
const COORDINATE: usize = 32;
const LIMB_BITS: i32 = 29;
const LIMB_MASK: u32 = 0x1fffffff;

/** 2^261 modulo p, a plain number. */
const TWO_261: usize = memory.data<u32>(
  [0x00000020, 0x00000000, 0x00000000, 0xffffffe0, 0xffffffff, 0xffffffff, 0xffffffdf, 0x0000001f],
  16,
);
/** 2^28 * (1 + 2^29 + ... + 2^203). */
const OFFSET: usize = memory.data<u32>(
  [0x10000000, 0x02000000, 0x00400000, 0x00080000, 0x00010000, 0x00002000, 0x00000400, 0x00000080],
  16,
);
/** p: nine limbs. */
const P: usize = memory.data<u32>(
  [0x1fffffff, 0x1fffffff, 0x1fffffff, 0x000001ff, 0x00000000, 0x00000000, 0x00040000, 0x1fe00000, 0x00ffffff],
  16,
);

const moved: usize = memory.data(32, 16);

/**
 * An element in the form of montgomery.ts, as `gather` reads it: x * 2^261 + OFFSET modulo p, so that the limbs, 2^28 less each,
 * are tight without a carry. The value that comes out is below p and above -2^232.
 */
function storeCoordinate(at: Words, element: Element): void {
  // x * 2^256 times 2^261 / 2^256 is x * 2^261.
  multiply(field, moved, element, TWO_261);
  add(field, at, moved, OFFSET);
}

// ---- Filling a table, row by row.

const points: usize = memory.data(12288, 16); // 128 points
const products: usize = memory.data(4096, 16);
const twice: usize = memory.data(96, 16);
const rest: usize = memory.data(32, 16);
const reciprocal: usize = memory.data(32, 16);
const power: usize = memory.data(32, 16);
const coordinate: usize = memory.data(32, 16);

/**
 * Fills one row: the multiples 1, 3, ... 255 of `step`, and moves `step` on to the next row's: 2^8 times itself. All Z are inverted at once (Montgomery's trick).
 * @param step a point in Jacobian coordinates
 */
export function fillRow(row: usize, step: Point): void {
  double(twice, step);
  memory.copy(points, step, POINT);
  memory.copy(products, step + 64, WORDS);
  for (let i = 1; i < ODD_ENTRIES; i++) {
    const point = points + <usize>i * POINT;
    addPoints(point, point - POINT, twice);
    const product = products + <usize>i * WORDS;
    multiply(field, product, product - WORDS, point + 64);
  }
  memory.copy(step, twice, POINT);
  for (let i = 1; i < ODD_WIDTH; i++) double(step, step);

  invert(field, rest, products + <usize>(ODD_ENTRIES - 1) * WORDS);
  for (let i = ODD_ENTRIES - 1; i >= 0; i--) {
    const point = points + <usize>i * POINT;
    // rest is 1 / (Z0 Z1 ... Zi).
    if (i > 0) multiply(field, reciprocal, rest, products + <usize>(i - 1) * WORDS);
    else memory.copy(reciprocal, rest, WORDS);
    multiply(field, rest, rest, point + 64);
    square(field, power, reciprocal);
    multiply(field, coordinate, point, power);
    const entry = row + <usize>i * ENTRY_BYTES;
    storeCoordinate(entry, coordinate);
    multiply(field, power, power, reciprocal);
    multiply(field, coordinate, point + WORDS, power);
    storeCoordinate(entry + COORDINATE, coordinate);
  }
}

// ---- Summing up.

/** 32 entries of the base point's table and 32 of the key's, four at a time. */
const ROUNDS: usize = 16;
const picked: usize = memory.data(256, 16); // ROUNDS x 4 pointers
const signs: usize = memory.data(256, 16); // ROUNDS x 4 masks: all ones for a negative digit
const digits: usize = memory.data(64, 16);
const oddScalar: usize = memory.data(32, 16);

/** The sum of what was touched: a load that nothing comes of would be left out. */
let touchedSum: u32 = 0;

/** Picks the entries of a scalar's digits, `slot` being the first one's place. */
function pick(slot: usize, scalar: Words, order: Words, table: Multiples): void {
  // Only odd scalars have odd digits: for an even one take the negative, n - scalar, and turn all signs.
  let flip = 0;
  memory.copy(oddScalar, scalar, WORDS);
  if ((load<u8>(scalar) & 1) == 0) {
    subtractPlain(oddScalar, order, scalar);
    flip = -1;
  }
  oddDigits(digits, oddScalar);
  let touched: u32 = 0;
  for (let row: usize = 0; row < <usize>ODD_ROWS; row++) {
    const digit = <i32>load<i16>(digits + row * 2);
    const sign = digit >> 31;
    const index = ((digit ^ sign) - sign) >> 1;
    const at = (slot + row) << 2;
    const entry = table + row * <usize>ROW_BYTES + <usize>index * ENTRY_BYTES;
    // All cache lines in a row: so they are fetched at once, not one round after the other.
    touched += load<u32>(entry);
    store<usize>(picked + at, entry);
    store<i32>(signs + at, sign ^ flip);
  }
  touchedSum = touched;
}

const sumX: usize = memory.data(144, 16);
const sumY: usize = memory.data(144, 16);
const sumZZ: usize = memory.data(144, 16);
const sumZZZ: usize = memory.data(144, 16);
const x: usize = memory.data(144, 16);
const y: usize = memory.data(144, 16);
const zz: usize = memory.data(144, 16);
const zzz: usize = memory.data(144, 16);
const p: usize = memory.data(144, 16);
const r: usize = memory.data(144, 16);
const pp: usize = memory.data(144, 16);
const ppp: usize = memory.data(144, 16);
const q: usize = memory.data(144, 16);
const rr: usize = memory.data(144, 16);

function loadEntries(round: usize, outX: Lanes, outY: Lanes): void {
  const at = picked + (round << 4);
  const p0 = load<usize>(at);
  const p1 = load<usize>(at, 4);
  const p2 = load<usize>(at, 8);
  const p3 = load<usize>(at, 12);
  gather(outX, p0, p1, p2, p3);
  gather(outY, p0 + COORDINATE, p1 + COORDINATE, p2 + COORDINATE, p3 + COORDINATE);
  negateWhere(outY, outY, signs + (round << 4));
}

/**
 * The common end of both additions, from P = U2 - U1, R = S2 - S1 and, as sumX and sumY, U1 and S1; multiplies ZZ and ZZZ.
 *
 * Bounds, sums of absolute values in units of limbs and multiples of the prime: X 1 and 6.2 p, Y 2 and 3.2 p, ZZ, ZZZ 1 and
 * 1.5 p before gives P 2 and 7.25 p, R 3 and 4.25 p, PP 1 and 2.64 p, PPP 1 and 1.6 p, Q 1 and 1.51 p, R^2 1 and 1.57 p, so
 * X 4, carried to 1, and 6.19 p, Y 2 and 3.18 p, ZZ 1.13 p, ZZZ 1.08 p after: the bounds hold from round to round. Of two
 * entries P is 2 and 1.01 p, R 2 and 2 p, so that all stays within them.
 */
function finishX(): void {
  squareLanes(pp, p);
  multiplyLanes(ppp, p, pp);
  multiplyLanes(q, sumX, pp);
  squareLanes(rr, r);
  subtractThree(sumX, rr, ppp, q); // X = R^2 - PPP - 2Q
}

function finishY(): void {
  subtractLanes(q, q, sumX);
  multiplyLanes(q, r, q); // (3, 2)
  multiplyLanes(sumY, sumY, ppp); // (2, 1)
  subtractLanes(sumY, q, sumY); // Y = R (Q - X) - S1 PPP
}

/** Adds the first two rounds' entries: with ZZ = ZZZ = 1 in both, nothing has to be brought to one denominator. */
function startSums(): void {
  loadEntries(0, sumX, sumY);
  loadEntries(1, x, y);
  subtractLanes(p, x, sumX);
  subtractLanes(r, y, sumY);
  finishX();
  finishY();
  memory.copy(sumZZ, pp, LANES);
  memory.copy(sumZZZ, ppp, LANES);
}

/** Adds the entries of one round; theirs have ZZ = ZZZ = 1. */
function addRound(round: usize): void {
  loadEntries(round, x, y);
  multiplyLanes(p, x, sumZZ);
  multiplyLanes(r, y, sumZZZ);
  subtractLanes(p, p, sumX);
  subtractLanes(r, r, sumY);
  finishX();
  finishY();
  multiplyLanes(sumZZ, sumZZ, pp);
  multiplyLanes(sumZZZ, sumZZZ, ppp);
}

/** Adds to each lane the one `distance` lanes away, 1 or 2. The bounds of a round hold here all the more. */
function addNeighbours(distance: i32, isLast: bool): void {
  for (let at: usize = 0; at < <usize>LANES; at += 16) {
    shuffle(x + at, sumX + at, distance);
    shuffle(y + at, sumY + at, distance);
    shuffle(zz + at, sumZZ + at, distance);
    shuffle(zzz + at, sumZZZ + at, distance);
  }
  multiplyLanes(p, x, sumZZ); // U2
  multiplyLanes(r, y, sumZZZ); // S2
  multiplyLanes(sumX, sumX, zz); // U1
  multiplyLanes(sumY, sumY, zzz); // S1
  multiplyLanes(sumZZ, sumZZ, zz);
  subtractLanes(p, p, sumX);
  subtractLanes(r, r, sumY);
  finishX();
  multiplyLanes(sumZZ, sumZZ, pp);
  // Of the last sum only x is asked for.
  if (isLast) return;
  finishY();
  multiplyLanes(sumZZZ, sumZZZ, zzz);
  multiplyLanes(sumZZZ, sumZZZ, ppp);
}

function shuffle(out: Lanes, lanes: Lanes, distance: i32): void {
  const v = v128.load(lanes);
  v128.store(out, distance == 1 ? v128.shuffle<i32>(v, v, 1, 0, 3, 2) : v128.shuffle<i32>(v, v, 2, 3, 0, 1));
}

const difference: usize = memory.data(72, 16);

/** Whether the first lane is 0 modulo p. Its value is within 8p of zero. */
function isFirstLaneZero(lanes: Lanes): bool {
  // Raised by 8p it is positive. If it is k * p then k is what its top limb says when rounded: p is 2^24 top limbs less a bit.
  let carry: i64 = 0;
  for (let i: usize = 0; i < 9; i++) {
    carry += i64.load32_s(lanes + i * 16) + 8 * <i64>load<u32>(P + i * 4);
    store<i64>(difference + i * 8, i < 8 ? carry & LIMB_MASK : carry);
    carry >>= LIMB_BITS;
  }
  const multiple = (load<i64>(difference, 64) + (1 << 23)) >> 24;
  carry = 0;
  let bits: i64 = 0;
  for (let i: usize = 0; i < 9; i++) {
    carry += load<i64>(difference + i * 8) - multiple * <i64>load<u32>(P + i * 4);
    bits |= i < 8 ? carry & LIMB_MASK : carry;
    carry >>= LIMB_BITS;
  }
  return bits == 0;
}

const candidate: usize = memory.data(32, 16);
const product: usize = memory.data(144, 16);

/** Whether the sum's x is this plain number below p: X = x * ZZ. */
function hasX(plain: Words): bool {
  enter(field, candidate, plain);
  storeCoordinate(candidate, candidate);
  gather(product, candidate, candidate, candidate, candidate);
  multiplyLanes(product, product, sumZZ);
  subtractLanes(product, product, sumX);
  return isFirstLaneZero(product);
}

export enum TabledResult {
  Different,
  Equal,
  /** The sum met an exceptional case of the addition law: take the complete way. */
  Exceptional,
}

/**
 * Compares x([u1]G + [u2]Q) modulo n with `wanted`.
 * @param u1, u2 plain numbers below n
 * @param wanted r, a plain number in [1, n - 1]
 * @param order n
 */
export function compareTabled(
  u1: Words,
  u2: Words,
  wanted: Words,
  order: Words,
  baseTable: Multiples,
  keyTable: Multiples,
): i32 {
  pick(0, u1, order, baseTable);
  pick(ODD_ROWS, u2, order, keyTable);
  startSums();
  for (let round: usize = 2; round < ROUNDS; round++) addRound(round);
  addNeighbours(1, false);
  addNeighbours(2, true);
  if (isFirstLaneZero(sumZZ)) return TabledResult.Exceptional;
  if (hasX(wanted)) return TabledResult.Equal;
  // x is below p and p below 2n, so x modulo n is also r when x is r + n.
  if (addPlain(candidate, wanted, order) != 0 || !isLess(candidate, field.value)) return TabledResult.Different;
  return hasX(candidate) ? TabledResult.Equal : TabledResult.Different;
}
