/** The signature checks against OpenSSL: test/crypto/differential.test.ts, with as many cases as one likes. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Say, showDuration } from "./tell.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const TEST = "test/crypto/differential.test.ts";
const PROGRESS_MS = 15_000;

export interface DifferentialFindings {
  readonly cases: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

export async function soakDifferential(cases: number, say: Say): Promise<DifferentialFindings> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const child = spawn(process.execPath, [VITEST, "run", TEST], {
    cwd: ROOT,
    env: { ...process.env, GLASSGATE_CASES: String(cases) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const kill = (): void => {
    child.kill();
  };
  process.once("exit", kill);
  const progress = setInterval(() => say(`${cases} cases since ${showDuration(seconds())}`), PROGRESS_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    const faults = code === 0 ? [] : [`${TEST} failed: a signature check differs from OpenSSL's`];
    return { cases, seconds: seconds(), faults };
  } finally {
    clearInterval(progress);
    process.off("exit", kill);
  }
}
