/** Help at the terminal's width: descriptions hang in their column, examples stay lines that a shell takes. */
import { wrap } from "../base/wrap.js";

/** What commander takes for a width at which it breaks nothing. */
export const UNWRAPPED = 1_000_000;

/** Narrower columns than this stand under their term instead of beside it. */
const MIN_COLUMN = 30;
const UNDER = 6;

/** An example broken at spaces outside quotes, each line but the last ending in the shell's own sign for "goes on". */
function wrapExample(line: string, width: number): string {
  const [, command = "", comment] = /^(.*?)(?:\s+(# .*))?$/.exec(line.trimStart()) ?? [];
  // An option and its value stay together.
  const words = command.match(/(?:(?:-[\w-]+|>) (?=[^-]))?(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const lines: string[] = [];
  let current = " ";
  for (const word of words) {
    if (current.trim() !== "" && current.length + 1 + word.length > width - 2) {
      lines.push(`${current} \\`);
      current = " ".repeat(UNDER - 1);
    }
    current += ` ${word}`;
  }
  lines.push(current);
  if (comment !== undefined)
    lines.push(
      `${" ".repeat(UNDER)}${wrap(comment, width - UNDER - 2, 0).replaceAll("\n", `\n${" ".repeat(UNDER)}# `)}`,
    );
  return lines.join("\n");
}

function wrapHelpLine(line: string, width: number): string {
  if (line.startsWith("  $ ")) return line.length <= width ? line : wrapExample(line, width);
  const item = /^( {2}\S.*? {2,})(\S.*)$/.exec(line);
  if (item === null) return wrap(line, width, line.startsWith("Usage:") ? UNDER : undefined);
  const [, term = "", description = ""] = item;
  if (width - term.length >= MIN_COLUMN) return wrap(line, width, term.length);
  return `${wrap(term.trimEnd(), width, UNDER)}\n${wrap(" ".repeat(UNDER) + description, width)}`;
}

export function wrapHelp(text: string, width: number): string {
  if (!Number.isFinite(width)) return text;
  return text
    .split("\n")
    .map((line) => wrapHelpLine(line, width))
    .join("\n");
}
