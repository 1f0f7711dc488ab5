/** Word wrap for people: at the terminal's width, 40 columns included. */
import { stripVTControlCharacters } from "node:util";

const MIN_WIDTH = 20;

const PLAIN = /^[\x20-\x7e]*$/;
/** No column of their own: combining marks, joiners and other format characters. */
const NO_COLUMN = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;
/** Two columns: East Asian Wide and Fullwidth (UAX 11) in blocks, and what is shown as an emoji. */
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]|^.\ufe0f/u;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

function split(text: string): string[] {
  return [...graphemes.segment(text)].map(({ segment }) => segment);
}

const columnsOfOne = (grapheme: string): number => (NO_COLUMN.test(grapheme) ? 0 : WIDE.test(grapheme) ? 2 : 1);

/** How many columns of a terminal the text takes; colours take none. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  return split(stripVTControlCharacters(text)).reduce((sum, grapheme) => sum + columnsOfOne(grapheme), 0);
}

/** What must stay together. A run of wide characters has no spaces and may be broken anywhere; a path or a token may not. */
function parts(word: string, room: number): string[] {
  if (columnsOf(word) <= room || PLAIN.test(word)) return [word];
  const all = split(word);
  return all.every((grapheme) => grapheme === " " || columnsOfOne(grapheme) !== 1) ? all : [word];
}

function wrapLine(line: string, width: number, hang: number): string {
  if (columnsOf(line) <= width) return line;
  const indent = Math.min(hang, Math.max(0, width - MIN_WIDTH));
  const lines: string[] = [];
  let current = "";
  let used = 0;
  for (const word of line.split(/(?<=\S)(?= )/).flatMap((part) => parts(part, width - indent))) {
    const columns = columnsOf(word);
    if (used > 0 && used + columns > width) {
      lines.push(current);
      const text = word.trimStart();
      const needed = columnsOf(text);
      const before = Math.min(indent, Math.max(0, width - needed));
      current = " ".repeat(before) + text;
      used = before + needed;
    } else {
      current += word;
      used += columns;
    }
  }
  return [...lines, current].join("\n");
}

/**
 * Breaks text at spaces so that no line is wider than `width` columns; a word longer than that is left whole, so that it can
 * be copied. Each further line of a line begins with `hang` spaces (default: as the line itself is indented).
 */
export function wrap(text: string, width: number, hang?: number): string {
  if (!Number.isFinite(width)) return text;
  return text
    .split("\n")
    .map((line, i) => {
      const indented =
        i > 0 && hang !== undefined ? " ".repeat(Math.min(hang, Math.max(0, width - MIN_WIDTH))) + line : line;
      return wrapLine(indented, width, hang ?? line.search(/\S|$/));
    })
    .join("\n");
}
