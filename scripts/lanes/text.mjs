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
