// Which test reaches which mutant: found by one run of everything, and kept until the filter or a test changes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const KEPT = ".cache/mutate/reach.json";
const FOLDERS = ["test", "control"];

/** Over the filter and everything that the tests are made of. */
export function fingerprint(wasm, tests) {
  const hash = createHash("sha256").update(wasm).update(tests.join("\n"));
  for (const folder of FOLDERS) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name.endsWith(".ts")) hash.update(readFileSync(`${entry.parentPath}/${entry.name}`));
    }
  }
  return hash.digest("hex");
}

/** What was found before, or what `find` finds now: `{ suites: [[test, { reached, ms }]], specs: [probe] }`. */
export async function reachOf(key, find) {
  const kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, "utf8")) : undefined;
  if (kept?.key === key) return kept.reach;
  const reach = await find();
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify({ key, reach }));
  return reach;
}
