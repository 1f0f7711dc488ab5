// Runs the fast tests on a built filter.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { run } from "./build.mjs";

const VITEST = resolve("node_modules/vitest/vitest.mjs");
const CONFIG = "scripts/instrument/vitest.config.mjs";
/** What is made up at random stays the same from run to run, and is less. */
export const CASES = { GLASSGATE_FUZZ_CASES: "5000", GLASSGATE_DECISIONS: "3000" };

/**
 * @param wasm path of the filter
 * @param tests paths; all of them run unless `bail`, which stops at the first failure
 * @returns `isGreen`, `isTimedOut`, `output`, and `reached`: test file -> `{ reached: [probe], ms }`, where `tells`
 */
export async function runSuites(wasm, tests, { bail = false, tells = false, timeoutMs } = {}) {
  const probes = `${wasm}.probes`;
  rmSync(probes, { force: true });
  const env = { ...CASES, GLASSGATE_WASM: wasm, NO_COLOR: "1", ...(tells ? { GLASSGATE_PROBES: probes } : {}) };
  const args = [VITEST, "run", "-c", CONFIG, "--reporter=dot", ...(bail ? ["--bail", "1"] : []), ...tests];
  const { code, isTimedOut, output } = await run(process.execPath, args, { env, timeoutMs });
  const lines = tells && existsSync(probes) ? readFileSync(probes, "utf8").trimEnd().split("\n") : [];
  const reached = new Map(
    lines
      .filter((line) => line !== "")
      .map((line) => {
        const { test, ...rest } = JSON.parse(line);
        return [relative(".", test), rest];
      }),
  );
  rmSync(probes, { force: true });
  return { isGreen: code === 0 && !isTimedOut, isTimedOut, output, reached };
}

const ASPECT = resolve("node_modules/@as-pect/cli/bin/asp.js");
const ASPECT_CONFIG = "scripts/instrument/as-pect.config.mjs";

/** Runs the specs of a copy with probes, with that number in the cell. @param options `rooms`: of these alone */
export async function runSpecs(folder, cell, { tells = false, timeoutMs, rooms } = {}) {
  const probes = resolve(folder, "specs.probes");
  rmSync(probes, { force: true });
  const args = [
    ASPECT,
    "--summary",
    "--config",
    relative(folder, ASPECT_CONFIG),
    "--as-config",
    "as-pect.asconfig.json",
  ];
  const env = {
    ...{ GLASSGATE_CELL: String(cell), NO_COLOR: "1" },
    ...(tells ? { GLASSGATE_PROBES: probes } : {}),
    ...(rooms === undefined ? {} : { GLASSGATE_SPECS: rooms.join(",") }),
  };
  const { code, isTimedOut, output } = await run(process.execPath, args, { cwd: folder, env, timeoutMs });
  const text = tells && existsSync(probes) ? readFileSync(probes, "utf8").trim() : "";
  rmSync(probes, { force: true });
  return {
    isGreen: code === 0 && !isTimedOut,
    isTimedOut,
    output,
    reached: text === "" ? [] : JSON.parse(text).reached,
  };
}

/** Writes a filter where tests can find it. */
export function writeFilter(path, bytes) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}
