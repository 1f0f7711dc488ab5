// Which test reaches which mutant: found by running each test alone, and kept until the filter, a test's file or what all share changes.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const KEPT = ".cache/mutate/reach.json";
const FOLDERS = ["test", "control"];
const SPECS = "test/assembly/";

function sourcesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}

function hashOf(...files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex");
}

const isSpec = (path) => path.startsWith(SPECS);

/** Of the filter, and of everything but the test files and the specs. */
const keyOf = (wasm) =>
  hashOf(wasm, ...FOLDERS.flatMap(sourcesOf).filter((path) => !path.endsWith(".test.ts") && !isSpec(path)));

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
  if (kept?.key !== key) kept = { key, files: {} };
  const specsKey = hashOf(...sourcesOf(SPECS).filter(isSpec));
  if (kept.specsKey !== specsKey) Object.assign(kept, { specsKey, specs: await findSpecs() });
  const isKnown = (file) => kept.files[file]?.hash === hashOf(file);
  for (const [file, tests] of await findTests(files.filter((file) => !isKnown(file))))
    kept.files[file] = { hash: hashOf(file), tests };
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify(kept));
  return { specs: kept.specs, files: new Map(files.map((file) => [file, kept.files[file].tests])) };
}
