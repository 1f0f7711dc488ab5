/** RFC 6962, section 2.1: the hashes of a Merkle tree. Sizes go beyond 32 bits, so nothing here uses bit operations. */
import { hash } from "node:crypto";

export const HASH_BYTES = 32;

const LEAF = Buffer.of(0x00);
const NODE = Buffer.of(0x01);

// By way of a string: a buffer of crypto's own has memory of its own, which costs more than the hash.
const sha256 = (bytes: Buffer): Buffer => Buffer.from(hash("sha256", bytes, "binary"), "binary");

export const EMPTY_ROOT: Buffer = sha256(Buffer.alloc(0));

export const leafHash = (entry: Buffer): Buffer => sha256(Buffer.concat([LEAF, entry]));

export const nodeHash = (left: Buffer, right: Buffer): Buffer => sha256(Buffer.concat([NODE, left, right]));

/**
 * The root over neighbours of one level. The last one may stand for an incomplete subtree: pairing from the left and carrying the odd
 * one up is the same as RFC 6962's split at the largest power of two.
 */
export function rootOf(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i < row.length; i += 2) {
      const [left, right] = [row[i], row[i + 1]];
      if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right));
    }
    row = above;
  }
  return row[0] ?? EMPTY_ROOT;
}

/** The largest power of two below `count`, which is at least 2: where RFC 6962 splits. */
export function splitOf(count: number): number {
  let half = 1;
  while (half * 2 < count) half *= 2;
  return half;
}
