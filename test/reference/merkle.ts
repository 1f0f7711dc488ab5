/** RFC 6962, section 2.1, written down as it stands there: slow, and with nothing that could be wrong in the same way as the ledger's. */
import { createHash } from "node:crypto";

const sha256 = (...parts: readonly Buffer[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

/** The largest power of two below n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** MTH(D[n]) */
export function treeHash(entries: readonly Buffer[]): Buffer {
  const [only] = entries;
  if (only === undefined) return sha256();
  if (entries.length === 1) return sha256(LEAF, only);
  const k = split(entries.length);
  return sha256(NODE, treeHash(entries.slice(0, k)), treeHash(entries.slice(k)));
}

/** PATH(m, D[n]) */
export function inclusionPath(m: number, entries: readonly Buffer[]): readonly Buffer[] {
  if (entries.length <= 1) return [];
  const k = split(entries.length);
  const [left, right] = [entries.slice(0, k), entries.slice(k)];
  return m < k ? [...inclusionPath(m, left), treeHash(right)] : [...inclusionPath(m - k, right), treeHash(left)];
}

/** PROOF(m, D[n]), 0 < m <= n */
export const consistencyPath = (m: number, entries: readonly Buffer[]): readonly Buffer[] => subproof(m, entries, true);

function subproof(m: number, entries: readonly Buffer[], isWhole: boolean): readonly Buffer[] {
  if (m === entries.length) return isWhole ? [] : [treeHash(entries)];
  const k = split(entries.length);
  const [left, right] = [entries.slice(0, k), entries.slice(k)];
  return m <= k ? [...subproof(m, left, isWhole), treeHash(right)] : [...subproof(m - k, right, false), treeHash(left)];
}

/** The three lines that a checkpoint signs. */
export const checkpointText = (origin: string, entries: readonly Buffer[]): string =>
  `${origin}\n${entries.length}\n${treeHash(entries).toString("base64")}\n`;
