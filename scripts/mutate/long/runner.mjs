// Runs single tests in a process that is kept: a new one where a test does not end, or where a mutant has left something behind.
import { fork } from "node:child_process";
import { QUIET } from "../../instrument/probe.mjs";
import { CASES } from "../../instrument/run-suites.mjs";

const CHILD = "scripts/mutate/long/child.mjs";
/** A test that takes this, and so many times what it took before, does not end: the machine may be busy with other things. */
const PATIENCE_MS = 30_000;
const PATIENCE = 20;

export class Runner {
  #args;
  #child;
  #answer;

  /** @param wasm path of the filter @param files of tests */
  constructor(wasm, files) {
    this.#args = [wasm, ...files];
  }

  /** @returns all tests, as `{ file, name }` */
  async start() {
    this.stop();
    this.#child = fork(CHILD, this.#args, { env: { ...process.env, ...CASES, NO_COLOR: "1" } });
    this.#child.on("message", (message) => this.#answer?.({ message }));
    this.#child.on("exit", () => this.#answer?.({}));
    const { message } = await this.#next(10 * PATIENCE_MS);
    if (message === undefined) throw new Error("the tests do not load");
    return message.tests;
  }

  stop() {
    this.#child?.removeAllListeners();
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #next(patienceMs) {
    let timer;
    try {
      return await new Promise((done) => {
        this.#answer = done;
        timer = setTimeout(() => done({}), patienceMs);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param test its place in the list @returns `{ failure, ms, reached }` */
  async run(test, cell, usualMs = 0) {
    if (this.#child === undefined) await this.start();
    const answer = this.#next(PATIENCE_MS + PATIENCE * usualMs);
    this.#child.send({ test, cell });
    const { message } = await answer;
    if (message !== undefined) return message;
    this.stop();
    return { failure: "no end", isEndless: true, reached: [] };
  }

  /**
   * Whether the test fails with that mutant, and not without: what earlier mutants have left behind does not count.
   * @param isFresh it makes everything anew each time, so that nothing can be left
   */
  async notices(test, cell, usualMs, isFresh = false) {
    const first = await this.run(test, cell, usualMs);
    if (first.failure === undefined) return undefined;
    if (first.isEndless || isFresh) return first;
    if ((await this.run(test, QUIET, usualMs)).failure === undefined) return first;
    this.stop();
    if ((await this.run(test, QUIET, usualMs)).failure !== undefined) return undefined;
    const again = await this.run(test, cell, usualMs);
    this.stop();
    return again.failure === undefined ? undefined : again;
  }
}
