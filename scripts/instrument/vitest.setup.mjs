// In every test file that runs under vitest.config.mjs: which probes it reached and how long it took, as a line in the file that GLASSGATE_PROBES names.
import { appendFileSync } from "node:fs";
import { afterAll, expect } from "vitest";

const started = performance.now();
const reached = new Set();
globalThis.glassgateProbe = (probe) => reached.add(probe);

const path = process.env.GLASSGATE_PROBES;
if (path !== undefined) {
  afterAll(() => {
    const { testPath } = expect.getState();
    appendFileSync(
      path,
      `${JSON.stringify({ test: testPath, ms: performance.now() - started, reached: [...reached] })}\n`,
    );
  });
}
