// A few mutants for `npm test`: that they are built, chosen and noticed. The whole is `npm run mutate`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildFast, copyWithProbes } from "../instrument/build.mjs";
import { QUIET, withCell } from "../instrument/probe.mjs";
import { runSuites, writeFilter } from "../instrument/run-suites.mjs";
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
const wasm = readFileSync(await buildFast(FOLDER));
const isGreen = async (cell) => {
  const path = writeFilter(join(FOLDER, "mutant.wasm"), withCell(wasm, cell));
  return (await runSuites(path, [TEST], { bail: true, timeoutMs: 120_000 })).isGreen;
};

const wrong = [];
if (!(await isGreen(QUIET))) wrong.push(`${TEST} fails without any mutant`);
for (const [from, to] of CHOSEN) {
  const mutant = mutants.find((one) => one.from === from && one.to === to);
  if (mutant === undefined) wrong.push(`${FILE} has no longer: ${from} -> ${to}`);
  else if (await isGreen(mutant.id)) wrong.push(`nobody notices ${FILE}:${mutant.line}: ${from} -> ${to}`);
}
for (const line of wrong) console.error(line);
if (wrong.length === 0)
  console.log(`mutants: ${CHOSEN.length} of ${mutants.length} in ${FILE} were broken, and noticed`);
process.exit(wrong.length === 0 ? 0 : 1);
