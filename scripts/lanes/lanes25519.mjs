// Text of assembly/crypto/lanes25519.gen.ts: four field elements modulo 2^255 - 19 side by side, radix 2^25.5.
import { bitsOfWords, Constants, HALVES, lines, range, transposedWords } from "./text.mjs";

const LIMBS = 10;
/** Even limbs, and odd ones. */
const HALF = 5;
const bits = (k) => (k % 2 === 0 ? 26 : 25);
/** 2p in limbs: what a difference is raised by, so that it never falls below zero. */
const twoP = (k) => (k === 0 ? 2 ** 27 - 38 : 2 ** (bits(k) + 1) - 2);
/** Two chains of carries, interleaved; 9 -> 0 wraps times 19. */
const CARRIES = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9, 5, 0];

/** Columns of a product of two halves of limbs. */
const COLUMNS = 2 * HALF - 1;
const VECTOR = 16;

/** Both halves of each column in turn, stored at once: so no more than the ten factors and two sums are live. */
function columns() {
  const body = [];
  for (const name of ["f", "g"])
    for (const k of range(HALF)) body.push(`const ${name}${k} = v128.load(${name}, ${32 * k});`);
  for (const k of range(COLUMNS)) {
    for (const [half, part] of HALVES) {
      const products = range(HALF)
        .filter((i) => k - i >= 0 && k - i < HALF)
        .map((i) => `i64x2.extmul_${part}_i32x4_u(f${i}, g${k - i})`);
      body.push(`let ${half}${k} = ${products[0]};`);
      for (const product of products.slice(1)) body.push(`${half}${k} = i64x2.add(${half}${k}, ${product});`);
      body.push(`v128.store(out, ${half}${k}, ${32 * k + (half === "l" ? 0 : VECTOR)});`);
    }
  }
  return body;
}

/** 19 times: there is no 64-bit product of lanes that costs less. */
const nineteen = (x) => `i64x2.add(i64x2.add(i64x2.shl(${x}, 4), i64x2.shl(${x}, 1)), ${x})`;

/** Ten columns of the whole product from those of its three parts, and their carries. */
function combine(constants) {
  const column = (part, k) => `v128.load(columns, ${32 * (part * COLUMNS + k)})`;
  const body = [];
  for (const k of range(COLUMNS)) {
    body.push(`const e${k} = ${column(0, k)};`, `const o${k} = ${column(1, k)};`);
    body.push(`const m${k} = i64x2.sub(i64x2.sub(${column(2, k)}, e${k}), o${k});`);
    body.push(k === 0 ? "const p0 = e0;" : `const p${k} = i64x2.add(e${k}, i64x2.shl(o${k - 1}, 1));`);
    if (k < HALF) continue;
    body.push(`let c${2 * (k - HALF)} = i64x2.add(p${k - HALF}, ${nineteen(`p${k}`)});`);
    body.push(`let c${2 * (k - HALF) + 1} = i64x2.add(m${k - HALF}, ${nineteen(`m${k}`)});`);
  }
  body.push(`const p${COLUMNS} = i64x2.shl(o${COLUMNS - 1}, 1);`);
  body.push(`let c8 = i64x2.add(p4, ${nineteen(`p${COLUMNS}`)});`, "let c9 = m4;", "let c: v128;");
  body.push(`const evenMask = ${constants.lanes64((1n << 26n) - 1n)};`);
  body.push(`const oddMask = ${constants.lanes64((1n << 25n) - 1n)};`);
  for (const k of CARRIES) {
    body.push(`c = i64x2.shr_u(c${k}, ${bits(k)});`);
    body.push(`c${k} = v128.and(c${k}, ${k % 2 === 0 ? "evenMask" : "oddMask"});`);
    body.push(k < 9 ? `c${k + 1} = i64x2.add(c${k + 1}, c);` : `c0 = i64x2.add(c0, ${nineteen("c")});`);
  }
  for (const k of range(LIMBS)) body.push(`v128.store(out, c${k}, ${VECTOR * k});`);
  return body;
}

function multiply() {
  const body = [];
  for (const name of ["f", "g"])
    for (const k of range(HALF))
      body.push(
        `v128.store(${name}Sums, i32x4.add(v128.load(${name}, ${32 * k}), v128.load(${name}, ${32 * k + VECTOR})), ${32 * k});`,
      );
  body.push(
    "columns(parts, f, g);",
    `columns(parts + ${32 * COLUMNS}, f + ${VECTOR}, g + ${VECTOR});`,
    `columns(parts + ${64 * COLUMNS}, fSums, gSums);`,
    "combine(low, parts);",
    `combine(high, parts + ${VECTOR});`,
  );
  for (const k of range(LIMBS)) {
    const at = VECTOR * k;
    body.push(`v128.store(out, v128.shuffle<i32>(v128.load(low, ${at}), v128.load(high, ${at}), 0, 2, 4, 6), ${at});`);
  }
  return body;
}

const eachLimb = (statement) => range(LIMBS).map((k) => statement(k, 16 * k));

/** Four encodings of 32 bytes, little endian, cut into limbs. */
function gather(constants) {
  const body = transposedWords();
  let bit = 0;
  for (const k of range(LIMBS)) {
    const limb = bitsOfWords(bit, bits(k));
    // The top bit of an encoding is 0.
    const isWhole = (bit & 31) + bits(k) === 32 || k === LIMBS - 1;
    const masked = isWhole ? limb : `v128.and(${limb}, ${constants.lanes32(2 ** bits(k) - 1)})`;
    body.push(`v128.store(out, ${masked}, ${16 * k});`);
    bit += bits(k);
  }
  return body;
}

export function lanes25519(by) {
  const constants = new Constants("CONSTANTS");
  const twoPOf = (k) => constants.lanes32(twoP(k));
  const functions = [
    `const fSums: usize = memory.data(160, 16);
const gSums: usize = memory.data(160, 16);
/** Columns of the three parts, lanes 0 and 1 and lanes 2 and 3 by turns. */
const parts: usize = memory.data(${32 * 3 * COLUMNS}, 16);
const low: usize = memory.data(160, 16);
const high: usize = memory.data(160, 16);

/** Columns of f * g, five limbs each, 32 bytes apart. Each is stored when it is done: so ten factors stay in registers. */
function columns(out: usize, f: usize, g: usize): void {
${lines(columns())}
}`,
    `/** Two lanes of the product, carried, from their columns. */
function combine(out: usize, columns: usize): void {
${lines(combine(constants))}
}`,
    `/**
 * out = f * g, tight. f: up to 4 units, g: up to 3.
 *
 * Karatsuba over even and odd limbs: with f = E + 2^26 O, where E and O have a limb each 51 bits, and g likewise, f * g is
 * EE + 2^52 OO + 2^26 ((E + O)(E + O) - EE - OO): 75 products in place of 100. What wraps comes back times 19. A column of the
 * sums is at most 5 * 12 * 1.51^2 * 2^52 < 2^59.2, and what is left of it after the differences is a column of f * g.
 *
 * Before the carries a column is at most 4 * 3 * 2^52 * 1.02 * (1 + 19 * 4 + 19 * 2 * 5 / 4) < 12 * 1.02 * 2^52 * 125 < 2^62.6:
 * no overflow of 64 bits. The carry out of limb 9, at most 2^38, comes back times 19 into limb 0, from there at most 2^17 into
 * limb 1: tight.
 */
export function multiply(out: Lanes, f: Lanes, g: Lanes): void {
${lines(multiply())}
}`,
    `/** Tight + tight = 2 units. */
export function add(out: Lanes, f: Lanes, g: Lanes): void {
${lines(eachLimb((_, at) => `v128.store(out, i32x4.add(v128.load(f, ${at}), v128.load(g, ${at})), ${at});`))}
}`,
    `/** f - g + 2p: two units more than f. g: tight, as 2p is at least as large in each limb. */
export function subtract(out: Lanes, f: Lanes, g: Lanes): void {
${lines(
  eachLimb((k, at) => [
    `const s${k} = i32x4.sub(v128.load(f, ${at}), v128.load(g, ${at}));`,
    `v128.store(out, i32x4.add(s${k}, ${twoPOf(k)}), ${at});`,
  ]).flat(),
)}
}`,
    `/** Lanes of all ones in the vector at \`mask\` become 2p - f, two units; the others stay. f: tight. In two's complement -f = ~f + 1. */
export function negateWhere(out: Lanes, f: Lanes, mask: usize): void {
  const m = v128.load(mask);
${lines(
  eachLimb((k, at) => [
    `const r${k} = v128.and(m, ${constants.lanes32(twoP(k) + 1)});`,
    `v128.store(out, i32x4.add(v128.xor(v128.load(f, ${at}), m), r${k}), ${at});`,
  ]).flat(),
)}
}`,
    `/** Four encoded elements of 32 bytes, below 2^255, into four lanes: limbs come out below 2^26 and 2^25. */
export function gather(out: Lanes, p0: usize, p1: usize, p2: usize, p3: usize): void {
${lines(gather(constants))}
}`,
  ];
  return `/**
 * Four elements modulo p = 2^255 - 19 side by side, one in each 32-bit lane. ${by}
 *
 *   value of a lane = l0 + l1*2^26 + l2*2^51 + l3*2^77 + ... + l9*2^230      ten vectors of 16 bytes, unsigned limbs
 *
 * "Tight": even limbs below 2^26 + 2^18, odd ones below 2^25 + 2^18. "n units": up to n times tight. \`out\` may be an
 * argument. Constants are loaded from memory, as V8 rebuilds a splat of a constant each time. Variable time: public data only.
 */

import { Lanes } from "./pointers";

/** Bytes of four elements. */
export const LANES: i32 = 160;

${constants.text()}

${functions.join("\n\n")}
`;
}
