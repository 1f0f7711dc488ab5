// Text of assembly/crypto/lanes25519.gen.ts: four field elements modulo 2^255 - 19 side by side, radix 2^25.5.
import { Constants, HALVES, lines, range } from "./text.mjs";

const LIMBS = 10;
/** Even limbs, and odd ones. */
const HALF = 5;
const bits = (k) => (k % 2 === 0 ? 26 : 25);
/** 2p in limbs: what a difference is raised by, so that it never falls below zero. */
const twoP = (k) => (k === 0 ? 2 ** 27 - 38 : 2 ** (bits(k) + 1) - 2);
/** Two chains of carries, interleaved; 9 -> 0 wraps times 19. */
const CARRIES = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9, 5, 0];

/** Sets `name` to the sum of the products of the pairs, in both halves. */
function sumOfProducts(name, pairs) {
  return pairs.flatMap(([a, b], i) =>
    HALVES.map(([half, part]) => {
      const product = `i64x2.extmul_${part}_i32x4_u(${a}, ${b})`;
      const column = `${half}${name}`;
      return i === 0 ? `let ${column} = ${product};` : `${column} = i64x2.add(${column}, ${product});`;
    }),
  );
}

/** Pairs of halves of limbs whose weights meet in column k, or five further on. */
const pairsOf = (k, a, b) =>
  range(HALF)
    .filter((i) => k - i >= 0 && k - i < HALF)
    .map((i) => [`${a}${i}`, `${b}${k - i}`]);

/** 2^n summed up: there is no 64-bit product of lanes that costs less. */
const times = (column, shifts) =>
  shifts
    .map((n) => (n === 0 ? column : `i64x2.shl(${column}, ${n})`))
    .reduce((sum, term) => `i64x2.add(${sum}, ${term})`);

function multiply(constants) {
  const body = [];
  for (const name of ["f", "g"]) {
    for (const k of range(HALF)) {
      body.push(
        `const ${name}E${k} = v128.load(${name}, ${32 * k});`,
        `const ${name}O${k} = v128.load(${name}, ${32 * k + 16});`,
      );
      body.push(`const ${name}S${k} = i32x4.add(${name}E${k}, ${name}O${k});`);
    }
  }
  body.push(`const nineteen = ${constants.lanes32(19)};`);
  for (const part of ["E", "O"])
    for (const k of range(HALF).slice(1)) body.push(`const n${part}${k} = i32x4.mul(g${part}${k}, nineteen);`);
  for (const k of range(HALF)) {
    for (const part of ["E", "O"]) {
      const wrapped = pairsOf(k + HALF, `f${part}`, `n${part}`);
      body.push(...sumOfProducts(`${part}${k}`, [...pairsOf(k, `f${part}`, `g${part}`), ...wrapped]));
    }
    body.push(...sumOfProducts(`S${k}`, pairsOf(k, "fS", "gS")));
    const wrapped = pairsOf(k + HALF, "fS", "gS");
    if (wrapped.length > 0) body.push(...sumOfProducts(`W${k}`, wrapped));
    for (const [half] of HALVES) {
      if (wrapped.length > 0) body.push(`${half}S${k} = i64x2.add(${half}S${k}, ${times(`${half}W${k}`, [4, 1, 0])});`);
      body.push(`let ${half}${2 * k + 1} = i64x2.sub(i64x2.sub(${half}S${k}, ${half}E${k}), ${half}O${k});`);
      if (k > 0) body.push(`let ${half}${2 * k} = i64x2.add(${half}E${k}, i64x2.shl(${half}O${k - 1}, 1));`);
    }
  }
  for (const [half] of HALVES)
    body.push(`let ${half}0 = i64x2.add(${half}E0, ${times(`${half}O${HALF - 1}`, [5, 2, 1])});`);
  body.push("let c: v128;");
  body.push(`const evenMask = ${constants.lanes64((1n << 26n) - 1n)};`);
  body.push(`const oddMask = ${constants.lanes64((1n << 25n) - 1n)};`);
  for (const k of CARRIES) {
    for (const half of ["l", "h"]) {
      body.push(`c = i64x2.shr_u(${half}${k}, ${bits(k)});`);
      body.push(`${half}${k} = v128.and(${half}${k}, ${k % 2 === 0 ? "evenMask" : "oddMask"});`);
      if (k < 9) body.push(`${half}${k + 1} = i64x2.add(${half}${k + 1}, c);`);
      else body.push(`${half}0 = i64x2.add(${half}0, ${times("c", [4, 1, 0])});`);
    }
  }
  for (const k of range(LIMBS)) body.push(`v128.store(out, v128.shuffle<i32>(l${k}, h${k}, 0, 2, 4, 6), ${16 * k});`);
  return body;
}

const eachLimb = (statement) => range(LIMBS).map((k) => statement(k, 16 * k));

/** Four encodings of 32 bytes, little endian, cut into limbs: a transposition of 4x4 words, twice, then shifts and masks. */
function gather(constants) {
  const body = [];
  for (const at of [0, 16]) {
    for (const [name, source] of [
      ["a", "p0"],
      ["b", "p1"],
      ["c", "p2"],
      ["d", "p3"],
    ])
      body.push(`const ${name}${at} = v128.load(${source}, ${at});`);
    for (const [i, half, words] of [
      [0, "x", "0, 4, 1, 5"],
      [2, "z", "2, 6, 3, 7"],
    ]) {
      const w = at / 4 + i;
      body.push(
        `const ${half}${at} = v128.shuffle<i32>(a${at}, b${at}, ${words});`,
        `const ${half}${at + 1} = v128.shuffle<i32>(c${at}, d${at}, ${words});`,
        `const w${w} = v128.shuffle<i64>(${half}${at}, ${half}${at + 1}, 0, 2);`,
        `const w${w + 1} = v128.shuffle<i64>(${half}${at}, ${half}${at + 1}, 1, 3);`,
      );
    }
  }
  let bit = 0;
  for (const k of range(LIMBS)) {
    const word = bit >> 5;
    const shift = bit & 31;
    let limb = shift === 0 ? `w${word}` : `i32x4.shr_u(w${word}, ${shift})`;
    if (shift + bits(k) > 32) limb = `v128.or(${limb}, i32x4.shl(w${word + 1}, ${32 - shift}))`;
    // The top bit of an encoding is 0.
    if (shift + bits(k) !== 32 && k < LIMBS - 1) limb = `v128.and(${limb}, ${constants.lanes32(2 ** bits(k) - 1)})`;
    body.push(`v128.store(out, ${limb}, ${16 * k});`);
    bit += bits(k);
  }
  return body;
}

export function lanes25519(by) {
  const constants = new Constants("CONSTANTS");
  const twoPOf = (k) => constants.lanes32(twoP(k));
  const functions = [
    `/**
 * out = f * g, tight. f: up to 4 units, g: up to 3.
 *
 * Karatsuba over even and odd limbs: with f = E + 2^26 O, where E and O have a limb each 51 bits, and g likewise, f * g is
 * EE + 2^52 OO + 2^26 ((E + O)(E + O) - EE - OO): 75 products in place of 100. A column of the sums is at most
 * 12 * 1.51^2 * 2^52 * (1 + 19 * 4) < 2^63.1, and what is left of it after the differences is a column of f * g.
 *
 * 19 * g stays below 2^32: 19 * 3 * 1.004 * 2^26 < 2^31.9. A column is at most
 * 4 * 3 * 2^52 * 1.02 * (1 + 19 * 4 + 19 * 2 * 5 / 4) < 12 * 1.02 * 2^52 * 125 < 2^62.6: no overflow of 64 bits. The carry
 * out of limb 9, at most 2^38, comes back times 19 into limb 0, from there at most 2^17 into limb 1: tight.
 */
export function multiply(out: usize, f: usize, g: usize): void {
${lines(multiply(constants))}
}`,
    `/** Tight + tight = 2 units. */
export function add(out: usize, f: usize, g: usize): void {
${lines(eachLimb((_, at) => `v128.store(out, i32x4.add(v128.load(f, ${at}), v128.load(g, ${at})), ${at});`))}
}`,
    `/** f - g + 2p: two units more than f. g: tight, as 2p is at least as large in each limb. */
export function subtract(out: usize, f: usize, g: usize): void {
${lines(
  eachLimb((k, at) => [
    `const s${k} = i32x4.sub(v128.load(f, ${at}), v128.load(g, ${at}));`,
    `v128.store(out, i32x4.add(s${k}, ${twoPOf(k)}), ${at});`,
  ]).flat(),
)}
}`,
    `/** Lanes of all ones in the vector at \`mask\` become 2p - f, two units; the others stay. f: tight. In two's complement -f = ~f + 1. */
export function negateWhere(out: usize, f: usize, mask: usize): void {
  const m = v128.load(mask);
${lines(
  eachLimb((k, at) => [
    `const r${k} = v128.and(m, ${constants.lanes32(twoP(k) + 1)});`,
    `v128.store(out, i32x4.add(v128.xor(v128.load(f, ${at}), m), r${k}), ${at});`,
  ]).flat(),
)}
}`,
    `/** Four encoded elements of 32 bytes, below 2^255, into four lanes: limbs come out below 2^26 and 2^25. */
export function gather(out: usize, p0: usize, p1: usize, p2: usize, p3: usize): void {
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

/** Bytes of four elements. */
export const LANES: i32 = 160;

${constants.text()}

${functions.join("\n\n")}
`;
}
