// `npm run mutate`: breaks the decisions one comparison, check, operator or bound at a time, and looks whether a test notices.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { buildFilter, copyWithProbes, filesOf } from "./instrument/build.mjs";
import { suitesForMutants } from "./instrument/suites.mjs";
import { readEquivalents } from "./mutate/equivalent.mjs";
import { Judge } from "./mutate/judge.mjs";
import { Ledger } from "./mutate/ledger.mjs";
import { placeMutants } from "./mutate/mutants.mjs";
import { sampleOf } from "./mutate/sample.mjs";
import { lineOf, summary } from "./mutate/tell.mjs";

const ROOMS = ["decide", "grant", "trust"];
/** Tables of words: a wrong one is not a wrong decision, and `npm test` compares them with their source. */
const NO_CODE = new Set(["assembly/decide/verdict.gen.ts"]);
const FOLDER = "build/mutate";
const CHECK_EVERY = 100;
const GOAL_PERCENT = 95;
const HELP = `Breaks assembly/{${ROOMS.join(",")}} in one place at a time and runs the fast tests: each mutant should make one fail.

  --only FILE   only that source file (again for more)
  --sample N    so many mutants, chosen at random
  --seed N      which (default 1)
  --tests FILE  with that test file alone (again for more): what survives it may still fall to the others, by --survivors
  --survivors   those that survived before, once more
  --jobs N      so many at a time (default: a core each)
  --seconds N   so much of tests for each: what none has noticed by then counts as survived (default: all that reach it)
  --list        says what survived so far, and runs nothing
  --help        says this

What is known already is not run again (.cache/mutate). Ends with 1 below ${GOAL_PERCENT} %.
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    tests: { type: "string", multiple: true, default: [] },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    survivors: { type: "boolean", default: false },
    jobs: { type: "string", default: String(cpus().length) },
    seconds: { type: "string", default: "Infinity" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const budgetMs = Number(values.seconds) * 1000;
const files = filesOf(ROOMS).filter((file) => !NO_CODE.has(file));
const unknown = values.only.filter((file) => !files.includes(file));
if (unknown.length > 0) {
  console.error(`error: No source file to break: ${unknown.join(", ")}. There are: ${files.join(", ")}.`);
  process.exit(2);
}
const mutants = [];
copyWithProbes(FOLDER, files, mutants, placeMutants);
const ledger = new Ledger();
const reasonOf = readEquivalents();
const inFiles = mutants.filter(({ file }) => values.only.length === 0 || values.only.includes(file));
const isOpen = (mutant) => {
  if (reasonOf(mutant) !== undefined) return false;
  const known = ledger.get(mutant)?.outcome;
  return known === undefined || (values.survivors && known === "survived");
};
const open = inFiles.filter(isOpen);
const wanted = values.survivors ? open.filter((mutant) => ledger.get(mutant) !== undefined) : open;
const chosen = values.list ? [] : sampleOf(wanted, values.sample, values.seed);
console.log(`${mutants.length} mutants in ${files.length} files; ${chosen.length} to run`);
if (chosen.length > 0) {
  await buildFilter(FOLDER);
  const judge = new Judge(FOLDER, values.tests.length > 0 ? values.tests : suitesForMutants());
  console.log(`${await judge.open()} tests run without any`);
  const started = performance.now();
  const queue = [...chosen];
  let done = 0;
  const work = async () => {
    const runner = judge.newRunner();
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const result = await judge.judge(mutant, runner, budgetMs);
      done += 1;
      if (done % CHECK_EVERY === 0) await judge.check(runner);
      ledger.set(mutant, result);
      const left = ((performance.now() - started) / done) * (chosen.length - done);
      console.log(`${lineOf(mutant, result)}  [${done}/${chosen.length}, ${Math.ceil(left / 60_000)} min left]`);
    }
    await judge.check(runner);
    runner.stop();
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
}
const { text, percent } = summary(inFiles, ledger, reasonOf);
console.log(text);
process.exit(percent >= GOAL_PERCENT ? 0 : 1);
