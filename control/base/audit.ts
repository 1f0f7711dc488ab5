/**
 * What the filter hands to the audit log for one request: whole lines, the record's, then, on first acceptance, its evidence. Where the
 * record is pending, as a ledger must have it first, the record that settles it comes behind, and the ledger's receipt. Then, where
 * the gateway failed after the record was taken, the record that corrects it, or, where the stream was ended with its grant, the
 * record that says so.
 */
import { z } from "zod";

export interface AuditLines {
  /** ASCII JSON without the line end: what the next record's `prev` is the SHA-256 of. */
  readonly record: string;
  /** `payload *( "~" approval )`. */
  readonly evidence: string | undefined;
  /** A record as well: what became of the first one, which is pending. */
  readonly settled: string | undefined;
  /** A compact JWS: the ledger has the pending record. */
  readonly receipt: string | undefined;
  /** A record as well: the next of the chain, and what became of the request. */
  readonly correction: string | undefined;
  /** A record as well: the stream was open and did not outlive its grant. */
  readonly ended: string | undefined;
}

const evidenceLine = z.strictObject({ evidence: z.string() });
const receiptLine = z.strictObject({ receipt: z.string() });

/** Whether a line of a log that others write to as well is a record, evidence, or a receipt. */
export const isRecordLine = (line: string): boolean => line.startsWith('{"v":');
export const isEvidenceLine = (line: string): boolean => line.startsWith('{"evidence":');
export const isReceiptLine = (line: string): boolean => line.startsWith('{"receipt":');

const related = z.looseObject({
  settles: z.number().optional(),
  corrects: z.number().optional(),
  ended: z.literal(true).optional(),
});
export type Relation = "first" | "settled" | "correction" | "ended";
/** What a record is to those of its request that stand before it. */
export function relationOf(record: string): Relation {
  const { settles, corrects, ended } = related.parse(JSON.parse(record));
  if (ended === true) return "ended";
  if (corrects !== undefined) return "correction";
  return settles === undefined ? "first" : "settled";
}

/** @param text filter state `wasm.glassgate.audit`, or such lines from an audit log */
export function readAuditLines(text: string): AuditLines {
  const [record = "", ...rest] = text.split("\n").filter((line) => line !== "");
  const further = new Map(rest.filter(isRecordLine).map((line) => [relationOf(line), line]));
  const receipt = rest.find(isReceiptLine);
  const second = rest.find((line) => !isRecordLine(line) && line !== receipt);
  return {
    record,
    evidence: second === undefined ? undefined : evidenceLine.parse(JSON.parse(second)).evidence,
    settled: further.get("settled"),
    receipt: receipt === undefined ? undefined : receiptLine.parse(JSON.parse(receipt)).receipt,
    correction: further.get("correction"),
    ended: further.get("ended"),
  };
}

/** The record that says what became of the request. */
export const decidedBy = ({ record, settled, correction }: AuditLines): string => correction ?? settled ?? record;
