/** Somebody else's words on our screen: quoted, wrapped by us, with a margin that no word can leave. */
import { escaped, visible } from "./text.js";

/** Below this the margin would leave no room; a terminal narrower than that wraps by itself. */
const MIN_WIDTH = 20;

export interface Quote {
  readonly lines: readonly string[];
  /** What the signs stand for that the words made necessary. */
  readonly legend: readonly string[];
}

/** Columns that a terminal gives it, at most: what is not plainly narrow counts as wide. */
function columns(text: string): number {
  let count = 0;
  for (const character of text) count += character < "\u1100" ? 1 : 2;
  return count;
}

/** Breaks at spaces, and inside a word that is wider than a line. Nothing is dropped: the space before a break stays. */
function broken(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(/[^ ]* ?/g) ?? []) {
    if (columns(line) + columns(word.trimEnd()) <= width) {
      line += word;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    // A mark stays with its letter: alone at the margin it would stand on the margin.
    for (const cluster of word.match(/\P{M}\p{M}*|\p{M}+/gu) ?? []) {
      if (columns(line) + columns(cluster.trimEnd()) > width && line !== "") {
        lines.push(line);
        line = "";
      }
      line += cluster;
    }
  }
  return [...lines, line];
}

/** A value on lines of at most `width` columns: `first` before it, `next` before each line that continues it. */
export function block(value: string, width: number, first: string, next: string): string[] {
  const room = Math.max(MIN_WIDTH, width) - Math.max(first.length, next.length);
  return broken(value, Math.max(1, room)).map((line, index) => `${index === 0 ? first : next}${line.trimEnd()}`);
}

/** Spaces that a reader would not see, at an end of the words or beside another, as dots. */
function showSpaces(words: string): string {
  return words.replaceAll("\u00b7", escaped).replace(/^ +| +$|(?<= ) +/gm, (spaces) => "\u00b7".repeat(spaces.length));
}

/** A value of somebody else's on one line, in quotation marks that are the only bare ones: spaces that a reader would not see as dots. */
export function quoted(value: string): string {
  return `"${visible(showSpaces(value.replace(/["\\]/g, "\\$&")))}"`;
}

/** The words behind a margin of `| `: white space made visible, each of their lines on a line of its own. */
export function quote(words: string, width: number): Quote {
  const parts = words.replaceAll("\\", "\\\\").split("\n");
  const shown = parts.map((part, index) => {
    const text = visible(showSpaces(part)).replace(/(?<!\\)\\u\{9\}/g, "\\t");
    return index < parts.length - 1 ? `${text}\\n` : text;
  });
  const text = shown.join("\n");
  const legend = [
    ...(words.includes("\n") ? ["\\n is a line end"] : []),
    ...(words.includes("\t") ? ["\\t a tab"] : []),
    ...(/^ | $| {2}/m.test(words) ? ["\u00b7 a space"] : []),
    ...(words.includes("\\") ? ["\\\\ a backslash"] : []),
    ...(/\\u\{/.test(text) ? ["\\u{...} a sign that cannot be seen, or one of too many accents"] : []),
    ...(/[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(words)
      ? ["right-to-left letters: your terminal may show their lines in another order"]
      : []),
  ];
  return { lines: shown.flatMap((line) => block(line, width, "| ", "| ")), legend };
}
