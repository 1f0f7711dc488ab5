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
  ...["..", "//", "%2e", "%2F", "\\u0000", "1e9", "9007199254740992", "null", "**"],
];
/** How many changes: one is what comes deepest. */
const CHANGES = [1, 1, 1, 2, 3, 4];
/** A digit becomes a digit, a letter a letter: what stays well-formed comes past the first check. */
const KINDS = ["0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

function another(random: Random, character: string): string {
  const kind = KINDS.find((letters) => letters.includes(character));
  return kind === undefined ? character : (kind[random.below(kind.length)] ?? character);
}

/** One change: bits, pieces put in or over, cut out, repeated, or taken from another input. */
function change(random: Random, text: string, other: string): string {
  const at = random.below(text.length + 1);
  const piece = (): string => (random.below(3) === 0 ? String.fromCharCode(random.below(256)) : random.oneOf(TELLING));
  const end = (): number => Math.min(text.length, at + 1 + random.below(random.below(8) === 0 ? 300 : 8));
  const before = text.slice(0, at);
  switch (random.below(8)) {
    case 0:
      return before + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << random.below(8))) + text.slice(at + 1);
    case 1:
      return before + piece() + text.slice(at);
    case 2: {
      const over = piece();
      return before + over + text.slice(at + over.length);
    }
    case 3:
      return before + text.slice(end());
    case 4: {
      const to = end();
      return before + text.slice(at, to).repeat(2) + text.slice(to);
    }
    case 5: {
      const from = random.below(other.length + 1);
      return before + other.slice(from, from + 1 + random.below(64)) + text.slice(at);
    }
    default:
      return before + another(random, text.charAt(at)) + text.slice(at + 1);
  }
}

/** The text with one to four changes. */
export function bend(random: Random, text: string, other: string): string {
  let bent = text;
  for (let i = random.oneOf(CHANGES); i > 0; i--) bent = change(random, bent, other);
  return bent;
}
