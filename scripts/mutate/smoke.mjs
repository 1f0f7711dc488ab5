// A few mutants for `npm test`: that they are built, chosen and noticed. The whole is `npm run mutate`.
import { buildFast, copyWithProbes } from "../instrument/build.mjs";
import { QUIET } from "../instrument/probe.mjs";
import { Runner } from "./long/runner.mjs";
import { placeMutants } from "./mutants.mjs";

const FOLDER = "build/mutate-smoke";
const FILE = "assembly/decide/scope.ts";
/** It needs a second, and holds all of these to something. */
const TEST = "test/verdicts/upgrade.test.ts";
const CHOSEN = [
  ["method && connect", "… || …"],
  ["!request.isUpgrade", "not negated"],
  ["!coversMethod(detail.actions, request)", "false"],
];

const mutants = [];
copyWithProbes(FOLDER, [FILE], mutants, placeMutants);
const runner = new Runner(await buildFast(FOLDER), [TEST]);
const tests = await runner.start();

const wrong = [];
for (const [i, { name }] of tests.entries()) {
  const { failure } = await runner.run(i, QUIET);
  if (failure !== undefined) wrong.push(`${name} fails without any mutant: ${failure}`);
}
for (const [from, to] of CHOSEN) {
  const mutant = mutants.find((one) => one.from === from && one.to === to);
  if (mutant === undefined) {
    wrong.push(`${FILE} has no longer: ${from} -> ${to}`);
    continue;
  }
  let isNoticed = false;
  for (const i of tests.keys()) isNoticed ||= (await runner.notices(i, mutant.id)) !== undefined;
  if (!isNoticed) wrong.push(`nobody notices ${FILE}:${mutant.line}: ${from} -> ${to}`);
}
runner.stop();
for (const line of wrong) console.error(line);
if (wrong.length === 0)
  console.log(`mutants: ${CHOSEN.length} of ${mutants.length} in ${FILE} were broken, and noticed`);
process.exit(wrong.length === 0 ? 0 : 1);
