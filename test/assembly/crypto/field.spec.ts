import {
  add,
  decode,
  encode,
  invert,
  isEqual,
  isZero,
  multiply,
  negate,
  setSmall,
  square,
  subtract,
} from "../../../assembly/crypto/field25519";
import { DIGITS, recode } from "../../../assembly/crypto/naf";
import { isBelowOrder, reduce } from "../../../assembly/crypto/scalar25519";

const a = heap.alloc(80);
const b = heap.alloc(80);
const c = heap.alloc(80);
const d = heap.alloc(80);
const bytes = heap.alloc(64);

/** p - 1, p, p + 1 and 2^255 - 1 as 32 bytes. */
function setNearP(out: usize, offset: i32): void {
  memory.fill(out, 0xff, 32);
  store<u8>(out, <u8>(0xed + offset));
  store<u8>(out + 31, 0x7f);
}

describe("the field at its bounds", () => {
  it("encodes p as 0 and p + 1 as 1", () => {
    setNearP(bytes, 0);
    decode(a, bytes);
    expect(isZero(a)).toBe(true);
    setNearP(bytes, 1);
    decode(a, bytes);
    setSmall(b, 1);
    expect(isEqual(a, b)).toBe(true);
    setNearP(bytes, 18);
    decode(a, bytes);
    setSmall(b, 18);
    expect(isEqual(a, b)).toBe(true);
  });
  it("knows p - 1 as -1, whose square is 1", () => {
    setNearP(bytes, -1);
    decode(a, bytes);
    setSmall(b, 1);
    negate(b, b);
    expect(isEqual(a, b)).toBe(true);
    square(c, a);
    setSmall(b, 1);
    expect(isEqual(c, b)).toBe(true);
  });
  it("survives limbs at the edge of what multiply takes", () => {
    // Three times the largest tight limbs, with every sign: (f)(g) must equal the product of the reduced forms.
    for (let sign = 0; sign < 4; sign++) {
      for (let i: usize = 0; i < 10; i++) {
        const limit: i64 = (i & 1) == 0 ? 110729625 : 55364812; // 1.65 * 2^26, 1.65 * 2^25
        store<i64>(a + i * 8, (sign & 1) == 0 ? limit : -limit);
        store<i64>(b + i * 8, (sign & 2) == 0 ? limit : -limit);
      }
      multiply(c, a, b);
      // Reduce both first: multiply by one.
      setSmall(d, 1);
      multiply(a, a, d);
      multiply(b, b, d);
      multiply(d, a, b);
      expect(isEqual(c, d)).toBe(true);
    }
  });
  it("allows aliased arguments", () => {
    setNearP(bytes, -7);
    decode(a, bytes);
    multiply(b, a, a);
    square(c, a);
    expect(isEqual(b, c)).toBe(true);
    multiply(a, a, a);
    expect(isEqual(a, b)).toBe(true);
    add(a, a, a);
    subtract(a, a, b);
    expect(isEqual(a, b)).toBe(true);
  });
  it("inverts", () => {
    for (let i = 1; i < 50; i++) {
      setSmall(a, i * 7919);
      invert(b, a);
      multiply(c, a, b);
      setSmall(d, 1);
      expect(isEqual(c, d)).toBe(true);
    }
    setSmall(a, 0);
    invert(b, a);
    expect(isZero(b)).toBe(true);
  });
  it("encodes what it decoded", () => {
    for (let i = 0; i < 32; i++) store<u8>(bytes + i, <u8>(i * 71 + 3));
    store<u8>(bytes + 31, load<u8>(bytes + 31) & 0x7f);
    decode(a, bytes);
    encode(bytes + 32, a);
    expect(memory.compare(bytes, bytes + 32, 32)).toBe(0);
  });
});

const L: StaticArray<u8> = [
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

describe("scalars", () => {
  it("are below L", () => {
    memory.copy(bytes, changetype<usize>(L), 32);
    expect(isBelowOrder(bytes)).toBe(false);
    store<u8>(bytes, 0xec);
    expect(isBelowOrder(bytes)).toBe(true);
    store<u8>(bytes, 0xee);
    expect(isBelowOrder(bytes)).toBe(false);
    memory.fill(bytes, 0xff, 32);
    expect(isBelowOrder(bytes)).toBe(false);
    memory.fill(bytes, 0, 32);
    expect(isBelowOrder(bytes)).toBe(true);
  });
  it("reduce L to 0 and L + 5 to 5", () => {
    memory.fill(bytes, 0, 64);
    memory.copy(bytes, changetype<usize>(L), 32);
    reduce(a, bytes);
    expect(load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)).toBe(0);
    store<u8>(bytes, 0xf2);
    reduce(a, bytes);
    expect(load<u64>(a)).toBe(5);
  });
  it("recode to digits whose sum is the scalar", () => {
    // Horner over the digits modulo 2^64 must give the scalar's low word.
    const digits = heap.alloc(DIGITS);
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 32; i++) store<u8>(bytes + i, <u8>(round < 10 ? 0xff - (round & i) : i * 29 + round * 53));
      recode(digits, bytes);
      let value: u64 = 0;
      for (let i: i32 = DIGITS - 1; i >= 0; i--) value = value * 2 + <u64>(<i64>load<i8>(digits + i));
      expect(value).toBe(load<u64>(bytes));
      let isOdd = true;
      for (let i = 0; i < DIGITS; i++) {
        const digit = <i32>load<i8>(digits + i);
        isOdd = isOdd && (digit == 0 || ((digit & 1) != 0 && digit >= -15 && digit <= 15));
      }
      expect(isOdd).toBe(true);
    }
  });
});
