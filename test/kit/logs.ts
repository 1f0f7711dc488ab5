/** A test gateway's logs. Both go to one file, audit lines before the access line of their request, so that their order is known. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type AuditLines, isEvidenceLine, isRecordLine, readAuditLines } from "../../control/base/audit.js";

export type { AuditLines };

const record = z.looseObject({ request_id: z.string() });

export class Logs {
  constructor(readonly path: string) {}

  private lines(): string[] {
    return readFileSync(this.path, { encoding: "utf8", flag: "a+" }).split("\n").slice(0, -1);
  }

  accessLines(): string[] {
    return this.lines().filter((line) => !isRecordLine(line) && !isEvidenceLine(line));
  }

  /** By request id. */
  audits(): Map<string, AuditLines> {
    const lines = this.lines();
    return new Map(
      lines.flatMap((line, i) => {
        if (!isRecordLine(line)) return [];
        const next = lines[i + 1] ?? "";
        const audit = readAuditLines(isEvidenceLine(next) ? `${line}\n${next}` : line);
        return [[record.parse(JSON.parse(line)).request_id, audit] as const];
      }),
    );
  }
}
