/** The signature checks against OpenSSL: test/crypto/differential.test.ts over and over, one process a core. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { showDuration } from "../base/duration.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const TEST = "test/crypto/differential.test.ts";
const ALGORITHMS = ["Ed25519", "ES256"] as const;
/** Cases of one process: a minute or less, so that one knows how far it is. */
const PART = 20_000;
const PROCESSES = 2;

export interface DifferentialFindings {
  readonly cases: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

interface Part {
  readonly algorithm: (typeof ALGORITHMS)[number];
  readonly cases: number;
}

/** Half of the cases of each algorithm, by turns. */
function partsOf(cases: number): Part[] {
  const parts: Part[] = [];
  for (let left = Math.ceil(cases / ALGORITHMS.length); left > 0; left -= PART)
    parts.push(...ALGORITHMS.map((algorithm) => ({ algorithm, cases: Math.min(PART, left) })));
  return parts;
}

/** @returns what the test printed, where it failed */
async function run({ algorithm, cases }: Part): Promise<string | undefined> {
  // The test gives each algorithm half of them, and here only one is run.
  const env = { ...process.env, GLASSGATE_CASES: String(cases * ALGORITHMS.length) };
  const child = spawn(process.execPath, [VITEST, "run", TEST, "-t", `${algorithm}:`], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
    });
  const kill = (): void => {
    child.kill();
  };
  process.once("exit", kill);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    return code === 0 ? undefined : output;
  } finally {
    process.off("exit", kill);
  }
}

/** @param cases of both algorithms together */
export async function soakDifferential(cases: number, say: (line: string) => void): Promise<DifferentialFindings> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const parts = partsOf(cases);
  const all = parts.reduce((sum, part) => sum + part.cases, 0);
  const faults: string[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let part = parts[next++]; part !== undefined && faults.length === 0; part = parts[next++]) {
      const output = await run(part);
      if (output !== undefined) {
        say(output);
        faults.push(`${TEST} failed: a signature check differs from OpenSSL's`);
        return;
      }
      done += part.cases;
      const left = (seconds() / done) * (all - done);
      say(`${Math.floor((100 * done) / all)} %, ${done.toLocaleString("en-US")} cases, ${showDuration(left)} left`);
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, work));
  return { cases: done, seconds: seconds(), faults };
}
