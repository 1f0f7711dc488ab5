/**
 * The group of edwards25519 (-x^2 + y^2 = 1 + d x^2 y^2) in extended coordinates (Hisil, Wong, Carter, Dawson 2008), whose
 * addition law is complete: no exceptional cases.
 *
 *   point  | X | Y | Z | T |   x = X/Z, y = Y/Z, xy = T/Z           four elements of 80 bytes, tight
 *   cached | Y+X | Y-X | Z | 2dT |                                  what an addition needs of its second operand; the first two loose
 */
import {
  add,
  BASE_X,
  BASE_Y,
  copy,
  D,
  decode,
  ELEMENT,
  encode,
  invert,
  isCanonical,
  isOdd,
  isZero,
  multiply,
  negate,
  setSmall,
  square,
  subtract,
  TWO_D,
} from "./field25519";
import { Bytes32, CachedPoint, Point } from "./pointers";
import { squareRootOfRatio } from "./root25519";

/** Bytes of a point, cached or not. */
export const POINT: i32 = 4 * ELEMENT;
const Y: usize = 80;
const Z: usize = 160;
const T: usize = 240;

const ONE: usize = memory.data<i64>([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16);
const a: usize = memory.data(80, 16);
const b: usize = memory.data(80, 16);
const c: usize = memory.data(80, 16);
const e: usize = memory.data(80, 16);
const f: usize = memory.data(80, 16);
const g: usize = memory.data(80, 16);
const h: usize = memory.data(80, 16);

export function setIdentity(out: Point): void {
  setSmall(out, 0);
  setSmall(out + Y, 1);
  setSmall(out + Z, 1);
  setSmall(out + T, 0);
}

export function setBase(out: Point): void {
  copy(out, BASE_X);
  copy(out + Y, BASE_Y);
  setSmall(out + Z, 1);
  multiply(out + T, BASE_X, BASE_Y);
}

/** out = -point: x and T change sign. */
export function negatePoint(out: Point, point: Point): void {
  memory.copy(out, point, POINT);
  negate(out, point);
  negate(out + T, point + T);
}

/** Y+X and Y-X are sums as they are, of two tight elements or of a decoded and a tight one: `addCached` multiplies each by another. */
export function cache(out: CachedPoint, point: Point): void {
  add(out, point + Y, point);
  subtract(out + Y, point + Y, point);
  copy(out + Z, point + Z);
  multiply(out + T, point + T, TWO_D);
}

/** From E, F, G, H: X = EF, Y = GH, Z = FG, T = EH. */
function complete(out: Point): void {
  multiply(out, e, f);
  multiply(out + Y, g, h);
  multiply(out + Z, f, g);
  multiply(out + T, e, h);
}

/** out = 2 * point ("dbl-2008-hwcd" for a = -1, signs turned). */
export function double(out: Point, point: Point): void {
  square(a, point); // X^2
  square(b, point + Y); // Y^2
  square(c, point + Z);
  add(c, c, c); // 2 Z^2
  add(h, a, b); // H = X^2 + Y^2
  add(e, point, point + Y);
  square(e, e);
  subtract(e, h, e); // E = H - (X + Y)^2
  subtract(g, a, b); // G = X^2 - Y^2
  add(f, c, g); // F = 2 Z^2 + G: the sum of four tight ones
  multiply(f, f, ONE); // tight again
  complete(out);
}

/** out = point + cached ("add-2008-hwcd-3" for a = -1). `isNegative`: minus cached. */
export function addCached(out: Point, point: Point, cached: CachedPoint, isNegative: bool): void {
  // The negative of a cached point swaps Y+X with Y-X and turns the sign of 2dT.
  add(a, point + Y, point);
  subtract(b, point + Y, point);
  multiply(a, a, isNegative ? cached + Y : cached); // (Y1 + X1)(Y2 + X2)
  multiply(b, b, isNegative ? cached : cached + Y); // (Y1 - X1)(Y2 - X2)
  multiply(c, cached + T, point + T); // 2 d T1 T2
  if (isNegative) negate(c, c);
  multiply(f, point + Z, cached + Z);
  add(f, f, f); // 2 Z1 Z2
  subtract(e, a, b);
  add(h, a, b);
  add(g, f, c); // three tight ones
  subtract(f, f, c);
  complete(out);
}

const u: usize = memory.data(80, 16);
const v: usize = memory.data(80, 16);

/**
 * Decodes a point (RFC 8032, section 5.1.3), strictly: y below p, x exists, and no x = 0 with the sign bit.
 * @param bytes 32
 */
export function decodePoint(out: Point, bytes: Bytes32): bool {
  if (!isCanonical(bytes)) return false;
  const isNegative = (load<u8>(bytes, 31) & 0x80) != 0;
  decode(out + Y, bytes);
  square(u, out + Y);
  multiply(v, u, D);
  subtract(u, u, ONE); // y^2 - 1
  add(v, v, ONE); // d y^2 + 1
  if (!squareRootOfRatio(out, u, v)) return false;
  if (isZero(out)) {
    if (isNegative) return false;
  } else if (isOdd(out) != isNegative) {
    negate(out, out);
  }
  setSmall(out + Z, 1);
  multiply(out + T, out, out + Y);
  return true;
}

/** Points that are encoded together, at most. */
export const MAX_TOGETHER: i32 = 8;
const products: usize = memory.data(640, 16); // MAX_TOGETHER elements
const rest: usize = memory.data(80, 16);
const reciprocal: usize = memory.data(80, 16);

/**
 * The canonical encodings of `count` points in a row, 32 bytes each. All Z are inverted at once (Montgomery's trick); none is
 * zero, as the addition law is complete.
 */
export function encodePoints(out: Bytes32, points: Point, count: i32): void {
  copy(products, points + Z);
  for (let i: usize = 1; i < <usize>count; i++) {
    multiply(products + i * ELEMENT, products + (i - 1) * ELEMENT, points + i * POINT + Z);
  }
  invert(rest, products + <usize>(count - 1) * ELEMENT);
  for (let i = count - 1; i >= 0; i--) {
    const point = points + <usize>i * POINT;
    // rest is 1 / (Z0 Z1 ... Zi).
    if (i > 0) multiply(reciprocal, rest, products + <usize>(i - 1) * ELEMENT);
    else copy(reciprocal, rest);
    multiply(rest, rest, point + Z);
    multiply(a, point, reciprocal);
    multiply(b, point + Y, reciprocal);
    const encoding = out + ((<usize>i) << 5);
    encode(encoding, b);
    if (isOdd(a)) store<u8>(encoding, load<u8>(encoding, 31) | 0x80, 31);
  }
}

/** The canonical encoding, 32 bytes. */
export function encodePoint(out: Bytes32, point: Point): void {
  encodePoints(out, point, 1);
}

const multiple: usize = memory.data(320, 16);

/** Whether 8 * point is the identity: the eight points whose public key verifies what nobody signed. */
export function isSmallOrder(point: Point): bool {
  double(multiple, point);
  double(multiple, multiple);
  double(multiple, multiple);
  if (!isZero(multiple)) return false;
  subtract(a, multiple + Y, multiple + Z);
  return isZero(a);
}
