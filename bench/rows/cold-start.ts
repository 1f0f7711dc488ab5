/** What a VM costs before its first request: the module's size, and the time until it is configured. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { checkProgram } from "../../control/host/program.js";
import { Metrics, SharedData } from "../../control/host/shared.js";
import { Vm } from "../../control/host/vm.js";
import { median } from "../base/statistics.js";
import type { Gateway } from "../gateway/gateway.js";

export interface ColdStart {
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly thinBytes: number;
  /** Milliseconds in Node. */
  readonly compile: number;
  readonly instantiate: number;
  readonly configure: number;
  /** Milliseconds from the rename of the ECDS file until every VM of Envoy serves it: in the VMs that there are, in new ones, and with code that Envoy has not compiled yet. */
  readonly pushSameVm: number;
  readonly pushNewVm: number;
  readonly pushNewCode: number;
}

/** The module with a custom section of its own (id 0, name "x", 16 bytes), so that no engine knows it from before. */
function unknownCopy(wasm: Uint8Array): Uint8Array {
  return Buffer.concat([wasm, Buffer.of(0, 18, 1, 0x78), randomBytes(16)]);
}

function startInNode(
  wasm: Uint8Array,
  configuration: string,
): { compile: number; instantiate: number; configure: number } {
  const bytes = unknownCopy(wasm);
  const times = [performance.now()];
  const program = checkProgram(bytes, "the filter");
  times.push(performance.now());
  const process = {
    nodeId: "bench",
    shared: new SharedData(),
    metrics: new Metrics(),
    clock: () => BigInt(Date.now()) * 1_000_000n,
    log: () => {},
  };
  const vm = new Vm(program, { process, thread: "bench", vmId: "bench", vmConfiguration: Buffer.alloc(0) });
  times.push(performance.now());
  const plugin = { key: "bench", name: "glassgate", rootId: "glassgate", configuration: Buffer.from(configuration) };
  const root = vm.startRoot(plugin);
  if (root === undefined || !vm.configureRoot(root, plugin)) throw new Error("the filter refuses its configuration");
  times.push(performance.now());
  const [start = 0, compiled = 0, instantiated = 0, configured = 0] = times;
  return { compile: compiled - start, instantiate: instantiated - compiled, configure: configured - instantiated };
}

type Change = NonNullable<Parameters<Gateway["configure"]>[1]>;

/** @param from the first generation to push; each push is a new one */
async function pushes(
  gateway: Gateway,
  from: number,
  count: number,
  changeOf: (generation: number) => Change,
): Promise<number> {
  const times: number[] = [];
  for (let generation = from; generation < from + count; generation++) {
    const change = changeOf(generation);
    const started = performance.now();
    await gateway.configure(generation, change);
    times.push(performance.now() - started);
    await sleep(50);
  }
  return median(times);
}

export async function measureColdStart(
  gateway: Gateway,
  wasm: Uint8Array,
  thin: Uint8Array,
  folder: string,
  count: number,
): Promise<ColdStart> {
  const configuration = gateway.configuration(1);
  const copyOf = (generation: number): Change => {
    const wasmPath = join(folder, `copy-${generation}.wasm`);
    writeFileSync(wasmPath, unknownCopy(wasm));
    return { wasmPath };
  };
  const inNode = Array.from({ length: count }, () => startInNode(wasm, configuration));
  return {
    bytes: wasm.length,
    gzipBytes: gzipSync(wasm).length,
    thinBytes: thin.length,
    compile: median(inNode.map(({ compile }) => compile)),
    instantiate: median(inNode.map(({ instantiate }) => instantiate)),
    configure: median(inNode.map(({ configure }) => configure)),
    pushSameVm: await pushes(gateway, 1000, count, () => ({})),
    pushNewVm: await pushes(gateway, 2000, count, (generation) => ({ vmId: `bench-${generation}` })),
    pushNewCode: await pushes(gateway, 3000, count, copyOf),
  };
}
