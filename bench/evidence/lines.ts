/** Lines by what they are and their SHA-256: hundreds of thousands of them are compared. */
import { hash } from "node:crypto";

export const LINE_TYPES = ["record", "evidence", "receipt", "answer"] as const;
export type LineType = (typeof LINE_TYPES)[number];
export const isLineType = (type: string): type is LineType => LINE_TYPES.some((one) => one === type);

export const digestOf = (line: string | Buffer): string => hash("sha256", line, "base64");

export class Lines {
  private readonly byType: Readonly<Record<LineType, Map<string, number>>> = {
    record: new Map(),
    evidence: new Map(),
    receipt: new Map(),
    answer: new Map(),
  };

  /** @returns false where it was there */
  add(type: LineType, digest: string, at = 0): boolean {
    if (this.byType[type].has(digest)) return false;
    this.byType[type].set(digest, at);
    return true;
  }

  at(type: LineType, digest: string): number | undefined {
    return this.byType[type].get(digest);
  }

  count(type: LineType): number {
    return this.byType[type].size;
  }

  get counts(): Readonly<Record<LineType, number>> {
    const { record, evidence, receipt, answer } = this.byType;
    return { record: record.size, evidence: evidence.size, receipt: receipt.size, answer: answer.size };
  }

  /** How many of these the other has not. */
  missingIn(type: LineType, other: Lines): number {
    let missing = 0;
    for (const digest of this.byType[type].keys()) if (other.at(type, digest) === undefined) missing += 1;
    return missing;
  }
}
