/** Text for people: escaping what could deceive them, and "did you mean". */
import { distance } from "fastest-levenshtein";

/** Controls, DEL, C1, bidirectional and other format characters, line separators, the BOM, tags and private use. */
const DECEIVING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;

/** Shows what could hide or reorder text as `\u{...}`. */
export function visible(text: string): string {
  return text.replace(DECEIVING, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

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
