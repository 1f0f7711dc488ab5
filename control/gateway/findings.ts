/** What `gateway verify` found, with its line. */
import { isNode, type LineCounter } from "yaml";

export interface Finding {
  /** `danger` opens something or leaks; `warning` will hurt one day. */
  readonly level: "danger" | "warning";
  readonly line: number;
  readonly message: string;
  readonly mend: string;
}

export class Findings {
  readonly list: Finding[] = [];
  constructor(private readonly lines: LineCounter) {}

  add(level: Finding["level"], node: unknown, message: string, mend: string): void {
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    this.list.push({ level, line: this.lines.linePos(offset).line, message, mend });
  }
}
