/** A test gateway's logs. Both go to one file, audit lines before the access line of their request, so that their order is known. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import {
  type AuditLines,
  isEvidenceLine,
  isReceiptLine,
  isRecordLine,
  readAuditLines,
  relationOf,
} from "../../control/base/audit.js";

export type { AuditLines };

const record = z.looseObject({ request_id: z.string() });

const isOfAudit = (line: string): boolean => isRecordLine(line) || isEvidenceLine(line) || isReceiptLine(line);
/** A request's first record: what is behind it follows it. */
const isFirst = (line: string): boolean => isRecordLine(line) && relationOf(line) === "first";

export class Logs {
  constructor(readonly path: string) {}

  private lines(): string[] {
    return readFileSync(this.path, { encoding: "utf8", flag: "a+" }).split("\n").slice(0, -1);
  }

  accessLines(): string[] {
    return this.lines().filter((line) => !isOfAudit(line));
  }

  /** By request id. */
  audits(): Map<string, AuditLines> {
    const lines = this.lines();
    return new Map(
      lines.flatMap((line, i) => {
        if (!isFirst(line)) return [];
        // What was written with it.
        const end = lines.findIndex((next, at) => at > i && (!isOfAudit(next) || isFirst(next)));
        const audit = readAuditLines(lines.slice(i, end < 0 ? undefined : end).join("\n"));
        return [[record.parse(JSON.parse(line)).request_id, audit] as const];
      }),
    );
  }
}
