/**
 * [s]B - [k]A on edwards25519 from tables of multiples: no doublings, four sums side by side in SIMD lanes. A table holds, for
 * each window of w bits, the multiples 1 .. 2^(w-1) of 2^(w * row) times its point; scalars become signed digits, a digit
 * picks an entry of its row. The additions ("madd-2008-hwcd-3", a = -1) are complete, so no case is exceptional.
 *
 *   entry | y + x | y - x | 2dxy |      ten u32 limbs each, canonical; 120 bytes and 8 spare ones
 *
 * Variable time: public data only.
 */
import { addCached, cache, double, POINT } from "./edwards25519";
import { add, carryAndStore, copy, decode, ELEMENT, encode, invert, multiply, subtract, TWO_D } from "./field25519";
import {
  add as addLanes,
  gather,
  multiply as multiplyLanes,
  negateWhere,
  subtract as subtractLanes,
} from "./lanes25519.gen";
import { ROW_ENTRIES, ROWS, signedDigits } from "./windows";

export const ENTRY_BYTES: i32 = 128;
const LIMBS_BYTES: usize = 40;
/** Bytes of a row, and of a table. */
export const ROW_BYTES: i32 = ROW_ENTRIES * ENTRY_BYTES;

const IDENTITY: usize = memory.data<u32>(
  [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  64,
);

// ---- Filling a table, row by row.

/** A row's points before they become entries, and the running products of their Z. */
const points: usize = memory.data(40960, 16); // 128 points
const products: usize = memory.data(10240, 16);
const cachedStep: usize = memory.data(320, 16);
const scale: usize = memory.data(80, 16);
const x: usize = memory.data(80, 16);
const y: usize = memory.data(80, 16);
const t: usize = memory.data(80, 16);
const plain: usize = memory.data(32, 16);

/** Ten canonical u32 limbs. */
function storeLimbs(at: usize, element: usize): void {
  encode(plain, element);
  decode(t, plain);
  for (let i: usize = 0; i < 10; i++) store<u32>(at + i * 4, load<u32>(t + i * 8));
}

function storeEntry(at: usize): void {
  add(scale, y, x);
  storeLimbs(at, scale);
  subtract(scale, y, x);
  storeLimbs(at + LIMBS_BYTES, scale);
  multiply(scale, x, y);
  multiply(scale, scale, TWO_D);
  storeLimbs(at + 2 * LIMBS_BYTES, scale);
}

/**
 * Fills one row: the multiples 1 .. 128 of `step`, and moves `step` on to the next row's: 2^8 times itself.
 * All Z are inverted at once (Montgomery's trick).
 * @param step a point in extended coordinates
 */
export function fillRow(row: usize, step: usize): void {
  cache(cachedStep, step);
  memory.copy(points, step, POINT);
  copy(products, step + 2 * ELEMENT);
  for (let i = 1; i < ROW_ENTRIES; i++) {
    const point = points + <usize>i * POINT;
    addCached(point, point - POINT, cachedStep, false);
    const product = products + <usize>i * ELEMENT;
    multiply(product, product - ELEMENT, point + 2 * ELEMENT);
  }
  double(step, points + <usize>(ROW_ENTRIES - 1) * POINT);

  const rest = cachedStep;
  const reciprocal = cachedStep + ELEMENT;
  invert(rest, products + <usize>(ROW_ENTRIES - 1) * ELEMENT);
  for (let i = ROW_ENTRIES - 1; i >= 0; i--) {
    const point = points + <usize>i * POINT;
    // rest is 1 / (Z0 Z1 ... Zi).
    if (i > 0) multiply(reciprocal, rest, products + <usize>(i - 1) * ELEMENT);
    else copy(reciprocal, rest);
    multiply(rest, rest, point + 2 * ELEMENT);
    multiply(x, point, reciprocal);
    multiply(y, point + ELEMENT, reciprocal);
    storeEntry(row + <usize>i * ENTRY_BYTES);
  }
}

// ---- Summing up.

/** 32 entries of the base point's table and 32 of the key's, four at a time. */
const ROUNDS: usize = 16;
const picked: usize = memory.data(256, 16); // ROUNDS x 4 pointers
const signs: usize = memory.data(256, 16); // ROUNDS x 4 masks: all ones for a negative digit
const digits: usize = memory.data(64, 16);

/** Picks the entries of a scalar's digits, `slot` being the first one's place. */
function pick(slot: usize, scalar: usize, table: usize): void {
  signedDigits(digits, scalar);
  for (let row: usize = 0; row < <usize>ROWS; row++) {
    const digit = <i32>load<i16>(digits + row * 2);
    const sign = digit >> 31;
    const size = (digit ^ sign) - sign;
    const at = (slot + row) << 2;
    const entry = table + row * <usize>ROW_BYTES + <usize>(size - 1) * ENTRY_BYTES;
    store<usize>(picked + at, size == 0 ? IDENTITY : entry);
    store<i32>(signs + at, sign);
  }
}

/** 2 in all four lanes. */
const TWO: usize = memory.data<u32>(
  [
    2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0,
  ],
  16,
);
const sumX: usize = memory.data(160, 16);
const sumY: usize = memory.data(160, 16);
const sumZ: usize = memory.data(160, 16);
const sumT: usize = memory.data(160, 16);
const plus: usize = memory.data(160, 16);
const minus: usize = memory.data(160, 16);
const product: usize = memory.data(160, 16);
const a: usize = memory.data(160, 16);
const b: usize = memory.data(160, 16);
const c: usize = memory.data(160, 16);
const e: usize = memory.data(160, 16);

/** A negative digit swaps y + x with y - x and turns the sign of 2dxy. */
function loadEntries(round: usize): void {
  const at = picked + (round << 4);
  const p0 = load<usize>(at);
  const p1 = load<usize>(at, 4);
  const p2 = load<usize>(at, 8);
  const p3 = load<usize>(at, 12);
  const sign = signs + (round << 4);
  const n0 = load<usize>(sign) & LIMBS_BYTES;
  const n1 = load<usize>(sign, 4) & LIMBS_BYTES;
  const n2 = load<usize>(sign, 8) & LIMBS_BYTES;
  const n3 = load<usize>(sign, 12) & LIMBS_BYTES;
  gather(plus, p0 + n0, p1 + n1, p2 + n2, p3 + n3);
  gather(minus, p0 + LIMBS_BYTES - n0, p1 + LIMBS_BYTES - n1, p2 + LIMBS_BYTES - n2, p3 + LIMBS_BYTES - n3);
  gather(product, p0 + 80, p1 + 80, p2 + 80, p3 + 80);
  negateWhere(product, product, sign);
}

/** The first round's entries as sums: X = 4x, Y = 4y, Z = 4, T = 4xy = (2x)(2y), as y + x and y - x are what is at hand. */
function startSums(): void {
  loadEntries(0);
  subtractLanes(a, plus, minus);
  addLanes(b, plus, minus);
  multiplyLanes(sumX, a, TWO); // (3, 1)
  multiplyLanes(sumY, b, TWO); // (2, 1)
  multiplyLanes(sumT, a, b); // (3, 2)
  addLanes(sumZ, TWO, TWO);
}

/** Adds the entries of one round. In brackets: units of the first and the second factor, as `multiplyLanes` counts them. */
function addRound(round: usize): void {
  loadEntries(round);
  subtractLanes(a, sumY, sumX);
  multiplyLanes(a, a, minus); // (3, 1)
  addLanes(b, sumY, sumX);
  multiplyLanes(b, b, plus); // (2, 1)
  multiplyLanes(c, sumT, product); // (1, 2)
  addLanes(sumZ, sumZ, sumZ);
  subtractLanes(e, b, a);
  addLanes(b, b, a);
  subtractLanes(a, sumZ, c);
  addLanes(c, sumZ, c);
  multiplyLanes(sumX, a, e); // (4, 3)
  multiplyLanes(sumY, c, b); // (3, 2)
  multiplyLanes(sumZ, a, c); // (4, 3)
  multiplyLanes(sumT, e, b); // (3, 2)
}

/** One lane as an element of field25519, tight. */
function takeLane(out: usize, lanes: usize, lane: usize): void {
  const at = lanes + (lane << 2);
  carryAndStore(
    out,
    load<u32>(at),
    load<u32>(at, 16),
    load<u32>(at, 32),
    load<u32>(at, 48),
    load<u32>(at, 64),
    load<u32>(at, 80),
    load<u32>(at, 96),
    load<u32>(at, 112),
    load<u32>(at, 128),
    load<u32>(at, 144),
  );
}

const lanePoint: usize = memory.data(320, 16);
const cachedPoint: usize = memory.data(320, 16);

function takePoint(out: usize, lane: usize): void {
  takeLane(out, sumX, lane);
  takeLane(out + ELEMENT, sumY, lane);
  takeLane(out + 2 * ELEMENT, sumZ, lane);
  takeLane(out + 3 * ELEMENT, sumT, lane);
}

/**
 * out = [baseScalar]B + [keyScalar]P, a point in extended coordinates.
 * @param baseScalar, keyScalar 32 bytes, below 2^255
 */
export function sumTabled(out: usize, baseScalar: usize, keyScalar: usize, baseTable: usize, keyTable: usize): void {
  pick(0, baseScalar, baseTable);
  pick(ROWS, keyScalar, keyTable);
  startSums();
  for (let round: usize = 1; round < ROUNDS; round++) addRound(round);
  takePoint(out, 0);
  for (let lane: usize = 1; lane < 4; lane++) {
    takePoint(lanePoint, lane);
    cache(cachedPoint, lanePoint);
    addCached(out, out, cachedPoint, false);
  }
}
