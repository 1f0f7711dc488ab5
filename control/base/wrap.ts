/** Word wrap for people: at the terminal's width, 40 columns included. */

const MIN_WIDTH = 20;

/**
 * Breaks a line at spaces so that none is wider than `width` columns; a word longer than that is left whole, so that it can be
 * copied. Each further line begins with `hang` spaces (default: as the line itself is indented).
 */
export function wrap(line: string, width: number, hang = line.search(/\S|$/)): string {
  if (line.length <= width) return line;
  const indent = " ".repeat(Math.min(hang, Math.max(0, width - MIN_WIDTH)));
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (current !== "" && (current + word).length > width) {
      lines.push(current);
      current = indent + word.trimStart();
    } else current += word;
  }
  return [...lines, current].join("\n");
}
