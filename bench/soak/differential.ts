/** The signature checks against OpenSSL: test/crypto/differential.test.ts over and over. */
import { type Part, type PartFindings, runParts } from "./parts.js";

const TEST = "test/crypto/differential.test.ts";
const ALGORITHMS = ["Ed25519", "ES256"] as const;
/** Cases of one process: a minute or less. */
const PART = 20_000;

/** Half of the cases of each algorithm, by turns. */
function partsOf(cases: number): Part[] {
  const parts: Part[] = [];
  for (let left = Math.ceil(cases / ALGORITHMS.length); left > 0; left -= PART) {
    const count = Math.min(PART, left);
    // The test gives each algorithm half of them, and here only one is run.
    const env = { GLASSGATE_CASES: String(count * ALGORITHMS.length) };
    parts.push(...ALGORITHMS.map((algorithm) => ({ cases: count, env, args: [TEST, "-t", `${algorithm}:`] })));
  }
  return parts;
}

/** @param cases of both algorithms together */
export function soakDifferential(cases: number, say: (line: string) => void): Promise<PartFindings> {
  return runParts(partsOf(cases), `${TEST} failed: a signature check differs from OpenSSL's`, say);
}
