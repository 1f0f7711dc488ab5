// A process that has all tests loaded and runs one of them at a time, with any number in the filter's cell. Arguments: the filter, the test files.
import { NO_END } from "../../instrument/probe.mjs";
import { chosen, loadTests, startClock } from "./load.mjs";

const [wasm, ...paths] = process.argv.slice(2);
console.log = () => {};

let reached = new Set();
globalThis.glassgateProbe = (probe) => reached.add(probe);

const { files, testsOf, runChosen } = await loadTests(wasm, paths);
const tests = files.flatMap((suite) => testsOf(suite).map((test) => ({ suite, test })));

async function run({ test, cell }) {
  reached = new Set();
  chosen.cell = cell;
  startClock();
  const started = performance.now();
  const one = tests[test];
  const failure = await runChosen(one.suite, new Set([one.test]));
  const isEndless = reached.delete(NO_END);
  return { failure: isEndless ? { error: "no end" } : failure, isEndless, ms: performance.now() - started, reached: [...reached] };
}

process.on("message", async (message) => process.send(await run(message)));
process.send({ tests: tests.map(({ suite, test }) => ({ file: suite.name, name: test.name })) });
