/** A test over and over in parts, one process a core: so that one knows how far it is, and a part's memory ends with it. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { showDuration } from "../base/duration.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const PROCESSES = 2;

export interface Part {
  readonly cases: number;
  /** What its process gets beside this one's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Vitest's arguments: a file, and what of it. */
  readonly args: readonly string[];
}

export interface PartFindings {
  readonly cases: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

/** @returns what the test printed, where it failed */
async function run({ env, args }: Part): Promise<string | undefined> {
  const child = spawn(process.execPath, [VITEST, "run", ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
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

/** @param fault what it means where a part fails, whose output is shown; no further part begins then */
export async function runParts(
  parts: readonly Part[],
  fault: string,
  say: (line: string) => void,
): Promise<PartFindings> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const all = parts.reduce((sum, part) => sum + part.cases, 0);
  const faults: string[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let part = parts[next++]; part !== undefined && faults.length === 0; part = parts[next++]) {
      const output = await run(part);
      if (output !== undefined) {
        say(output);
        faults.push(fault);
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
