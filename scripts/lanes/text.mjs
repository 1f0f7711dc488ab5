// Small helpers for writing generated AssemblyScript.

export const range = (n) => Array.from({ length: n }, (_, i) => i);

export const lines = (statements) => statements.map((statement) => `  ${statement}`).join("\n");

/** In each half of a vector: `low` has lanes 0 and 1, `high` lanes 2 and 3. */
export const HALVES = [
  ["l", "low"],
  ["h", "high"],
];

/** Vector constants, kept in linear memory. */
export class Constants {
  constructor(name) {
    this.name = name;
    this.words = [];
  }

  /** The same 32 bits in each of four lanes. */
  lanes32(value) {
    const word = BigInt.asUintN(32, BigInt(value));
    return this.lanes64((word << 32n) | word);
  }

  /** The same 64 bits in both halves. */
  lanes64(value) {
    const word = BigInt.asUintN(64, BigInt(value));
    let index = this.words.indexOf(word);
    if (index < 0) index = this.words.push(word) - 1;
    return `v128.load(${this.name}, ${16 * index})`;
  }

  text() {
    const items = this.words.map((word) => `  0x${word.toString(16)}, 0x${word.toString(16)},`);
    return `const ${this.name}: usize = memory.data<u64>(\n  [\n${items.map((item) => `  ${item}`).join("\n")}\n  ],\n  16,\n);`;
  }
}

/** Vectors w0 to w7 of the words of 32 bytes at each of p0 to p3: a transposition of 4x4 words, twice. */
export function transposedWords() {
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
  return body;
}

/** The `bits` bits from `bit` on of these words, and more above them unless a word ends there. */
export function bitsOfWords(bit, bits) {
  const word = bit >> 5;
  const shift = bit & 31;
  const low = shift === 0 ? `w${word}` : `i32x4.shr_u(w${word}, ${shift})`;
  return shift + bits > 32 ? `v128.or(${low}, i32x4.shl(w${word + 1}, ${32 - shift}))` : low;
}
