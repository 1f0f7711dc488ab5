// `npm test`: every check of the project, ending in a plain `N passed, N failed` line. `npm test -- NAME...` runs only the steps of
// those names.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { isBuilt } from "./built.mjs";

const report = ".cache/vitest.json";
mkdirSync(".cache", { recursive: true });

/** A check is one test; the test runners count their own. */
const first = [
  { name: "generated", command: "node scripts/generate.mjs --check && node scripts/generate-lanes.mjs --check" },
  { name: "format", command: "npx biome ci --colors=off ." },
  { name: "imports", command: "node scripts/check-imports.mjs" },
  { name: "build", command: `npm run --silent ${isBuilt() ? "build:control" : "build"}` },
];

/** They read what is built, and write only into folders of their own. The longest first, so that none is left alone at the end. */
const sideBySide = [
  // All else runs on the newest Envoy; the oldest tested one has other gauges. `npm run test:versions` runs all of them.
  { name: "envoy-1.36", command: "node scripts/versions.mjs --chosen 1.36.4" },
  { name: "coverage", command: "node scripts/coverage.mjs --quick" },
  { name: "reproducible", command: "node scripts/check-reproducible.mjs" },
  {
    name: "assembly",
    command: "npx asp --summary --config as-pect.config.js --as-config as-pect.asconfig.json",
    count: countAsPect,
  },
  { name: "mutants", command: "node scripts/mutate/smoke.mjs" },
  { name: "types", command: "npx tsc -p tsconfig.json" },
  { name: "schemas", command: "node scripts/generate-schemas.mjs --check" },
];
const SIDE_BY_SIDE = 2;

const last = [
  {
    name: "vitest",
    command: `npx vitest run --reporter=default --reporter=json --outputFile.json=${report}`,
    count: countVitest,
  },
];

/** The last `[Tests]: 41 / 41` of the runner's summary. */
function countAsPect({ status, output }) {
  const plain = stripVTControlCharacters(output);
  const found = [...plain.matchAll(/\[Tests\]: (\d+) \/ (\d+)/g)].at(-1);
  if (found === undefined) return { passed: 0, failed: 1 };
  const failed = Number(found[2]) - Number(found[1]);
  return { passed: Number(found[1]), failed: Math.max(failed, status === 0 ? 0 : 1) };
}

function countVitest({ status }) {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, "utf8"));
  const failed = Math.max(numFailedTests, status === 0 ? 0 : 1, numFailedTestSuites > 0 ? 1 : 0);
  return { passed: numPassedTests, failed };
}

const steps = [...first, ...sideBySide, ...last];
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`No such step: ${unknown.join(", ")}. There are: ${steps.map((step) => step.name).join(", ")}.`);
  process.exit(2);
}
rmSync(report, { force: true });

let passed = 0;
let failed = 0;

/** @param isAlone what it prints is shown as it comes; else whole, at its end */
async function play(step, isAlone) {
  const title = `\n== ${step.name}: ${step.command}`;
  const started = Date.now();
  if (isAlone) console.log(title);
  const child = spawn(step.command, { shell: true, stdio: ["ignore", ...Array(2).fill(isAlone ? "inherit" : "pipe")] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (output += text));
  const [status] = await once(child, "close");
  if (!isAlone) console.log([title, output.trimEnd()].filter((text) => text !== "").join("\n"));
  const counted = step.count
    ? step.count({ status, output })
    : { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
  passed += counted.passed;
  failed += counted.failed;
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`== ${step.name}: ${counted.passed} passed, ${counted.failed} failed, ${seconds} s`);
}

/** So many of them at a time. */
async function playAll(some, lanes) {
  const left = some.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const lane = async () => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) await play(step, lanes === 1);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

await playAll(first, 1);
await playAll(sideBySide, SIDE_BY_SIDE);
await playAll(last, 1);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
