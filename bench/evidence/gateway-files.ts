/** What a gateway's own files say, read line by line: each line that is evidence of something, and of each request what became of it. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import { isEvidenceLine, isReceiptLine, isRecordLine, relationOf } from "../../control/base/audit.js";
import { digestOf, Lines, type LineType } from "./lines.js";

const recordSchema = z.looseObject({
  vm: z.string(),
  seq: z.number(),
  verdict: z.string(),
  path: z.string().optional(),
  jti: z.string().optional(),
  request_id: z.string(),
  ts: z.string(),
  bundle: z.number().optional(),
  settles: z.number().optional(),
  ended: z.literal(true).optional(),
});
const receiptSchema = z.looseObject({ receipt: z.string() });
const receiptClaims = z.looseObject({ index: z.number(), record_sha256: z.string() });

export type AuditRecord = z.infer<typeof recordSchema>;
const answerSchema = z.looseObject({ request_id: z.string() });

/** Told of each line as it is read, the first time that it stands there. */
export interface Reader {
  record?(record: AuditRecord, digest: string): void;
  answer?(requestId: string, digest: string): void;
}

export interface Decided {
  readonly vm: string;
  readonly seq: number;
  readonly verdict: string;
  readonly digest: string;
  readonly settles: number | undefined;
}

export interface Receipt {
  readonly digest: string;
  readonly index: number;
}

/** By the request's path, of which each request has its own. */
export interface GatewayFiles {
  readonly lines: Lines;
  /** The first record of each request: of one that needs a receipt, the pending one. */
  readonly first: ReadonlyMap<string, Decided>;
  readonly settled: ReadonlyMap<string, Decided>;
  /** By the digest of the pending record. */
  readonly receipts: ReadonlyMap<string, Receipt>;
  /** Lines that were cut off when Envoy was killed, or when the file was. */
  readonly torn: number;
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false; // The caller counts it.
  }
}

function receiptOf(line: string): { readonly of: string; readonly index: number } {
  const [, payload = ""] = receiptSchema.parse(JSON.parse(line)).receipt.split(".");
  const { index, record_sha256 } = receiptClaims.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  return { of: Buffer.from(record_sha256, "hex").toString("base64"), index };
}

const typeOf = (line: string): LineType | undefined => {
  if (isRecordLine(line)) return "record";
  if (isEvidenceLine(line)) return "evidence";
  return isReceiptLine(line) ? "receipt" : undefined;
};

/** @param audit files with records, evidence and receipts, other lines between them or not @param answers files of answers */
export async function readGatewayFiles(
  audit: readonly string[],
  answers: readonly string[],
  reader: Reader = {},
): Promise<GatewayFiles> {
  const lines = new Lines();
  const first = new Map<string, Decided>();
  const settled = new Map<string, Decided>();
  const receipts = new Map<string, Receipt>();
  let torn = 0;
  for (const file of audit)
    for await (const line of createInterface(createReadStream(file))) {
      const type = typeOf(line);
      if (type === undefined) continue;
      if (!isWhole(line)) {
        torn += 1;
        continue;
      }
      const digest = digestOf(line);
      const isNew = lines.add(type, digest);
      if (type === "receipt") {
        const { of, index } = receiptOf(line);
        receipts.set(of, { digest, index });
      }
      if (type !== "record") continue;
      const record = recordSchema.parse(JSON.parse(line));
      if (isNew) reader.record?.(record, digest);
      const { vm, seq, verdict, path = "", settles } = record;
      const of = relationOf(line) === "settled" ? settled : first;
      of.set(path, { vm, seq, verdict, digest, settles });
    }
  for (const file of answers)
    for await (const line of createInterface(createReadStream(file)))
      if (isWhole(line)) {
        const digest = digestOf(line);
        if (lines.add("answer", digest) && reader.answer !== undefined)
          reader.answer(answerSchema.parse(JSON.parse(line)).request_id, digest);
      } else torn += 1;
  return { lines, first, settled, receipts, torn };
}
