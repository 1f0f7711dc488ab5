// Text of assembly/crypto/lanes256.gen.ts: four field elements modulo the prime of P-256 side by side, radix 2^29, Montgomery.
import { bitsOfWords, Constants, HALVES, lines, range, transposedWords } from "./text.mjs";

const LIMBS = 9;
const BITS = 29;
/** Limbs of the lower part of a factor, and the columns of the upper parts' product. */
const SPLIT = 5;
const LAST_B = 2 * (LIMBS - SPLIT) - 1;
/** p = 2^256 - 2^224 + 2^192 + 2^96 - 1: where m * 2^n lands, as [columns further, bits shifted, sign]. */
const FOLDS = [
  [3, 9, 1], // 2^96 = 2^(3 * 29 + 9)
  [6, 18, 1], // 2^192
  [7, 21, -1], // 2^224
  [8, 24, 1], // 2^256
];

const product = (part, [a, b]) => `i64x2.extmul_${part}_i32x4_s(${a}, ${b})`;

/** The products of column k of f * f. */
function squares(k) {
  const pairs = range(LIMBS)
    .map((i) => [i, k - i])
    .filter(([i, j]) => j < LIMBS && i <= j);
  return pairs.map(([i, j]) => [i === j ? `f${i}` : `d${i}`, `f${j}`]);
}

/** Loads f for a square; the columns are sums of its products. */
function prepareSquare() {
  const body = range(LIMBS).map((k) => `const f${k} = v128.load(f, ${16 * k});`);
  for (const k of range(LIMBS - 1)) body.push(`const d${k} = i32x4.shl(f${k}, 1);`);
  return { body, terms: (_half, part, k) => squares(k).map((pair) => product(part, pair)) };
}

/**
 * Karatsuba: with f = A + 2^145 B and g likewise, f * g = AA + 2^145 ((A + B)(A + B) - AA - BB) + 2^290 BB, 66 products in
 * place of 81. The sums may leave 64 bits on the way; what is left in a column does not.
 */
function prepareProduct() {
  const body = [];
  for (const name of ["f", "g"]) {
    for (const k of range(LIMBS)) body.push(`const ${name}${k} = v128.load(${name}, ${16 * k});`);
    for (const k of range(LIMBS - SPLIT))
      body.push(`const ${name}S${k} = i32x4.add(${name}${k}, ${name}${k + SPLIT});`);
    body.push(`const ${name}S${SPLIT - 1} = ${name}${SPLIT - 1};`);
  }
  const parts = [
    { column: "A", size: SPLIT, f: (i) => `f${i}`, g: (i) => `g${i}` },
    { column: "B", size: LIMBS - SPLIT, f: (i) => `f${i + SPLIT}`, g: (i) => `g${i + SPLIT}` },
    { column: "M", size: SPLIT, f: (i) => `fS${i}`, g: (i) => `gS${i}` },
  ];
  for (const { column, size, f, g } of parts) {
    for (const k of range(2 * size - 1)) {
      const pairs = range(size)
        .filter((i) => k - i >= 0 && k - i < size)
        .map((i) => [f(i), g(k - i)]);
      for (const [half, part] of HALVES) {
        const sum = pairs.map((pair) => product(part, pair)).reduce((all, term) => `i64x2.add(${all}, ${term})`);
        const middle = `i64x2.sub(${sum}, ${half}A${k})`;
        const value = column !== "M" ? sum : k < LAST_B ? `i64x2.sub(${middle}, ${half}B${k})` : middle;
        body.push(`const ${half}${column}${k} = ${value};`);
      }
    }
  }
  const has = (k, size) => k >= 0 && k < 2 * size - 1;
  const terms = (half, _part, k) => [
    ...(has(k, SPLIT) ? [`${half}A${k}`] : []),
    ...(has(k - SPLIT, SPLIT) ? [`${half}M${k - SPLIT}`] : []),
    ...(has(k - 2 * SPLIT, LIMBS - SPLIT) ? [`${half}B${k - 2 * SPLIT}`] : []),
  ];
  return { body, terms };
}

function multiply(constants, { body: preparation, terms: termsOf }) {
  const body = [`const mask = ${constants.lanes64((1n << 29n) - 1n)};`, ...preparation];
  const last = 2 * LIMBS - 1;
  for (const k of range(last + 1)) {
    for (const [half, part] of HALVES) {
      // Together with the 2^34 that the carry brings along, each column stands 2^63 above its true value.
      let bias = k === 0 ? 1n << 63n : (1n << 63n) - (1n << 34n);
      if (k >= LIMBS && k < last) bias += 1n << 28n;
      const terms = termsOf(half, part, k);
      if (k > 0) terms.push(`${half}Carry${k}`);
      const folds = FOLDS.filter(([columns]) => k >= columns && k - columns < LIMBS);
      const column = `${half}${k}`;
      body.push(`let ${column} = ${constants.lanes64(bias)};`);
      for (const term of terms) body.push(`${column} = i64x2.add(${column}, ${term});`);
      for (const [columns, shift, sign] of folds) {
        const shifted = `i64x2.shl(${half}Factor${k - columns}, ${shift})`;
        body.push(`${column} = i64x2.${sign > 0 ? "add" : "sub"}(${column}, ${shifted});`);
      }
      if (k < last) body.push(`const ${half}Carry${k + 1} = i64x2.shr_u(${column}, ${BITS});`);
      if (k < LIMBS) body.push(`const ${half}Factor${k} = v128.and(${column}, mask);`);
    }
    if (k < LIMBS) continue;
    const at = 16 * (k - LIMBS);
    body.push(`const r${k} = v128.shuffle<i32>(l${k}, h${k}, 0, 2, 4, 6);`);
    if (k === last) body.push(`v128.store(out, r${k}, ${at});`);
    else {
      body.push(`const m${k} = v128.and(r${k}, ${constants.lanes32((1 << 29) - 1)});`);
      body.push(`v128.store(out, i32x4.sub(m${k}, ${constants.lanes32(1 << 28)}), ${at});`);
    }
  }
  return body;
}

const eachLimb = (statement) => range(LIMBS).flatMap((k) => statement(k, 16 * k));

function differenceAndCarry(constants) {
  const half = constants.lanes32(1 << 28);
  const body = [`const half = ${half};`];
  body.push(
    ...eachLimb((k, at) => [
      `const t${k} = v128.load(c, ${at});`,
      `const s${k} = i32x4.sub(v128.load(a, ${at}), v128.load(b, ${at}));`,
      `const x${k} = i32x4.sub(s${k}, i32x4.add(t${k}, t${k}));`,
    ]),
  );
  for (const k of range(LIMBS - 1)) body.push(`const c${k} = i32x4.shr_s(i32x4.add(x${k}, half), ${BITS});`);
  for (const k of range(LIMBS)) {
    const carried = k === 0 ? `x${k}` : `i32x4.add(x${k}, c${k - 1})`;
    const rest = k === LIMBS - 1 ? carried : `i32x4.sub(${carried}, i32x4.shl(c${k}, ${BITS}))`;
    body.push(`v128.store(out, ${rest}, ${16 * k});`);
  }
  return body;
}

/** Four numbers of 32 bytes, little endian, cut into limbs of 29 bits less 2^28 each, the top one as it is. */
function gather(constants) {
  const body = transposedWords();
  for (const k of range(LIMBS - 1)) {
    const limb = `v128.and(${bitsOfWords(BITS * k, BITS)}, ${constants.lanes32(2 ** BITS - 1)})`;
    body.push(`v128.store(out, i32x4.sub(${limb}, ${constants.lanes32(2 ** (BITS - 1))}), ${16 * k});`);
  }
  body.push(`v128.store(out, ${bitsOfWords(BITS * 8, 24)}, 128);`);
  return body;
}

export function lanes256(by) {
  const constants = new Constants("CONSTANTS");
  const functions = [
    `/**
 * out = f * g / 2^261, tight (Montgomery; -1/p mod 2^29 is 1, so that the factor of each step is the column itself).
 * f, g: up to 3 units each, so that sums of two limbs stay within 32 bits.
 *
 * A column is at most 9 * 9 * 2^56 + 2^54 < 2^62.4 in absolute value. There is no signed 64-bit shift of lanes that is fast,
 * so each column carries a bias of 2^63 and is read as unsigned. Columns 9 to 16 are rounded, so that limbs come out centred.
 * The value: for |f * g| <= K p^2 it is in (-K/32 p, (1 + K/32) p), as 2^261 is 32 times 2^256.
 */
export function multiply(out: Lanes, f: Lanes, g: Lanes): void {
${lines(multiply(constants, prepareProduct()))}
}`,
    `/** out = f * f / 2^261, as \`multiply\`. f: up to 3 units. */
export function square(out: Lanes, f: Lanes): void {
${lines(multiply(constants, prepareSquare()))}
}`,
    `/** f - g, limb by limb: the units add up. */
export function subtract(out: Lanes, f: Lanes, g: Lanes): void {
${lines(eachLimb((_, at) => [`v128.store(out, i32x4.sub(v128.load(f, ${at}), v128.load(g, ${at})), ${at});`]))}
}`,
    `/** a - b - 2c of tight ones, carried once in parallel: tight again. Each carry is within 2 of zero. */
export function subtractThree(out: Lanes, a: Lanes, b: Lanes, c: Lanes): void {
${lines(differenceAndCarry(constants))}
}`,
    `/** Lanes of all ones in the vector at \`mask\` become -f; the others stay. In two's complement -f = ~f + 1. */
export function negateWhere(out: Lanes, f: Lanes, mask: usize): void {
  const m = v128.load(mask);
${lines(eachLimb((_, at) => [`v128.store(out, i32x4.sub(v128.xor(v128.load(f, ${at}), m), m), ${at});`]))}
}`,
    `/** Four numbers of 32 bytes, each less 2^28 * (1 + 2^29 + ... + 2^203), into four lanes: tight limbs, the top one below 2^24. */
export function gather(out: Lanes, p0: usize, p1: usize, p2: usize, p3: usize): void {
${lines(gather(constants))}
}`,
  ];
  return `/**
 * Four elements modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1 side by side, one in each 32-bit lane, in Montgomery form with
 * 2^261. ${by}
 *
 *   value of a lane = l0 + l1*2^29 + l2*2^58 + ... + l8*2^232      nine vectors of 16 bytes, signed limbs
 *
 * "Tight": |limb| at most 2^28 + 4. "n units": up to n times that. \`out\` may be an argument. Constants are loaded from
 * memory, as V8 rebuilds a splat of a constant each time. Variable time: public data only.
 */

import { Lanes } from "./pointers";

/** Bytes of four elements. */
export const LANES: i32 = 144;

${constants.text()}

${functions.join("\n\n")}
`;
}
