// All test files in one process, on one filter that is compiled once: a mutant is a number in the memory of each new instance.
import { resolve } from "node:path";
import { createServer, createServerModuleRunner } from "vite";
import { otherFilter } from "../../instrument/other-filter.mjs";
import { placesIn, QUIET } from "../../instrument/probe.mjs";

/** So many probes in one call of the filter, and it does not end: the largest bundle passes a hundredth of them. */
const FUEL = 500_000_000;
const SHIM = resolve("scripts/mutate/long/vitest.mjs");

/** What each new instance is to do. */
export const chosen = { cell: QUIET };

let base = 0;
let started;
/** Each run begins at the moment at which the files were loaded: what they made then has not run out. */
export function startClock() {
  started = performance.now();
}
function stopClockAt(time) {
  base = time;
  Date.now = () => base + (started === undefined ? 0 : Math.floor(performance.now() - started));
}

let places;
globalThis.glassgateInstance = ({ buffer }) => {
  places ??= placesIn(buffer);
  new DataView(buffer).setInt32(places.cell, chosen.cell, true);
};
globalThis.glassgateInvoke = ({ buffer }) => new DataView(buffer).setInt32(places.fuel, FUEL, true);

const CHANGES = [
  [
    "control/host/instance.ts",
    "this.memory = new GuestMemory(memory);",
    "this.memory = new GuestMemory(memory); this.wasmMemory = memory; globalThis.glassgateInstance(memory);",
  ],
  [
    "control/host/instance.ts",
    "const result = callee(...args);",
    "globalThis.glassgateInvoke(this.wasmMemory); const result = callee(...args);",
  ],
  // Read and compiled once.
  [
    "control/host/wasm.ts",
    "export async function loadProgram(wasm",
    `let program;
    export async function loadProgram(wasm = wasmPath) {
      if (wasm !== wasmPath) return loadOnce(wasm);
      program ??= await loadOnce(wasm);
      return program;
    }
    async function loadOnce(wasm`,
  ],
  // The command is not what is broken: it makes its people once.
  ["test/grant/malformed.test.ts", "party = await Party.make();", "party ??= await Party.make();"],
  ["test/grant/malformed.test.ts", "afterAll(() => party.end());", ""],
  // Without a gateway its tests fail, and are left out.
  [
    "test/kit/envoy.ts",
    "export async function startTestEnvoy(",
    "export async function startTestEnvoy() { return { stop() {} }; }\nasync function unused(",
  ],
  // A disagreement is enough: nobody reads the smallest.
  ["test/kit/seed.ts", "{ seed: SEED }", "{ seed: SEED, endOnFailure: true }"],
  ["test/reference/agree.ts", "endOnFailure: false", "endOnFailure: true"],
];

/** @returns `{ files: [suite], ...the shim's functions }` */
export async function loadTests(wasm, tests) {
  stopClockAt(Date.now());
  const server = await createServer({
    configFile: false,
    logLevel: "error",
    server: { middlewareMode: true, watch: null, ws: false, hmr: false },
    optimizeDeps: { noDiscovery: true },
    plugins: [otherFilter(wasm, CHANGES)],
    resolve: { alias: [{ find: /^vitest$/, replacement: SHIM }] },
  });
  const runner = createServerModuleRunner(server.environments.ssr, { hmr: false });
  const shim = await runner.import(SHIM);
  await runner.import(resolve("test/kit/seed.ts"));
  const files = [];
  for (const test of tests) files.push(await shim.collect(test, () => runner.import(resolve(test))));
  return { files, ...shim };
}
