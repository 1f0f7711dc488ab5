// Is a mutant noticed? The tests that reach its place run on the filter with that mutant, those first that have noticed most so far in the least time,
// and stop at the first failure.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TELL, withCell } from "../instrument/probe.mjs";
import { runSpecs, runSuites, writeFilter } from "../instrument/run-suites.mjs";
import { fingerprint, reachOf } from "./reach.mjs";

/** A mutant that makes a loop endless shows as a run that takes this, and so many times what its tests took before. */
const PATIENCE_MS = 30_000;
const PATIENCE = 5;
/** So many test files in one run, after the first alone: most mutants fall there. */
const AT_ONCE = 4;

export class Judge {
  #folder;
  #wasm;
  #tests;
  #reached = new Map();
  #specsReach = new Set();
  #kills = new Map();
  #took = new Map();

  /**
   * @param folder of the copy with mutants, built
   * @param tests paths
   */
  constructor(folder, tests) {
    this.#folder = folder;
    this.#tests = tests;
    this.#wasm = readFileSync(join(folder, "build/glassgate.wasm"));
  }

  #filter(cell, name) {
    return writeFilter(join(this.#folder, `${name}.wasm`), withCell(this.#wasm, cell));
  }

  /** Runs everything once on the filter as it is, and notes which test reaches what. */
  async #find() {
    const suites = await runSuites(this.#filter(TELL, "unbroken"), this.#tests, { tells: true });
    const failing = new Set([...suites.output.matchAll(/FAIL\s+(\S+\.test\.ts)/g)].map(([, test]) => test));
    if (!suites.isGreen && failing.size === 0) throw new Error(`the tests do not run:\n${suites.output}`);
    for (const test of failing) console.log(`left out, as it fails without any mutant: ${test}`);
    const specs = await runSpecs(this.#folder, TELL, { tells: true });
    if (!specs.isGreen) throw new Error(`the specs fail without any mutant:\n${specs.output}`);
    return { suites: [...suites.reached].filter(([test]) => !failing.has(test)), specs: specs.reached };
  }

  /** @returns how many test files there are */
  async open() {
    const { suites, specs } = await reachOf(fingerprint(this.#wasm, this.#tests), () => this.#find());
    for (const [test, { reached, ms }] of suites) {
      this.#reached.set(test, new Set(reached));
      this.#took.set(test, ms);
    }
    this.#specsReach = new Set(specs);
    return suites.length;
  }

  async #suitesNotice(id, tests) {
    const usual = tests.reduce((sum, test) => sum + (this.#took.get(test) ?? 0), 0);
    const timeoutMs = PATIENCE_MS + PATIENCE * usual;
    const { isGreen, isTimedOut, output } = await runSuites(this.#filter(id, "mutant"), tests, {
      bail: true,
      timeoutMs,
    });
    if (isGreen) return undefined;
    if (isTimedOut) return "no end";
    const failed = /FAIL\s+(\S+\.test\.ts)/.exec(output)?.[1];
    if (failed === undefined) throw new Error(`the tests ended without a failed test:\n${output}`);
    this.#kills.set(failed, (this.#kills.get(failed) ?? 0) + 1);
    return failed;
  }

  /** @returns `{ outcome, by }` */
  async judge({ id }) {
    const rank = (test) => (1 + (this.#kills.get(test) ?? 0)) / (1 + (this.#took.get(test) ?? 0));
    const tests = [...this.#reached]
      .filter(([, probes]) => probes.has(id))
      .map(([test]) => test)
      .sort((a, b) => rank(b) - rank(a));
    for (let from = 0; from < tests.length; from += from === 0 ? 1 : AT_ONCE) {
      const by = await this.#suitesNotice(id, tests.slice(from, from === 0 ? 1 : from + AT_ONCE));
      if (by !== undefined) return { outcome: "killed", by };
    }
    if (!this.#specsReach.has(id))
      return {
        outcome: "survived",
        by: tests.length === 0 ? "no test reaches it" : `${tests.length} test files reach it`,
      };
    const { isGreen } = await runSpecs(this.#folder, id, { timeoutMs: 10 * PATIENCE_MS });
    return isGreen
      ? { outcome: "survived", by: "test files and specs reach it" }
      : { outcome: "killed", by: "the specs" };
  }
}
