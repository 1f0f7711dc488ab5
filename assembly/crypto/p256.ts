/**
 * The group of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3): y^2 = x^3 - 3x + b, in Jacobian coordinates over Montgomery
 * form. Every exceptional case of the addition law is handled: infinity, equal and opposite points.
 *
 *   point | X | Y | Z |   x = X/Z^2, y = Y/Z^3; infinity is Z = 0       three elements of 32 bytes
 */
import { ORDER_256, PRIME_256 } from "./inverse";
import {
  add,
  enter,
  fromBytes,
  invert,
  isEqual,
  isLess,
  isZero,
  multiply,
  newModulus,
  square,
  subtract,
  WORDS,
} from "./montgomery";
import { Bytes64, Element, Point } from "./pointers";

/** Bytes of a point. */
export const POINT: i32 = 3 * WORDS;
const Y: usize = 32;
const Z: usize = 64;

// Words, little endian: the field's prime, 2^512 and 2^256 modulo it.
export const field = newModulus(
  memory.data<u32>(
    [0xffffffff, 0xffffffff, 0xffffffff, 0x00000000, 0x00000000, 0x00000000, 0x00000001, 0xffffffff],
    16,
  ),
  memory.data<u32>(
    [0x00000003, 0x00000000, 0xffffffff, 0xfffffffb, 0xfffffffe, 0xffffffff, 0xfffffffd, 0x00000004],
    16,
  ),
  memory.data<u32>(
    [0x00000001, 0x00000000, 0x00000000, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe, 0x00000000],
    16,
  ),
  1,
  PRIME_256,
);
/** The order n of the base point. */
export const order = newModulus(
  memory.data<u32>(
    [0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0x00000000, 0xffffffff],
    16,
  ),
  memory.data<u32>(
    [0xbe79eea2, 0x83244c95, 0x49bd6fa6, 0x4699799c, 0x2b6bec59, 0x2845b239, 0xf3d95620, 0x66e12d94],
    16,
  ),
  memory.data<u32>(
    [0x039cdaaf, 0x0c46353d, 0x58e8617b, 0x43190552, 0x00000000, 0x00000000, 0xffffffff, 0x00000000],
    16,
  ),
  0xee00bc4f,
  ORDER_256,
);

/** b and the base point, in Montgomery form. */
const B: usize = memory.data<u32>(
  [0x29c4bddf, 0xd89cdf62, 0x78843090, 0xacf005cd, 0xf7212ed6, 0xe5a220ab, 0x04874834, 0xdc30061d],
  16,
);
const BASE: usize = memory.data<u32>(
  [
    0x18a9143c, 0x79e730d4, 0x5fedb601, 0x75ba95fc, 0x77622510, 0x79fb732b, 0xa53755c6, 0x18905f76, 0xce95560a,
    0xddf25357, 0xba19e45c, 0x8b4ab8e4, 0xdd21f325, 0xd2e88688, 0x25885d85, 0x8571ff18,
  ],
  16,
);

const a: usize = memory.data(32, 16);
const b: usize = memory.data(32, 16);
const c: usize = memory.data(32, 16);
const d: usize = memory.data(32, 16);
const e: usize = memory.data(32, 16);
const f: usize = memory.data(32, 16);
const g: usize = memory.data(32, 16);

export function setInfinity(out: Point): void {
  memory.fill(out, 0, POINT);
}

export function setBase(out: Point): void {
  memory.copy(out, BASE, 64);
  memory.copy(out + Z, field.one, WORDS);
}

export function isInfinity(point: Point): bool {
  return isZero(point + Z);
}

/** Reads x || y, 64 big-endian bytes: both below p, on the curve. The group has prime order, so no more is to be checked. */
export function decodePoint(out: Point, bytes: Bytes64): bool {
  fromBytes(a, bytes);
  fromBytes(b, bytes + 32);
  if (!isLess(a, field.value) || !isLess(b, field.value)) return false;
  enter(field, out, a);
  enter(field, out + Y, b);
  memory.copy(out + Z, field.one, WORDS);
  square(field, a, out);
  multiply(field, a, a, out); // x^3
  add(field, b, out, out);
  add(field, b, b, out); // 3x
  subtract(field, a, a, b);
  add(field, a, a, B);
  square(field, b, out + Y);
  return isEqual(a, b);
}

/** out = 2 * point ("dbl-2001-b"). Infinity stays infinity, as Z stays 0; there is no point of order 2. */
export function double(out: Point, point: Point): void {
  square(field, a, point + Z); // delta = Z^2
  square(field, b, point + Y); // gamma = Y^2
  multiply(field, c, point, b); // beta = X gamma
  subtract(field, d, point, a);
  add(field, e, point, a);
  multiply(field, d, d, e);
  add(field, e, d, d);
  add(field, d, e, d); // alpha = 3 (X - delta)(X + delta)
  add(field, e, point + Y, point + Z);
  square(field, e, e);
  subtract(field, e, e, b);
  subtract(field, out + Z, e, a); // Z' = (Y + Z)^2 - gamma - delta
  add(field, c, c, c);
  add(field, c, c, c); // 4 beta
  square(field, a, d);
  subtract(field, a, a, c);
  subtract(field, out, a, c); // X' = alpha^2 - 8 beta
  subtract(field, c, c, out);
  multiply(field, c, c, d);
  square(field, b, b);
  add(field, b, b, b);
  add(field, b, b, b);
  add(field, b, b, b); // 8 gamma^2
  subtract(field, out + Y, c, b); // Y' = alpha (4 beta - X') - 8 gamma^2
}

/** out = -point. */
export function negatePoint(out: Point, point: Point): void {
  memory.copy(out, point, POINT);
  if (!isZero(point + Y)) subtract(field, out + Y, field.value, point + Y);
}

/** out = first + second, complete. `out` may be `first`. */
export function addPoints(out: Point, first: Point, second: Point): void {
  if (isInfinity(second)) {
    memory.copy(out, first, POINT);
    return;
  }
  if (isInfinity(first)) {
    memory.copy(out, second, POINT);
    return;
  }
  square(field, a, first + Z); // Z1^2
  square(field, b, second + Z); // Z2^2
  multiply(field, c, first, b); // U1 = X1 Z2^2
  multiply(field, d, second, a); // U2 = X2 Z1^2
  multiply(field, b, b, second + Z);
  multiply(field, b, b, first + Y); // S1 = Y1 Z2^3
  multiply(field, a, a, first + Z);
  multiply(field, a, a, second + Y); // S2 = Y2 Z1^3
  if (isEqual(c, d)) {
    // The same x: the same point, or its opposite.
    if (isEqual(a, b)) double(out, first);
    else setInfinity(out);
    return;
  }
  subtract(field, d, d, c); // H = U2 - U1
  subtract(field, a, a, b); // R = S2 - S1
  multiply(field, e, first + Z, second + Z);
  multiply(field, out + Z, e, d); // Z3 = Z1 Z2 H
  square(field, e, d); // H^2
  multiply(field, d, d, e); // H^3
  multiply(field, c, c, e); // V = U1 H^2
  square(field, f, a);
  subtract(field, f, f, d);
  add(field, g, c, c);
  subtract(field, out, f, g); // X3 = R^2 - H^3 - 2V
  subtract(field, c, c, out);
  multiply(field, c, c, a);
  multiply(field, d, d, b);
  subtract(field, out + Y, c, d); // Y3 = R (V - X3) - S1 H^3
}

/** The x of a point that is not infinity, in Montgomery form. */
export function affineX(out: Element, point: Point): void {
  invert(field, a, point + Z);
  square(field, a, a);
  multiply(field, out, point, a);
}

/** Whether the point's x, not infinity, is this element (Montgomery form): X = x Z^2. */
export function hasX(point: Point, x: Element): bool {
  square(field, a, point + Z);
  multiply(field, a, a, x);
  return isEqual(a, point);
}
