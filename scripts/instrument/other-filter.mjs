// A Vite plugin: the tests as ever, but on another filter. The product itself knows no such switch: a variable of the environment
// must not decide which filter says "complete".
import { resolve } from "node:path";
import { PROBE_LEVEL } from "./probe.mjs";

/** @param changes more of them: file -> [what stands there, what stands there instead] */
export function otherFilter(wasm, changes = []) {
  const all = [
    [
      "control/host/wasm.ts",
      'fileURLToPath(new URL("../../build/glassgate.wasm", import.meta.url))',
      JSON.stringify(resolve(wasm)),
    ],
    [
      "control/host/instance.ts",
      "private dispatch(name: string, args: never[]): number {",
      `private dispatch(name: string, args: never[]): number {
        if (name === "proxy_log" && args[0] === ${PROBE_LEVEL}) {
          globalThis.glassgateProbe?.(args[1]);
          return 0;
        }`,
    ],
    ...changes,
  ];
  return {
    name: "other-filter",
    enforce: "pre",
    transform(code, id) {
      let changed = code;
      for (const [, from, to] of all.filter(([file]) => resolve(file) === id)) {
        if (!changed.includes(from)) throw new Error(`${id} has no longer: ${from}`);
        changed = changed.replace(from, () => to);
      }
      return changed === code ? undefined : changed;
    },
  };
}
