import { add, carryAndStore, isEqual, multiply as multiply25519, subtract } from "../../../assembly/crypto/field25519";
import * as lanes256 from "../../../assembly/crypto/lanes256.gen";
import * as lanes25519 from "../../../assembly/crypto/lanes25519.gen";
import {
  add as addModulo,
  enter,
  isZero,
  multiply as multiplyModulo,
  subtract as subtractModulo,
} from "../../../assembly/crypto/montgomery";
import { field } from "../../../assembly/crypto/p256";

const f = heap.alloc(160);
const g = heap.alloc(160);
const h = heap.alloc(160);
const mask = heap.alloc(16);
const a = heap.alloc(80);
const b = heap.alloc(80);
const c = heap.alloc(80);
let state: u64 = 0x9e3779b97f4a7c15;

/** xorshift64: the same cases in each run. */
function random(): u64 {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

function lane25519(out: usize, lanes: usize, lane: usize): void {
  const at = lanes + lane * 4;
  carryAndStore(
    out,
    load<u32>(at),
    load<u32>(at + 16),
    load<u32>(at + 32),
    load<u32>(at + 48),
    load<u32>(at + 64),
    load<u32>(at + 80),
    load<u32>(at + 96),
    load<u32>(at + 112),
    load<u32>(at + 128),
    load<u32>(at + 144),
  );
}

/** Limbs up to `units` times tight; in the first lane all at that bound. */
function fill25519(lanes: usize, units: u64): void {
  for (let i: usize = 0; i < 10; i++) {
    const limit = units * ((i & 1) == 0 ? (1 << 26) + (1 << 18) : (1 << 25) + (1 << 18));
    for (let lane: usize = 0; lane < 4; lane++) {
      store<u32>(lanes + i * 16 + lane * 4, lane == 0 ? <u32>limit - 1 : <u32>(random() % limit));
    }
  }
}

describe("four lanes modulo 2^255 - 19", () => {
  it("multiply at their bounds, lane by lane as the plain field", () => {
    for (let round = 0; round < 200; round++) {
      fill25519(f, 4);
      fill25519(g, 3);
      lanes25519.multiply(h, f, g);
      for (let lane: usize = 0; lane < 4; lane++) {
        lane25519(a, f, lane);
        lane25519(b, g, lane);
        lane25519(c, h, lane);
        multiply25519(a, a, b);
        expect(isEqual(a, c)).toBe(true);
        // An `expect` for each limb would take longer than all else here.
        let isTight = true;
        for (let i: usize = 0; i < 10; i++) {
          const limit: u32 = (i & 1) == 0 ? (1 << 26) + (1 << 18) : (1 << 25) + (1 << 18);
          isTight = isTight && load<u32>(h + i * 16 + lane * 4) < limit;
        }
        expect(isTight).toBe(true);
      }
    }
  });
  it("may write into an argument", () => {
    fill25519(f, 1);
    fill25519(g, 1);
    lanes25519.multiply(h, f, g);
    lanes25519.multiply(f, f, g);
    expect(memory.compare(f, h, 160)).toBe(0);
    fill25519(f, 1);
    lanes25519.multiply(h, f, g);
    lanes25519.multiply(g, f, g);
    expect(memory.compare(g, h, 160)).toBe(0);
  });
  it("add, subtract and turn the sign of chosen lanes", () => {
    fill25519(f, 1);
    fill25519(g, 1);
    lanes25519.add(h, f, g);
    for (let lane: usize = 0; lane < 4; lane++) {
      lane25519(a, f, lane);
      lane25519(b, g, lane);
      lane25519(c, h, lane);
      add(a, a, b);
      expect(isEqual(a, c)).toBe(true);
    }
    lanes25519.subtract(h, f, g);
    for (let lane: usize = 0; lane < 4; lane++) {
      lane25519(a, f, lane);
      lane25519(b, g, lane);
      lane25519(c, h, lane);
      subtract(a, a, b);
      expect(isEqual(a, c)).toBe(true);
    }
    store<u64>(mask, 0xffffffff);
    store<u64>(mask, 0xffffffff00000000, 8);
    lanes25519.negateWhere(h, f, mask);
    for (let lane: usize = 0; lane < 4; lane++) {
      lane25519(a, f, lane);
      lane25519(c, h, lane);
      if (lane == 0 || lane == 3) {
        add(a, a, c);
        memory.fill(c, 0, 80);
      }
      expect(isEqual(a, c)).toBe(true);
    }
  });
});

/** A lane's value modulo p, plain: limb by limb from the top, times 2^29 each. */
function lane256(out: usize, lanes: usize, lane: usize): void {
  memory.fill(out, 0, 32);
  for (let i: i32 = 8; i >= 0; i--) {
    for (let bit = 0; bit < 29; bit++) addModulo(field, out, out, out);
    const limb = load<i32>(lanes + <usize>i * 16 + lane * 4);
    memory.fill(c, 0, 32);
    store<u32>(c, limb < 0 ? <u32>-limb : <u32>limb);
    if (limb < 0) subtractModulo(field, out, out, c);
    else addModulo(field, out, out, c);
  }
}

/** Limbs up to `units` times tight, of both signs; in the first two lanes all at that bound, one positive, one negative. */
function fill256(lanes: usize, units: i64): void {
  for (let i: usize = 0; i < 9; i++) {
    // The top limb holds the value's few multiples of p.
    const limit = i < 8 ? units * ((1 << 28) + 4) : 8 << 24;
    for (let lane: usize = 0; lane < 4; lane++) {
      const limb = lane == 0 ? limit : lane == 1 ? -limit : <i64>(random() % <u64>(2 * limit + 1)) - limit;
      store<i32>(lanes + i * 16 + lane * 4, <i32>limb);
    }
  }
}

const TWO_261 = heap.alloc(32);
memory.fill(TWO_261, 0, 32);
store<u32>(TWO_261, 1);
for (let i = 0; i < 261; i++) addModulo(field, TWO_261, TWO_261, TWO_261);

/** Whether h = f * g / 2^261 in that lane. */
function isProduct(lane: usize): bool {
  lane256(a, f, lane);
  lane256(b, g, lane);
  enter(field, a, a);
  multiplyModulo(field, a, a, b); // plain a * b
  lane256(b, h, lane);
  enter(field, b, b);
  multiplyModulo(field, b, b, TWO_261); // plain h * 2^261
  subtractModulo(field, a, a, b);
  return isZero(a);
}

function isTight256(lane: usize): bool {
  for (let i: usize = 0; i < 9; i++) {
    const limb = load<i32>(h + i * 16 + lane * 4);
    if (limb > (1 << 28) + 4 || limb < -(1 << 28) - 4) return false;
  }
  return true;
}

describe("four lanes modulo the prime of P-256", () => {
  it("multiply and square at their bounds, lane by lane as the plain field", () => {
    for (let round = 0; round < 50; round++) {
      fill256(f, 3);
      fill256(g, 3);
      lanes256.multiply(h, f, g);
      for (let lane: usize = 0; lane < 4; lane++) {
        expect(isProduct(lane)).toBe(true);
        expect(isTight256(lane)).toBe(true);
      }
      fill256(f, 3);
      memory.copy(g, f, 144);
      lanes256.square(h, f);
      for (let lane: usize = 0; lane < 4; lane++) {
        expect(isProduct(lane)).toBe(true);
        expect(isTight256(lane)).toBe(true);
      }
      lanes256.multiply(f, f, g);
      expect(memory.compare(f, h, 144)).toBe(0);
    }
  });
  it("subtract three and come out tight", () => {
    const second = heap.alloc(144);
    const third = heap.alloc(144);
    for (let round = 0; round < 50; round++) {
      fill256(f, 1);
      fill256(second, 1);
      fill256(third, 1);
      lanes256.subtractThree(h, f, second, third);
      for (let lane: usize = 0; lane < 4; lane++) {
        lane256(a, f, lane);
        lane256(b, second, lane);
        subtractModulo(field, a, a, b);
        lane256(b, third, lane);
        subtractModulo(field, a, a, b);
        subtractModulo(field, a, a, b);
        lane256(b, h, lane);
        subtractModulo(field, a, a, b);
        expect(isZero(a)).toBe(true);
        let isTight = true;
        for (let i: usize = 0; i < 8; i++) {
          const limb = load<i32>(h + i * 16 + lane * 4);
          isTight = isTight && limb <= (1 << 28) + 4 && limb >= -(1 << 28) - 4;
        }
        expect(isTight).toBe(true);
      }
    }
  });
});
