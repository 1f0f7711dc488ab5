// A process that has all tests loaded and runs one of them at a time, with any number in the filter's cell. Arguments: the filter, the test files.
import { NO_END } from "../../instrument/probe.mjs";
import { chosen, loadTests, startClock } from "./load.mjs";

const [wasm, ...paths] = process.argv.slice(2);
console.log = () => {};

let reached = new Set();
globalThis.glassgateProbe = (probe) => reached.add(probe);

const { files, unitsOf, runUnit } = await loadTests(wasm, paths);
const units = files.flatMap((suite) => unitsOf(suite).map((unit) => ({ suite, unit })));

async function run({ test, cell }) {
  reached = new Set();
  chosen.cell = cell;
  startClock();
  const before = process.cpuUsage();
  const { suite, unit } = units[test];
  let failure;
  try {
    await runUnit(suite, unit);
  } catch (error) {
    failure = String(error?.message ?? error);
  }
  const isEndless = reached.delete(NO_END);
  if (isEndless) failure = "no end";
  // Of this process: the machine may be busy with other things.
  const { user, system } = process.cpuUsage(before);
  return { failure, isEndless, ms: (user + system) / 1000, reached: [...reached] };
}

process.on("message", async (message) => process.send(await run(message)));
process.send({ tests: units.map(({ suite, unit }) => ({ file: suite.name, name: unit.name })) });
