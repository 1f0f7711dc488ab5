/**
 * What the filter hands to the audit log for one request: whole lines, the record's, then, on first acceptance, its evidence, and
 * then, where the gateway failed after the record was taken, the record that corrects it.
 */
import { z } from "zod";

export interface AuditLines {
  /** ASCII JSON without the line end: what the next record's `prev` is the SHA-256 of. */
  readonly record: string;
  /** `payload *( "~" approval )`. */
  readonly evidence: string | undefined;
  /** A record as well: the next of the chain, and what became of the request. */
  readonly correction: string | undefined;
}

const evidenceLine = z.strictObject({ evidence: z.string() });

/** Whether a line of a log that others write to as well is a record, or evidence. */
export const isRecordLine = (line: string): boolean => line.startsWith('{"v":');
export const isEvidenceLine = (line: string): boolean => line.startsWith('{"evidence":');

/** @param text filter state `wasm.glassgate.audit`, or such lines from an audit log */
export function readAuditLines(text: string): AuditLines {
  const [record = "", ...rest] = text.split("\n").filter((line) => line !== "");
  const correction = rest.find(isRecordLine);
  const [second] = rest.filter((line) => line !== correction);
  const evidence = second === undefined ? undefined : evidenceLine.parse(JSON.parse(second)).evidence;
  return { record, evidence, correction };
}
