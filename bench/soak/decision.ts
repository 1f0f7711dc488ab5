/** The decisions against the reference: test/reference/decision.test.ts over and over, each time from another seed. */
import { type Part, type PartFindings, runParts } from "./parts.js";

const TEST = "test/reference/decision.test.ts";
/** Cases of one process: half a minute. */
const PART = 25_000;

function partsOf(cases: number, seed: number): Part[] {
  return Array.from({ length: Math.ceil(cases / PART) }, (_, i) => {
    const count = Math.min(PART, cases - i * PART);
    const env = { GLASSGATE_DECISIONS: String(count), GLASSGATE_SEED: String(seed + i) };
    return { cases: count, env, args: [TEST] };
  });
}

export function soakDecision(cases: number, seed: number, say: (line: string) => void): Promise<PartFindings> {
  return runParts(partsOf(cases, seed), `${TEST} failed: the filter and the reference disagree`, say);
}
