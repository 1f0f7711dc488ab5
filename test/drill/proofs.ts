/** A report's proofs, checked by the tests' own hands. */
import { createHash } from "node:crypto";
import { parseCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { verifyInclusion } from "../../control/ledger/tlog/proof.js";

const hash = (...parts: readonly Buffer[]): string => createHash("sha256").update(Buffer.concat(parts)).digest("hex");
/** RFC 6962, section 2.1. */
export const leafOf = (base64: string): string => hash(Buffer.of(0), Buffer.from(base64, "base64"));
export const checkpointSize = (text: string): number => parseCheckpoint(text).size;

export function verifies(leaf: string, entry: number, proof: readonly string[], checkpoint: string): boolean {
  const { size, root } = parseCheckpoint(checkpoint);
  return verifyInclusion(
    Buffer.from(leaf, "hex"),
    entry,
    size,
    root,
    proof.map((one) => Buffer.from(one, "hex")),
  );
}
