/** Square roots modulo p = 2^255 - 19 (RFC 8032, section 5.1.3). Variable time. */
import { copy, isEqual, multiply, negate, SQRT_MINUS_ONE, square } from "./field25519";
import { Element } from "./pointers";

/** f^(2^count). */
function squareTimes(out: Element, f: Element, count: i32): void {
  square(out, f);
  for (let i = 1; i < count; i++) square(out, out);
}

const t0: usize = memory.data(80, 16);
const t1: usize = memory.data(80, 16);
const t2: usize = memory.data(80, 16);

const t3: usize = memory.data(80, 16);

/** t0 = f^(2^250 - 1). */
function powerChain(f: Element): void {
  square(t0, f); // 2
  squareTimes(t1, t0, 2); // 8
  multiply(t1, f, t1); // 9
  multiply(t0, t0, t1); // 11
  square(t2, t0); // 22
  multiply(t2, t1, t2); // 2^5 - 1
  copy(t1, t0); // 11
  squareTimes(t0, t2, 5);
  multiply(t0, t0, t2); // 2^10 - 1
  squareTimes(t2, t0, 10);
  multiply(t2, t2, t0); // 2^20 - 1
  squareTimes(t3, t2, 20);
  multiply(t2, t3, t2); // 2^40 - 1
  squareTimes(t2, t2, 10);
  multiply(t0, t2, t0); // 2^50 - 1
  squareTimes(t2, t0, 50);
  multiply(t2, t2, t0); // 2^100 - 1
  squareTimes(t3, t2, 100);
  multiply(t2, t3, t2); // 2^200 - 1
  squareTimes(t2, t2, 50);
  multiply(t0, t2, t0); // 2^250 - 1
}

const base: usize = memory.data(80, 16);

/** f^((p-5)/8) = f^(2^252 - 3). */
function powerForRoot(out: Element, f: Element): void {
  copy(base, f);
  powerChain(base);
  squareTimes(t0, t0, 2);
  multiply(out, t0, base);
}

const v3: usize = memory.data(80, 16);
const v7: usize = memory.data(80, 16);
const check: usize = memory.data(80, 16);
const minusU: usize = memory.data(80, 16);

/** out = sqrt(u/v), if there is one (RFC 8032, section 5.1.3): u v^3 (u v^7)^((p-5)/8), corrected by sqrt(-1). u, v tight. */
export function squareRootOfRatio(out: Element, u: Element, v: Element): bool {
  square(v3, v);
  multiply(v3, v3, v);
  square(v7, v3);
  multiply(v7, v7, v);
  multiply(v7, v7, u);
  powerForRoot(out, v7);
  multiply(out, out, v3);
  multiply(out, out, u);
  square(check, out);
  multiply(check, check, v);
  if (isEqual(check, u)) return true;
  negate(minusU, u);
  if (!isEqual(check, minusU)) return false;
  multiply(out, out, SQRT_MINUS_ONE);
  return true;
}
