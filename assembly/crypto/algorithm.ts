/** The two signature algorithms. */

/** The algorithm is a property of the key. */
export enum Algorithm {
  Ed25519 = 0,
  Es256 = 1,
}

/** 32 bytes, or x || y of 64. */
export function publicKeyLength(algorithm: i32): i32 {
  return algorithm == Algorithm.Ed25519 ? 32 : 64;
}
