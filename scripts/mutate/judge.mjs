// Is a mutant noticed? The tests that reach its place run on the filter with that mutant, one by one, those first that have noticed most so
// far in the least time, until one fails; then the specs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { QUIET, TELL } from "../instrument/probe.mjs";
import { runSpecs } from "../instrument/run-suites.mjs";
import { Runner } from "./long/runner.mjs";
import { reachOf } from "./reach.mjs";

const AGREEMENT = "test/reference/decision.test.ts";
/** Each verdict by at least one case. */
const TABLE = "test/verdicts/node-host.test.ts";
/** What reads bundles, and the tests that offer bundles of every kind: as if they had noticed so many already. */
const BUNDLES = /^assembly\/trust\//;
const OFFERS = new Map([
  ["test/verdicts/bundle-shapes.test.ts", 20],
  ["test/verdicts/limits.test.ts", 2],
  ["test/verdicts/refusals.test.ts", 2],
  ["test/verdicts/revocations.test.ts", 2],
]);
const MOMENT_MS = 700;
const SPECS_PATIENCE_MS = 300_000;

export class Judge {
  #folder;
  #wasm;
  #files;
  #tests = [];
  #specsReach = new Set();

  /**
   * @param folder of the copy with mutants, built
   * @param files of tests
   */
  constructor(folder, files) {
    this.#folder = folder;
    this.#files = files;
    this.#wasm = join(folder, "build/glassgate.wasm");
  }

  async #findSpecs() {
    const { isGreen, reached, output } = await runSpecs(this.#folder, TELL, { tells: true });
    if (!isGreen) throw new Error(`the specs fail without any mutant:\n${output}`);
    return reached;
  }

  /** Runs each test alone on the filter as it is. */
  async #findTests(files) {
    const found = new Map();
    if (files.length === 0) return found;
    const runner = new Runner(this.#wasm, files);
    for (const [i, { file, name }] of (await runner.start()).entries()) {
      const { failure, reached, ms } = await runner.run(i, TELL);
      if (failure !== undefined)
        console.log(`left out, as it fails alone without any mutant: ${file}: ${name}: ${failure}`);
      found.set(file, [...(found.get(file) ?? []), { name, ms, reached: failure === undefined ? reached : [] }]);
    }
    runner.stop();
    return found;
  }

  newRunner() {
    return new Runner(this.#wasm, this.#files);
  }

  /** @returns how many tests there are */
  async open() {
    const { specs, files } = await reachOf(
      this.#wasm,
      this.#files,
      () => this.#findSpecs(),
      (unknown) => this.#findTests(unknown),
    );
    this.#tests = [...files].flatMap(([file, tests]) => tests.map((test) => ({ ...test, file })));
    for (const [at, test] of this.#tests.entries())
      Object.assign(test, { at, kills: 0, killsIn: new Map(), reached: new Set(test.reached) });
    this.#specsReach = new Set(specs);
    return this.#tests.length;
  }

  /**
   * Those that reach the mutant: for a moment those that have noticed most in its file, and most at all, in the least time; then, of a
   * decision, the agreement with the reference, which looks at everything and fails early if it does, and the table of cases; then the
   * others.
   */
  #testsFor({ id, file }) {
    const isOfBundles = BUNDLES.test(file);
    const guess = (test) => (isOfBundles ? (OFFERS.get(test.file) ?? 1) : 1);
    const rank = (test) => (guess(test) + test.kills + 100 * (test.killsIn.get(file) ?? 0)) / (10 + test.ms);
    const sorted = this.#tests.filter(({ reached }) => reached.has(id)).sort((a, b) => rank(b) - rank(a));
    if (isOfBundles) return sorted;
    const first = [];
    let left = MOMENT_MS;
    for (const test of sorted) {
      if (test.ms > left / 3) continue;
      first.push(test);
      left -= test.ms;
    }
    const agreement = sorted.filter(({ file }) => file === AGREEMENT);
    const table = sorted.filter(({ file, ms }) => file === TABLE && ms > MOMENT_MS);
    return [...new Set([...first, ...agreement, ...table, ...sorted])];
  }

  /** The agreement, too costly to be run again after each mutant, is green without any, still. */
  async check(runner) {
    for (const { at, file } of this.#tests) {
      if (file !== AGREEMENT) continue;
      const { failure } = await runner.run(at, QUIET);
      if (failure !== undefined) throw new Error(`it no longer agrees without any mutant: ${failure}`);
    }
  }

  /** Those of the mutant's own room first, which are a few and compile in no time. */
  async #specsNotice({ id, file }) {
    const room = file.split("/")[1];
    for (const rooms of existsSync(`test/assembly/${room}`) ? [[room], undefined] : [undefined]) {
      const { isGreen } = await runSpecs(this.#folder, id, { timeoutMs: SPECS_PATIENCE_MS, rooms });
      if (!isGreen) return true;
    }
    return false;
  }

  /** @param budgetMs so much of tests, and no more @returns `{ outcome, by }` */
  async judge(mutant, runner, budgetMs) {
    const { id, file } = mutant;
    const tests = this.#testsFor(mutant);
    let left = budgetMs;
    for (const test of tests) {
      if (test.ms > left) continue;
      left -= test.ms;
      const noticed = await runner.notices(test.at, id, test.ms, test.file === AGREEMENT);
      if (noticed === undefined) continue;
      test.kills += 1;
      test.killsIn.set(file, (test.killsIn.get(file) ?? 0) + 1);
      return { outcome: "killed", by: noticed.isEndless ? "no end" : `${test.file}: ${test.name}` };
    }
    const cut =
      tests.reduce((sum, { ms }) => sum + ms, 0) > budgetMs
        ? `, of which ${Math.round(budgetMs / 1000)} s were run`
        : "";
    if (!this.#specsReach.has(id))
      return {
        outcome: "survived",
        by: tests.length === 0 ? "no test reaches it" : `${tests.length} tests reach it${cut}`,
      };
    return (await this.#specsNotice(mutant))
      ? { outcome: "killed", by: "the specs" }
      : { outcome: "survived", by: `${tests.length} tests and specs reach it${cut}` };
  }
}
