/**
 * Ed25519 verification (RFC 8032, section 5.1.7), strict; docs/crypto.md states the rule: A canonical and not of small
 * order, S < L, and the encoding of [S]B - [k]A is byte for byte R, which makes R canonical as well. Variable time.
 */
import { Algorithm } from "./algorithm";
import { decodePoint, encodePoint, isSmallOrder, negatePoint } from "./edwards25519";
import { isBelowOrder, reduce } from "./scalar25519";
import { Sha512 } from "./sha512";
import { sumStraus } from "./straus25519";
import { sumTabled } from "./tabled25519";
import { baseTable, findTable } from "./tables";

const hash = new Sha512();
const digest: usize = memory.data(64, 16);
const challenge: usize = memory.data(32, 16);
const key: usize = memory.data(320, 16);
const sum: usize = memory.data(320, 16);
const encoded: usize = memory.data(32, 16);

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
  if (!isBelowOrder(signature + 32)) return false;
  // Only an acceptable key has a table.
  const table = findTable(Algorithm.Ed25519, publicKey);
  if (table == 0 && !isAcceptable(publicKey)) return false;
  hash.reset();
  hash.update(signature, 32);
  hash.update(publicKey, 32);
  hash.update(headPtr, headLen);
  hash.update(bodyPtr, bodyLen);
  hash.finish(digest);
  reduce(challenge, digest);

  if (table != 0) {
    sumTabled(sum, signature + 32, challenge, baseTable(Algorithm.Ed25519), table);
  } else {
    negatePoint(key, key);
    sumStraus(sum, signature + 32, challenge, key);
  }
  encodePoint(encoded, sum);
  return memory.compare(encoded, signature, 32) == 0;
}
