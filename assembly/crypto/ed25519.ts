/**
 * Ed25519 verification (RFC 8032, section 5.1.7), strict; docs/crypto.md states the rule: A canonical and not of small
 * order, S < L, and the encoding of [S]B - [k]A is byte for byte R, which makes R canonical as well. Variable time.
 */
import { Algorithm } from "./algorithm";
import { decodePoint, encodePoints, isSmallOrder, MAX_TOGETHER, negatePoint, POINT } from "./edwards25519";
import { Bytes64, PublicKey } from "./pointers";
import { isBelowOrder, reduce } from "./scalar25519";
import { Sha512 } from "./sha512";
import { sumStraus } from "./straus25519";
import { sumTabled } from "./tabled25519";
import { baseTable, findTable } from "./tables";

const hash = new Sha512();
const digest: usize = memory.data(64, 16);
const challenge: usize = memory.data(32, 16);
const key: usize = memory.data(320, 16);
/** MAX_TOGETHER points, their encodings, and the signatures that these must begin. */
const sums: usize = memory.data(2560, 16);
const encoded: usize = memory.data(256, 16);
const signatures: usize = memory.data(32, 16);
let waiting: i32 = 0;

/** Whether a bundle may hold this key: canonical, on the curve, not of small order. */
export function isAcceptable(publicKey: PublicKey): bool {
  return decodePoint(key, publicKey) && !isSmallOrder(key);
}

/**
 * Takes one signature into the batch that `checkWaiting` ends: all but the comparison of [S]B - [k]A with R.
 * @param signature R || S, 64 bytes, over head || body; it must stay until then
 * @returns false when the signature fails already, or the batch is full: it is not in the batch then
 */
export function addEd25519(
  publicKey: PublicKey,
  signature: Bytes64,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): bool {
  if (waiting >= MAX_TOGETHER || !isBelowOrder(signature + 32)) return false;
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

  const sum = sums + <usize>waiting * POINT;
  if (table != 0) {
    sumTabled(sum, signature + 32, challenge, baseTable(Algorithm.Ed25519), table);
  } else {
    negatePoint(key, key);
    sumStraus(sum, signature + 32, challenge, key);
  }
  store<usize>(signatures + ((<usize>waiting) << 2), signature);
  waiting += 1;
  return true;
}

/** Ends the batch: bit i of the answer is set when the i-th that was taken holds. One inversion serves them all. */
export function checkWaiting(): u32 {
  const count = waiting;
  waiting = 0;
  if (count == 0) return 0;
  encodePoints(encoded, sums, count);
  let held: u32 = 0;
  for (let i = 0; i < count; i++) {
    const signature = load<usize>(signatures + ((<usize>i) << 2));
    if (memory.compare(encoded + ((<usize>i) << 5), signature, 32) == 0) held |= 1 << i;
  }
  return held;
}
