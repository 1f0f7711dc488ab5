/** `npm run bench:memory`: what the filter takes of a machine's memory, by workers and by `table_memory_kib`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../control/gateway/find.js";
import { endOnSignals, say } from "./base/program.js";
import { measureMemory } from "./memory/measure.js";
import { readOptions } from "./memory/options.js";
import { markdown, memoryTable, slopeTable } from "./memory/tell.js";
import { writeSection } from "./report/page.js";

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args, process.env);
  if (options === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "glassgate-memory-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Envoy ends with this process.
  endOnSignals();
  const { version } = await findEnvoy(say);
  const found = await measureMemory(options, folder, say);
  say(`\n${memoryTable(found)}\n\n${slopeTable(found)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ found }, null, 2)}\n`);
  if (options.isPart) {
    say("Only a part: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection("memory", markdown(found, options, version));
  say("Wrote bench/RESULTS.md.");
}
