// Is a mutant noticed? The tests that reach its place run on the filter with that mutant, one by one, those first that have noticed most so
// far in the least time, until one fails; then the specs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { QUIET, TELL } from "../instrument/probe.mjs";
import { runSpecs } from "../instrument/run-suites.mjs";
import { Runner } from "./long/runner.mjs";
import { fingerprint, reachOf } from "./reach.mjs";

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

  /** Runs each test alone on the filter as it is, and notes what it reaches. Twice: it must be green in a process that has run it before. */
  async #find() {
    const runner = this.newRunner();
    const tests = await runner.start();
    for (const [i, test] of tests.entries()) {
      const { failure, reached } = await runner.run(i, TELL);
      const { failure: later, ms } = failure === undefined ? await runner.run(i, QUIET) : { failure };
      if (later !== undefined) console.log(`left out, as it fails without any mutant: ${test.file}: ${test.name}: ${later.error}`);
      Object.assign(test, { reached: later === undefined ? reached : [], ms });
    }
    runner.stop();
    const specs = await runSpecs(this.#folder, TELL, { tells: true });
    if (!specs.isGreen) throw new Error(`the specs fail without any mutant:\n${specs.output}`);
    return { tests, specs: specs.reached };
  }

  newRunner() {
    return new Runner(this.#wasm, this.#files);
  }

  /** @returns how many tests there are */
  async open() {
    const { tests, specs } = await reachOf(fingerprint(readFileSync(this.#wasm), this.#files), () => this.#find());
    this.#tests = tests.map((test, at) => ({ ...test, at, kills: 0, reached: new Set(test.reached) }));
    this.#specsReach = new Set(specs);
    return tests.length;
  }

  /** @param budgetMs after so much of tests it is left for later @returns `{ outcome, by }`; undefined: later */
  async judge({ id }, runner, budgetMs = Number.POSITIVE_INFINITY) {
    const rank = ({ kills, ms }) => (1 + kills) / (10 + ms);
    const tests = this.#tests.filter(({ reached }) => reached.has(id)).sort((a, b) => rank(b) - rank(a));
    let spent = 0;
    for (const test of tests) {
      spent += test.ms;
      if (spent > budgetMs) return undefined;
      const noticed = await runner.notices(test.at, id, test.ms);
      if (noticed === undefined) continue;
      test.kills += 1;
      return { outcome: "killed", by: noticed.isEndless ? "no end" : `${test.file}: ${test.name}` };
    }
    if (!this.#specsReach.has(id))
      return { outcome: "survived", by: tests.length === 0 ? "no test reaches it" : `${tests.length} tests reach it` };
    const { isGreen } = await runSpecs(this.#folder, id, { timeoutMs: SPECS_PATIENCE_MS });
    return isGreen
      ? { outcome: "survived", by: `${tests.length} tests and specs reach it` }
      : { outcome: "killed", by: "the specs" };
  }
}
