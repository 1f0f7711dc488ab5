// The tests as ever, but on the filter that GLASSGATE_WASM names. The product itself knows no such switch: a variable of the
// environment must not decide which filter says "complete".
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { PROBE_LEVEL } from "./probe.mjs";

const wasm = process.env.GLASSGATE_WASM;
if (wasm === undefined) throw new Error("GLASSGATE_WASM names no filter");

/** File -> what is replaced in it. */
const CHANGES = new Map([
  [
    resolve("control/host/wasm.ts"),
    ['fileURLToPath(new URL("../../build/glassgate.wasm", import.meta.url))', JSON.stringify(resolve(wasm))],
  ],
  [
    resolve("control/host/instance.ts"),
    [
      "private dispatch(name: string, args: never[]): number {",
      `private dispatch(name: string, args: never[]): number {
        if (name === "proxy_log" && args[0] === ${PROBE_LEVEL}) {
          globalThis.glassgateProbe?.(args[1]);
          return 0;
        }`,
    ],
  ],
]);

const otherFilter = {
  name: "other-filter",
  enforce: "pre",
  transform(code, id) {
    const change = CHANGES.get(id);
    if (change === undefined) return undefined;
    const [from, to] = change;
    if (!code.includes(from)) throw new Error(`${id} has no longer: ${from}`);
    return code.replace(from, () => to);
  },
};

export default defineConfig({
  plugins: [otherFilter],
  test: {
    root: resolve("."),
    include: ["test/**/*.test.ts"],
    setupFiles: [resolve("test/kit/seed.ts"), resolve("scripts/instrument/vitest.setup.mjs")],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
