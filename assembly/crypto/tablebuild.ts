/**
 * Building one table of multiples, a few points at a time, and proving it against the generic way before it serves. One is
 * built at once in a VM.
 */
import { Algorithm } from "./algorithm";
import {
  decodePoint as decode25519,
  encodePoint,
  isSmallOrder,
  negatePoint,
  setBase as setBase25519,
  setIdentity,
} from "./edwards25519";
import { addPlain, isLess, leave, subtractPlain } from "./montgomery";
import { affineX, decodePoint as decode256, field, isInfinity, order, setBase as setBase256 } from "./p256";
import { Multiples, PublicKey } from "./pointers";
import { sumStraus as sumStraus256 } from "./straus256";
import { sumStraus as sumStraus25519 } from "./straus25519";
import {
  compareTabled,
  fillRow as fillRow256,
  ROW_BYTES as ROW_256,
  TABLE_BYTES as TABLE_256,
  TabledResult,
} from "./tabled256";
import { BASE_TABLE_BYTES, BASE_WIDTH, fillMore, KEY_TABLE_BYTES, KEY_WIDTH, sumTabled } from "./tabled25519";
import { entriesOfTable, ODD_ROWS } from "./windows";

/** Bytes of a key's table of either kind: places of one size never fragment memory. */
export const TABLE_BYTES: i32 = max(KEY_TABLE_BYTES, TABLE_256);

/** Bytes of a base point's table. */
export function baseTableBytes(algorithm: i32): i32 {
  return algorithm == Algorithm.Ed25519 ? BASE_TABLE_BYTES : TABLE_256;
}

/** The point whose multiples are being made: 2^(width * row) times the key, or minus the key for Ed25519. */
const step: usize = memory.data(320, 16);
/** Ed25519: the multiple made last in this row. */
const last: usize = memory.data(320, 16);
let buildAlgorithm: i32 = 0;
let buildTable: usize = 0;
let buildWidth: i32 = 0;
/** Rows, or entries for Ed25519, that are there already. */
let filled: i32 = 0;

/**
 * Begins a table.
 * @param publicKey 32 bytes or x || y of 64; 0 for the base point
 * @returns false when the key is not acceptable
 */
export function startTable(algorithm: i32, publicKey: PublicKey, table: Multiples): bool {
  buildAlgorithm = algorithm;
  buildTable = table;
  filled = 0;
  if (algorithm == Algorithm.Ed25519) {
    buildWidth = publicKey == 0 ? BASE_WIDTH : KEY_WIDTH;
    setIdentity(last);
    if (publicKey == 0) {
      setBase25519(step);
      return true;
    }
    if (!decode25519(step, publicKey) || isSmallOrder(step)) return false;
    negatePoint(step, step);
    return true;
  }
  if (publicKey == 0) {
    setBase256(step);
    return true;
  }
  return decode256(step, publicKey);
}

/** Fills some more entries. True when they were the last ones. */
export function fillNext(): bool {
  if (buildAlgorithm == Algorithm.Ed25519) {
    filled = fillMore(buildTable, buildWidth, filled, step, last);
    return filled >= entriesOfTable(buildWidth);
  }
  fillRow256(buildTable + <usize>(filled * ROW_256), step);
  filled += 1;
  return filled >= ODD_ROWS;
}

// ---- The proof: both ways must give the same sum for two fixed scalars whose digits reach far apart entries.

/** Below 2^252 and below n. */
const S: usize = memory.data<u64>(
  [0x0123456789abcdef, 0xf0e1d2c3b4a59687, 0x13579bdf02468ace, 0x0badc0ffee15900d, 0],
  16,
);
const K: usize = memory.data<u64>(
  [0xfedcba9876543210, 0x8000000000000001, 0xaaaaaaaa55555555, 0x0123456712345678, 0],
  16,
);
const point: usize = memory.data(320, 16);
const sum: usize = memory.data(320, 16);
const one: usize = memory.data(32, 16);
const other: usize = memory.data(32, 16);
const ONE_WORD: usize = memory.data<u64>([1, 0, 0, 0], 16);

function isTrue25519(publicKey: PublicKey, baseTable: Multiples, table: Multiples): bool {
  if (!decode25519(point, publicKey)) return false;
  negatePoint(point, point);
  sumStraus25519(sum, S, K, point);
  encodePoint(one, sum);
  sumTabled(sum, S, K, baseTable, table);
  encodePoint(other, sum);
  return memory.compare(one, other, 32) == 0;
}

function isTrue256(publicKey: PublicKey, baseTable: Multiples, table: Multiples): bool {
  if (!decode256(point, publicKey)) return false;
  sumStraus256(sum, S, K, point);
  if (isInfinity(sum)) return false;
  affineX(one, sum);
  leave(field, one, one);
  if (!isLess(one, order.value)) subtractPlain(one, one, order.value);
  if (compareTabled(S, K, one, order.value, baseTable, table) != TabledResult.Equal) return false;
  // And it must be able to say no.
  addPlain(one, one, ONE_WORD);
  return compareTabled(S, K, one, order.value, baseTable, table) == TabledResult.Different;
}

/** Whether a finished table of that key agrees with the generic way. */
export function isTrueTable(algorithm: i32, publicKey: PublicKey, baseTable: Multiples, table: Multiples): bool {
  return algorithm == Algorithm.Ed25519
    ? isTrue25519(publicKey, baseTable, table)
    : isTrue256(publicKey, baseTable, table);
}
