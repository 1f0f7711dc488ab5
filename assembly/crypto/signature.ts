/** The one door to signature verification: two algorithms, one signature or several together. */
import { Algorithm } from "./algorithm";
import { isAcceptable as isAcceptableP256, verifyEs256 } from "./ecdsa";
import { addEd25519, checkWaiting, isAcceptable as isAcceptableEd25519 } from "./ed25519";
import { Bytes64, PublicKey } from "./pointers";

/** Whether a bundle may hold this key: canonical, on its curve, not of small order. */
export function isAcceptableKey(algorithm: i32, publicKey: PublicKey): bool {
  if (algorithm == Algorithm.Ed25519) return isAcceptableEd25519(publicKey);
  return algorithm == Algorithm.Es256 && isAcceptableP256(publicKey);
}

/** Of the batch: how many were taken, those that hold, and those that Ed25519's own batch has, in the order of its bits. */
let taken: i32 = 0;
let held: u32 = 0;
let undecided: u32 = 0;

/** Begins a batch: signatures checked together share one inversion. */
export function beginBatch(): void {
  taken = 0;
  held = 0;
  undecided = 0;
}

/**
 * Takes 64 octets over the message head || body into the batch: a detached JWS has its signing input in two places. Anything
 * but the two algorithms does not hold. At most eight; the signature's octets must stay until `endBatch`.
 */
export function addToBatch(
  algorithm: i32,
  publicKey: PublicKey,
  signature: Bytes64,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): void {
  const bit: u32 = 1 << taken;
  taken += 1;
  if (algorithm == Algorithm.Ed25519) {
    if (addEd25519(publicKey, signature, headPtr, headLen, bodyPtr, bodyLen)) undecided |= bit;
  } else if (algorithm == Algorithm.Es256) {
    if (verifyEs256(publicKey, signature, headPtr, headLen, bodyPtr, bodyLen)) held |= bit;
  }
}

/** Ends the batch: bit i of the answer is set when the i-th signature that was taken holds. */
export function endBatch(): u32 {
  let answers = checkWaiting();
  for (let left = undecided; left != 0; left &= left - 1) {
    // The lowest bit that is left is that of the next answer.
    if ((answers & 1) != 0) held |= left & -left;
    answers >>= 1;
  }
  return held;
}

/** Verifies one. */
export function verify(
  algorithm: i32,
  publicKey: PublicKey,
  signature: Bytes64,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): bool {
  beginBatch();
  addToBatch(algorithm, publicKey, signature, headPtr, headLen, bodyPtr, bodyLen);
  return endBatch() == 1;
}
