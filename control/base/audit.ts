/**
 * What the filter hands to the audit log for one request: whole lines, the record's, then, on first acceptance, its evidence, and
 * then, where the gateway failed after the record was taken, the record that corrects it, or, where the stream was ended with its
 * grant, the record that says so.
 */
import { z } from "zod";

export interface AuditLines {
  /** ASCII JSON without the line end: what the next record's `prev` is the SHA-256 of. */
  readonly record: string;
  /** `payload *( "~" approval )`. */
  readonly evidence: string | undefined;
  /** A record as well: the next of the chain, and what became of the request. */
  readonly correction: string | undefined;
  /** A record as well: the stream was open and did not outlive its grant. */
  readonly ended: string | undefined;
}

const evidenceLine = z.strictObject({ evidence: z.string() });

/** Whether a line of a log that others write to as well is a record, or evidence. */
export const isRecordLine = (line: string): boolean => line.startsWith('{"v":');
export const isEvidenceLine = (line: string): boolean => line.startsWith('{"evidence":');

const ending = z.looseObject({ ended: z.literal(true) });
/** Whether a record says that an open stream was ended. */
export const isEnd = (line: string): boolean => ending.safeParse(JSON.parse(line)).success;

/** @param text filter state `wasm.glassgate.audit`, or such lines from an audit log */
export function readAuditLines(text: string): AuditLines {
  const [record = "", ...rest] = text.split("\n").filter((line) => line !== "");
  const ended = rest.find((line) => isRecordLine(line) && isEnd(line));
  const correction = rest.find((line) => isRecordLine(line) && line !== ended);
  const [second] = rest.filter((line) => !isRecordLine(line));
  const evidence = second === undefined ? undefined : evidenceLine.parse(JSON.parse(second)).evidence;
  return { record, evidence, correction, ended };
}
