/** Text for people: escaping what could deceive them, and "did you mean". */
import { distance } from "fastest-levenshtein";

/** What has ink, by Unicode's own categories; marks are judged by what they stand on. One space is the only white space. */
const INK = /^[\p{L}\p{N}\p{P}\p{S} ]$/u;
const MARK = /^\p{M}$/u;
/** Hangul fillers, joiners, variation selectors, tags and all else that a font draws as nothing. */
const IGNORABLE = /^\p{Default_Ignorable_Code_Point}$/u;
/**
 * Letters, marks and symbols that Unicode does not call ignorable and that are blank all the same: the braille blank, the null
 * notehead, the ideographic half fill space, the object replacement character, and marks that only say how others are joined.
 */
const BLANK = new Set(
  [
    0x2800, 0x1d159, 0x303f, 0xfffc, 0x2d7f, 0xaaf6, 0x16fe4, 0x10a3f, 0x1107f, 0x11133, 0x113d0, 0x1193e, 0x11a47,
    0x11a99, 0x11d45, 0x11d97, 0x11f42, 0x13440, 0x1bc9d,
  ].map((code) => String.fromCodePoint(code)),
);
/** Marks that join two letters of their own script, as its words need, and show nothing anywhere else. */
const STACKERS: ReadonlyMap<string, RegExp> = new Map([
  ["\u1039", /^\p{Script=Myanmar}$/u],
  ["\u17d2", /^\p{Script=Khmer}$/u],
  ["\u1a60", /^\p{Script=Tai_Tham}$/u],
]);
/** Vietnamese and Hebrew need two on one letter, and hardly any language three. */
const MAX_MARKS = 3;

/** A character's escape, `\u{200b}`. */
export function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * Shows whatever has no ink, and marks piled upon each other, as `\u{...}`: an allow-list, so that what Unicode adds later, or
 * this machine does not know, is escaped as well. The result is one line.
 */
export function visible(text: string): string {
  let shown = "";
  let base = "";
  let marks = 0;
  for (const character of text) {
    const isBlank = IGNORABLE.test(character) || BLANK.has(character);
    if (!isBlank && INK.test(character)) {
      shown += character;
      base = character === " " ? "" : character;
      marks = 0;
    } else if (!isBlank && MARK.test(character) && base !== "" && marks < MAX_MARKS && joins(character, base)) {
      shown += character;
      marks += 1;
    } else {
      shown += escaped(character);
      if (!MARK.test(character)) base = "";
    }
  }
  return shown;
}

function joins(mark: string, base: string): boolean {
  return STACKERS.get(mark)?.test(base) ?? true;
}

/** One word of a shell, whatever it holds: for a command that is to be copied. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The nearest right name, if one is near: at most a third of the letters differ. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const far = distance(name.toLowerCase(), candidate.toLowerCase());
    if (far < bestDistance) {
      best = candidate;
      bestDistance = far;
    }
  }
  return best;
}

/** `1 key`, `2 keys`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
