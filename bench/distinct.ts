/**
 * `npm run bench:distinct`: new grants by many people, none of them in a cache, against jwt_authn with as many tokens and keys.
 * Several builds of the filter can be compared in one Envoy.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../control/gateway/find.js";
import { cpuSource } from "./base/cpu.js";
import { endOnSignals, say } from "./base/program.js";
import { readOptions } from "./distinct/options.js";
import { prepare } from "./distinct/rows.js";
import { type Run, runOnce } from "./distinct/run.js";
import { figuresOf, markdown, table } from "./distinct/tell.js";
import { writeSection } from "./report/page.js";

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args, process.env);
  if (options === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "glassgate-distinct-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Envoy ends with this process.
  endOnSignals();
  say(`making ${options.grants} tokens and grants of each kind ...`);
  const prepared = await prepare(options);
  const source = cpuSource();
  const { version } = await findEnvoy(say);
  const runs: Run[] = [];
  for (let i = 0; i < options.runs; i++) {
    const run = await runOnce(options, prepared, join(folder, `run-${i}`), source);
    runs.push(run);
    say(`run ${i + 1} of ${options.runs}; tables built: ${run.tables[0]} before measuring, ${run.tables[1]} after`);
  }
  const figures = figuresOf(prepared.rows, runs);
  say(`\n${table(figures, options)}\n`);
  if (options.json !== undefined) {
    const { builds, json: _, isPart: __, ...setting } = options;
    const raw = runs.map(({ tables, perRequest }) => ({ tables, perRequest: Object.fromEntries(perRequest) }));
    writeFileSync(options.json, `${JSON.stringify({ setting, builds, figures, runs: raw }, null, 2)}\n`);
  }
  if (options.isPart) {
    say("Only a part, or another case: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection("distinct", markdown(figures, options, version));
  say("Wrote bench/RESULTS.md.");
}
