// Is a mutant noticed? The tests that reach its place run on the filter with that mutant, those that have noticed most so far first,
// and stop at the first failure.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TELL, withCell } from "../instrument/probe.mjs";
import { runSpecs, runSuites, writeFilter } from "../instrument/run-suites.mjs";
import { fastSuites } from "../instrument/suites.mjs";
import { fingerprint, reachOf } from "./reach.mjs";

/** A mutant that makes a loop endless shows as a run that takes so many times what all tests took together. */
const PATIENCE = 5;
/** So many of them alone first: most mutants fall there. */
const VANGUARD = 1;

export class Judge {
  #folder;
  #wasm;
  #reached = new Map();
  #specsReach = new Set();
  #kills = new Map();
  #limitMs = 0;

  /** @param folder of the copy with mutants, built */
  constructor(folder) {
    this.#folder = folder;
    this.#wasm = readFileSync(join(folder, "build/glassgate.wasm"));
  }

  #filter(cell, name) {
    return writeFilter(join(this.#folder, `${name}.wasm`), withCell(this.#wasm, cell));
  }

  /** Runs everything once on the filter as it is, which must be green, and notes which test reaches what. */
  async #find() {
    const started = performance.now();
    const suites = await runSuites(this.#filter(TELL, "unbroken"), fastSuites(), { tells: true });
    if (!suites.isGreen) throw new Error(`the tests fail without any mutant:\n${suites.output}`);
    const ms = performance.now() - started;
    const specs = await runSpecs(this.#folder, TELL, { tells: true });
    if (!specs.isGreen) throw new Error(`the specs fail without any mutant:\n${specs.output}`);
    return { suites: [...suites.reached], specs: specs.reached, ms };
  }

  /** @returns how many test files there are */
  async open() {
    const { suites, specs, ms } = await reachOf(fingerprint(this.#wasm), () => this.#find());
    this.#limitMs = 30_000 + PATIENCE * ms;
    for (const [test, probes] of suites) this.#reached.set(test, new Set(probes));
    this.#specsReach = new Set(specs);
    return suites.length;
  }

  async #suitesNotice(id, tests) {
    if (tests.length === 0) return undefined;
    const { isGreen, isTimedOut, output } = await runSuites(this.#filter(id, "mutant"), tests, {
      bail: true,
      timeoutMs: this.#limitMs,
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
    const kills = (test) => this.#kills.get(test) ?? 0;
    const tests = [...this.#reached]
      .filter(([, probes]) => probes.has(id))
      .map(([test]) => test)
      .sort((a, b) => kills(b) - kills(a));
    const inSpecs = this.#specsReach.has(id);
    if (tests.length === 0 && !inSpecs) return { outcome: "survived", by: "no test reaches it" };
    const by =
      (await this.#suitesNotice(id, tests.slice(0, VANGUARD))) ??
      (await this.#suitesNotice(id, tests.slice(VANGUARD))) ??
      (inSpecs && !(await runSpecs(this.#folder, id, { timeoutMs: this.#limitMs })).isGreen ? "the specs" : undefined);
    return by === undefined ? { outcome: "survived", by: `${tests.length} tests reach it` } : { outcome: "killed", by };
  }
}
