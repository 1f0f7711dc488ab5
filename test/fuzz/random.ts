/** Numbers from a seed, and bytes that are bent by them: thousands a millisecond, where fast-check would take most of the time. */

export class Random {
  constructor(private state: number) {}

  /** From 0 to below `count` (mulberry32). */
  below(count: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  }

  oneOf<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }
}

/** Pieces that mean something to one of the formats. */
const TELLING = [
  ...'._-~+/=\\"{}[],:0eE \n\t;%#?*@\x00\x7f\x80\xff',
  "..",
  "//",
  "%2e",
  "%2F",
  "\\u0000",
  "1e9",
  "9007199254740992",
  "null",
  "**",
];

/** One to four changes: bits, pieces put in or over, cut out, repeated, or taken from another input. */
export function bend(random: Random, text: string, other: string): string {
  let bent = text;
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(bent.length + 1);
    const end = Math.min(bent.length, at + 1 + random.below(random.below(8) === 0 ? 300 : 8));
    const piece = random.below(3) === 0 ? String.fromCharCode(random.below(256)) : random.oneOf(TELLING);
    const from = random.below(other.length + 1);
    const choices = [
      () =>
        bent.slice(0, at) +
        String.fromCharCode((bent.charCodeAt(at) || 0) ^ (1 << random.below(8))) +
        bent.slice(at + 1),
      () => bent.slice(0, at) + piece + bent.slice(at),
      () => bent.slice(0, at) + piece + bent.slice(at + piece.length),
      () => bent.slice(0, at) + bent.slice(end),
      () => bent.slice(0, at) + bent.slice(at, end).repeat(2) + bent.slice(end),
      () => bent.slice(0, at) + other.slice(from, from + 1 + random.below(64)) + bent.slice(at),
    ];
    bent = random.oneOf(choices)();
  }
  return bent;
}
