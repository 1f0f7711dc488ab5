// Which test reaches which mutant: found by running each test alone, and kept until the filter, a test's file or what all share changes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const KEPT = ".cache/mutate/reach.json";
const FOLDERS = ["test", "control"];

function sourcesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}

/** Of the filter, and of everything but the test files. */
function keyOf(wasm) {
  const hash = createHash("sha256").update(readFileSync(wasm));
  const shared = FOLDERS.flatMap(sourcesOf).filter((path) => !path.endsWith(".test.ts"));
  for (const path of shared) hash.update(readFileSync(path));
  return hash.digest("hex");
}

const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

/**
 * @param wasm path of the filter
 * @param files of tests
 * @param findSpecs @returns the probes that the specs reach
 * @param findTests @param files those that are not known @returns file -> `[{ name, ms, reached }]`
 * @returns `{ specs, files: file -> … }`
 */
export async function reachOf(wasm, files, findSpecs, findTests) {
  const key = keyOf(wasm);
  let kept = existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, "utf8")) : undefined;
  if (kept?.key !== key) kept = { key, specs: await findSpecs(), files: {} };
  const isKnown = (file) => kept.files[file]?.hash === hashOf(file);
  for (const [file, tests] of await findTests(files.filter((file) => !isKnown(file))))
    kept.files[file] = { hash: hashOf(file), tests };
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify(kept));
  return { specs: kept.specs, files: new Map(files.map((file) => [file, kept.files[file].tests])) };
}
