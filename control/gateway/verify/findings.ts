/** What `gateway verify` found, each with its line and a name that stays the same. */
import { visible } from "../../base/text.js";
import type { Value } from "./value.js";

/** `danger` opens something, leaks, or loses the record; `warning` will hurt one day; what is `not understood` nobody has judged. */
export type Level = "danger" | "warning" | "not understood";

export interface Finding {
  readonly level: Level;
  readonly file?: string;
  readonly line: number;
  /** For `--accept`: what it is about, and where. */
  readonly name: string;
  readonly message: string;
  readonly mend: string;
}

const ORDER: Readonly<Record<Level, number>> = { danger: 0, "not understood": 1, warning: 2 };

export class Findings {
  private readonly all = new Map<string, Finding>();

  add(level: Level, at: Value | number | undefined, name: string, message: string, mend: string): void {
    const line = typeof at === "number" ? at : (at?.line ?? 1);
    const file = typeof at === "object" ? at.file : undefined;
    this.addAll([
      {
        level,
        ...(file === undefined ? {} : { file }),
        line,
        name: visible(name).replace(/\s+/g, "_"),
        message: visible(message),
        mend: visible(mend),
      },
    ]);
  }

  addAll(findings: readonly Finding[]): void {
    for (const finding of findings) {
      const { level, file, line, name, message } = finding;
      const key = `${level} ${file ?? ""} ${line} ${name} ${message}`;
      if (!this.all.has(key)) this.all.set(key, finding);
    }
  }

  get list(): Finding[] {
    return [...this.all.values()].sort(
      (a, b) => (a.file ?? "").localeCompare(b.file ?? "") || a.line - b.line || ORDER[a.level] - ORDER[b.level],
    );
  }
}
