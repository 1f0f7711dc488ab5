/** A test gateway's logs. Both go to one file, audit lines before the access line of their request, so that their order is known. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type AuditLines, isEnd, isEvidenceLine, isRecordLine, readAuditLines } from "../../control/base/audit.js";

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
        if (!isRecordLine(line) || isEnd(line)) return [];
        // What was written with it: its evidence, and the end of its stream.
        const rest = lines.slice(i + 1, i + 3);
        const more = rest.slice(
          0,
          rest.findIndex((next) => !isEvidenceLine(next) && !(isRecordLine(next) && isEnd(next))) >>> 0,
        );
        const audit = readAuditLines([line, ...more].join("\n"));
        return [[record.parse(JSON.parse(line)).request_id, audit] as const];
      }),
    );
  }
}
