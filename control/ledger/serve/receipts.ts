/** A receipt for a record that waits for one (DESIGN: `audit: "receipt"`): the record is durable before the receipt is signed. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { isEvidenceLine } from "../../base/audit.js";
import type { Sender } from "../entry.js";
import { splitLines } from "../follow/lines.js";
import type { Intake } from "../intake.js";
import { type Answer, Refused } from "./answer.js";

/** A record has 8 KiB at most, its evidence as much again. */
export const MAX_RECEIPT_BODY_BYTES = 32 * 1024;
export const MAX_RECEIPT_LINES = 2;

const pending = z.looseObject({
  v: z.literal(1),
  vm: z.string().min(1),
  seq: z.int().positive(),
  verdict: z.literal("pending"),
});

/** The log's key, as far as it signs receipts. */
export interface ReceiptSigner {
  signReceipt(receipt: { readonly index: number; readonly recordSha256: string; readonly iat: number }): string;
}

function isPending(line: Buffer): boolean {
  try {
    return pending.safeParse(JSON.parse(line.toString("utf8"))).success;
  } catch {
    return false; // No JSON: no record.
  }
}

/** @throws Refused (400) for anything but one pending record and at most its evidence */
function readPending(body: Buffer): readonly Buffer[] {
  const lines = splitLines(body);
  const [record, evidence] = lines;
  const isRight =
    lines.length <= MAX_RECEIPT_LINES &&
    record !== undefined &&
    isPending(record) &&
    (evidence === undefined || isEvidenceLine(evidence.toString("latin1", 0, 16)));
  if (!isRight)
    throw new Refused(400, "A receipt is for one record whose verdict is pending, with at most one line of evidence.");
  return lines;
}

export async function giveReceipt(
  body: Buffer,
  sender: Sender,
  { intake, signer, now }: { readonly intake: Intake; readonly signer: ReceiptSigner; readonly now: () => number },
): Promise<Answer> {
  const lines = readPending(body);
  const taken = await intake.take(lines.map((bytes) => ({ kind: "line", bytes, sender })));
  const index = taken[0]?.index;
  const [record] = lines;
  if (index === undefined || record === undefined)
    throw new Refused(503, "The record was taken in before, and its place is not known here any more.");
  const recordSha256 = createHash("sha256").update(record).digest("hex");
  const receipt = signer.signReceipt({ index, recordSha256, iat: Math.floor(now() / 1000) });
  return { status: 200, headers: { "content-type": "application/jose" }, body: receipt };
}
