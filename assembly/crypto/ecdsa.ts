/**
 * ECDSA over P-256 with SHA-256: ES256 (RFC 7518, section 3.4; FIPS 186-5, section 6.4.2). r and s in [1, n-1], 64 octets;
 * a high s is accepted, as the standard does. Variable time.
 */
import { Algorithm } from "./algorithm";
import { invert, ORDER_256 } from "./inverse";
import { add, addPlain, enter, fromBytes, isLess, isZero, multiply, WORDS } from "./montgomery";
import { decodePoint, field, hasX, isInfinity, order } from "./p256";
import { Bytes64, PublicKey, Words } from "./pointers";
import { Sha256 } from "./sha256";
import { sumStraus } from "./straus256";
import { compareTabled, TabledResult } from "./tabled256";
import { baseTable, findTable } from "./tables";

const hash = new Sha256();
const digest: usize = memory.data(32, 16);
const r: usize = memory.data(32, 16);
const s: usize = memory.data(32, 16);
const z: usize = memory.data(32, 16);
const u1: usize = memory.data(32, 16);
const u2: usize = memory.data(32, 16);
const key: usize = memory.data(96, 16);
const sum: usize = memory.data(96, 16);

/** In [1, n-1]. */
function isScalar(value: Words): bool {
  return !isZero(value) && isLess(value, order.value);
}

/** Whether a bundle may hold this key, x || y: both below p, on the curve. */
export function isAcceptable(publicKey: PublicKey): bool {
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

/** The complete way: for keys without a table, and where the table's additions do not hold. */
function verifyScalars(publicKey: PublicKey): bool {
  if (!isAcceptable(publicKey)) return false;
  sumStraus(sum, u1, u2, key);
  return !isInfinity(sum) && hasXModuloOrder();
}

/** @param signature r || s, 64 octets, big endian, over head || body */
export function verifyEs256(
  publicKey: PublicKey,
  signature: Bytes64,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): bool {
  fromBytes(r, signature);
  fromBytes(s, signature + 32);
  if (!isScalar(r) || !isScalar(s)) return false;
  hash.reset();
  hash.update(headPtr, headLen);
  hash.update(bodyPtr, bodyLen);
  hash.finish(digest);
  fromBytes(z, digest);
  // The digest may be n or above: adding 0 modulo n subtracts n once, and 2^256 < 2n.
  memory.fill(u1, 0, WORDS);
  add(order, z, z, u1);

  invert(s, s, ORDER_256);
  enter(order, s, s);
  // (1/s in Montgomery form) * (plain number) / 2^256 is the plain product.
  multiply(order, u1, s, z);
  multiply(order, u2, s, r);

  // Only an acceptable key has a table.
  const table = findTable(Algorithm.Es256, publicKey);
  if (table == 0) return verifyScalars(publicKey);
  const result = compareTabled(u1, u2, r, order.value, baseTable(Algorithm.Es256), table);
  return result == TabledResult.Exceptional ? verifyScalars(publicKey) : result == TabledResult.Equal;
}
