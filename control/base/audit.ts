/** What the filter hands to the audit log for one request: whole lines, the record's and then, on first acceptance, its evidence. */
import { z } from "zod";

export interface AuditLines {
  /** ASCII JSON without the line end: what the next record's `prev` is the SHA-256 of. */
  readonly record: string;
  /** `payload *( "~" approval )`. */
  readonly evidence: string | undefined;
}

const evidenceLine = z.strictObject({ evidence: z.string() });

/** Whether a line of a log that others write to as well is a record, or evidence. */
export const isRecordLine = (line: string): boolean => line.startsWith('{"v":');
export const isEvidenceLine = (line: string): boolean => line.startsWith('{"evidence":');

/** @param text filter state `wasm.glassgate.audit`, or such lines from an audit log */
export function readAuditLines(text: string): AuditLines {
  const [record = "", second = ""] = text.split("\n");
  return { record, evidence: second === "" ? undefined : evidenceLine.parse(JSON.parse(second)).evidence };
}
