// The tests as ever, but on the filter that GLASSGATE_WASM names.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { otherFilter } from "./other-filter.mjs";

const wasm = process.env.GLASSGATE_WASM;
if (wasm === undefined) throw new Error("GLASSGATE_WASM names no filter");

export default defineConfig({
  plugins: [otherFilter(wasm)],
  test: {
    root: resolve("."),
    include: ["test/**/*.test.ts"],
    setupFiles: [resolve("test/kit/seed.ts"), resolve("scripts/instrument/vitest.setup.mjs")],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
