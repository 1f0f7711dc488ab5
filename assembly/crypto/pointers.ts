/**
 * What the pointers of the mathematics point to, so that a signature says what it takes. To the compiler all are `usize`:
 * nothing is checked.
 */

/** An encoding, a scalar or a digest of 32 bytes; scalars are little endian. */
export type Bytes32 = usize;
/** A signature, x || y of a P-256 key, or a SHA-512. */
export type Bytes64 = usize;
/** 32 bytes (Ed25519), or x || y (ES256). */
export type PublicKey = usize;
/** A plain number of eight u32 words, little endian, in the arithmetic of P-256. */
export type Words = usize;
/** A field element: ten limbs of 8 bytes (field25519.ts), or eight words in Montgomery form (montgomery.ts). */
export type Element = usize;
/** Coordinates in a row: extended (edwards25519.ts) or Jacobian (p256.ts). */
export type Point = usize;
/** A point as `addCached` takes its second operand (edwards25519.ts). */
export type CachedPoint = usize;
/** Four field elements side by side (lanes*.gen.ts). */
export type Lanes = usize;
/** A table of multiples, a base point's or a key's. */
export type Multiples = usize;
/** Digits of a scalar: i8 in naf.ts, i16 in windows.ts. */
export type Digits = usize;
