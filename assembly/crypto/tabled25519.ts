/**
 * [s]B - [k]A on edwards25519 from tables of multiples: no doublings, four sums side by side in SIMD lanes. A table holds, for
 * each window of w bits, the multiples 1 .. 2^(w-1) of 2^(w * row) times its point; scalars become signed digits, a digit
 * picks an entry of its row. The additions ("madd-2008-hwcd-3", a = -1) are complete, so no case is exceptional.
 *
 *   entry | y + x | y - x | 2dxy |      encoded, 32 bytes each: two cache lines
 *
 * Variable time: public data only.
 */
import { addCached, cache, double, POINT, setIdentity } from "./edwards25519";
import { add, carryAndStore, copy, ELEMENT, encode, invert, multiply, subtract, TWO_D } from "./field25519";
import {
  add as addLanes,
  gather,
  multiply as multiplyLanes,
  negateWhere,
  subtract as subtractLanes,
} from "./lanes25519.gen";
import { Bytes32, Element, Lanes, Multiples, Point } from "./pointers";
import { entriesOfRow, entriesOfTable, rowsOf, signedDigits } from "./windows";

/** Bits per digit of the keys' tables, and of the base point's, of which a VM has one. */
export const KEY_WIDTH: i32 = 7;
export const BASE_WIDTH: i32 = 9;
const ENTRY_BYTES: i32 = 96;
const ENCODED: usize = 32;
export const KEY_TABLE_BYTES: i32 = entriesOfTable(KEY_WIDTH) * ENTRY_BYTES;
export const BASE_TABLE_BYTES: i32 = entriesOfTable(BASE_WIDTH) * ENTRY_BYTES;

const IDENTITY: usize = memory.data<u64>([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 64);

// ---- Filling a table, some entries at a time.

/** A whole part of each row. */
const CHUNK: i32 = 64;
/** The points before they become entries, and the running products of their Z. */
const points: usize = memory.data(20480, 16); // CHUNK points
const products: usize = memory.data(5120, 16);
const cachedStep: usize = memory.data(320, 16);
const scale: usize = memory.data(80, 16);
const x: usize = memory.data(80, 16);
const y: usize = memory.data(80, 16);

function storeEntry(at: usize): void {
  add(scale, y, x);
  encode(at, scale);
  subtract(scale, y, x);
  encode(at + ENCODED, scale);
  multiply(scale, x, y);
  multiply(scale, scale, TWO_D);
  encode(at + 2 * ENCODED, scale);
}

/** CHUNK entries: last + step, last + 2 step, ...; `last` moves on. All Z are inverted at once (Montgomery's trick). */
function fillChunk(at: usize, last: Point, step: Point): void {
  cache(cachedStep, step);
  for (let i = 0; i < CHUNK; i++) {
    const point = points + <usize>i * POINT;
    addCached(point, i == 0 ? last : point - POINT, cachedStep, false);
    const product = products + <usize>i * ELEMENT;
    if (i == 0) copy(product, point + 2 * ELEMENT);
    else multiply(product, product - ELEMENT, point + 2 * ELEMENT);
  }
  memory.copy(last, points + <usize>(CHUNK - 1) * POINT, POINT);

  const rest = cachedStep;
  const reciprocal = cachedStep + ELEMENT;
  invert(rest, products + <usize>(CHUNK - 1) * ELEMENT);
  for (let i = CHUNK - 1; i >= 0; i--) {
    const point = points + <usize>i * POINT;
    // rest is 1 / (Z0 Z1 ... Zi).
    if (i > 0) multiply(reciprocal, rest, products + <usize>(i - 1) * ELEMENT);
    else copy(reciprocal, rest);
    multiply(rest, rest, point + 2 * ELEMENT);
    multiply(x, point, reciprocal);
    multiply(y, point + ELEMENT, reciprocal);
    storeEntry(at + <usize>i * ENTRY_BYTES);
  }
}

/**
 * Fills some more entries.
 * @param filled entries that are there already
 * @param step 2^(width * row) times the point; moves on from row to row
 * @param last the entry filled last as a point, or the identity at a row's beginning; moves on
 * @returns how many are there now; entriesOfTable(width) at the end
 */
export function fillMore(table: Multiples, width: i32, filled: i32, step: Point, last: Point): i32 {
  fillChunk(table + <usize>filled * ENTRY_BYTES, last, step);
  const now = filled + CHUNK;
  const row = now / entriesOfRow(width);
  // What comes after the last row's usual entries is a second half of it.
  if (now % entriesOfRow(width) == 0 && row < rowsOf(width)) {
    double(step, last);
    setIdentity(last);
  }
  return now;
}

// ---- Summing up.

/** Entries of the base point's table and of the key's, four at a time. */
const ENTRIES: i32 = rowsOf(BASE_WIDTH) + rowsOf(KEY_WIDTH);
const ROUNDS: usize = <usize>((ENTRIES + 3) / 4);
const picked: usize = memory.data(512, 16); // ROUNDS x 4 pointers
const signs: usize = memory.data(512, 16); // ROUNDS x 4 masks: all ones for a negative digit
const digits: usize = memory.data(128, 16);

/** The sum of what was touched: a load that nothing comes of would be left out. */
let touchedSum: u32 = 0;

/** Picks the entries of a scalar's digits, `slot` being the first one's place. */
function pick(slot: i32, scalar: Bytes32, table: Multiples, width: i32): void {
  signedDigits(digits, scalar, width);
  let touched: u32 = 0;
  const rows = rowsOf(width);
  for (let row = 0; row < rows; row++) {
    const digit = <i32>load<i16>(digits + ((<usize>row) << 1));
    const sign = digit >> 31;
    const size = (digit ^ sign) - sign;
    const at = (<usize>(slot + row)) << 2;
    const entry = size == 0 ? IDENTITY : table + <usize>((row << (width - 1)) + size - 1) * ENTRY_BYTES;
    // Both its cache lines, all entries in a row: so they are fetched at once, not one round after the other.
    touched += load<u32>(entry) + load<u32>(entry, ENTRY_BYTES - 4);
    store<usize>(picked + at, entry);
    store<i32>(signs + at, sign);
  }
  touchedSum = touched;
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
  const n0 = load<usize>(sign) & ENCODED;
  const n1 = load<usize>(sign, 4) & ENCODED;
  const n2 = load<usize>(sign, 8) & ENCODED;
  const n3 = load<usize>(sign, 12) & ENCODED;
  gather(plus, p0 + n0, p1 + n1, p2 + n2, p3 + n3);
  gather(minus, p0 + ENCODED - n0, p1 + ENCODED - n1, p2 + ENCODED - n2, p3 + ENCODED - n3);
  gather(product, p0 + 64, p1 + 64, p2 + 64, p3 + 64);
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
function takeLane(out: Element, lanes: Lanes, lane: usize): void {
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

function takePoint(out: Point, lane: usize): void {
  takeLane(out, sumX, lane);
  takeLane(out + ELEMENT, sumY, lane);
  takeLane(out + 2 * ELEMENT, sumZ, lane);
  takeLane(out + 3 * ELEMENT, sumT, lane);
}

/**
 * out = [baseScalar]B + [keyScalar]P, a point in extended coordinates.
 * @param baseScalar, keyScalar 32 bytes, below L
 */
export function sumTabled(
  out: Point,
  baseScalar: Bytes32,
  keyScalar: Bytes32,
  baseTable: Multiples,
  keyTable: Multiples,
): void {
  pick(0, baseScalar, baseTable, BASE_WIDTH);
  pick(rowsOf(BASE_WIDTH), keyScalar, keyTable, KEY_WIDTH);
  for (let slot = ENTRIES; slot < <i32>ROUNDS * 4; slot++) {
    store<usize>(picked + ((<usize>slot) << 2), IDENTITY);
    store<i32>(signs + ((<usize>slot) << 2), 0);
  }
  startSums();
  for (let round: usize = 1; round < ROUNDS; round++) addRound(round);
  takePoint(out, 0);
  for (let lane: usize = 1; lane < 4; lane++) {
    takePoint(lanePoint, lane);
    cache(cachedPoint, lanePoint);
    addCached(out, out, cachedPoint, false);
  }
}
