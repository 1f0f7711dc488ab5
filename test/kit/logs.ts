/** A test gateway's logs. Both go to one file, audit lines before the access line of their request, so that their order is known. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type AuditLines, readAuditLines } from "../../control/base/audit.js";

export type { AuditLines };

const isRecord = (line: string): boolean => line.startsWith('{"v":');
const isEvidence = (line: string): boolean => line.startsWith('{"evidence":');
const record = z.looseObject({ request_id: z.string() });

export class Logs {
  constructor(readonly path: string) {}

  private lines(): string[] {
    return readFileSync(this.path, { encoding: "utf8", flag: "a+" }).split("\n").slice(0, -1);
  }

  accessLines(): string[] {
    return this.lines().filter((line) => !isRecord(line) && !isEvidence(line));
  }

  /** By request id. */
  audits(): Map<string, AuditLines> {
    const lines = this.lines();
    return new Map(
      lines.flatMap((line, i) => {
        if (!isRecord(line)) return [];
        const next = lines[i + 1] ?? "";
        const audit = readAuditLines(isEvidence(next) ? `${line}\n${next}` : line);
        return [[record.parse(JSON.parse(line)).request_id, audit] as const];
      }),
    );
  }
}
