/** Whatever a guest passes to a host call, it gets a status: the host never fails. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { IMPORTS, WASI_IMPORTS } from "../../control/host/abi.js";
import { hostCalls } from "../../control/host/calls.js";
import { OutOfBounds } from "../../control/host/guest.js";
import { checkProgram } from "../../control/host/program.js";
import { Metrics, SharedData } from "../../control/host/shared.js";
import { Stream } from "../../control/host/stream.js";
import { Vm } from "../../control/host/vm.js";
import { fixture } from "./compile.js";

const PLUGIN = { key: "k", name: "n", rootId: "r", configuration: Buffer.from("create: time") };

it("a status for any arguments of any call", async () => {
  const process = { nodeId: "n", shared: new SharedData(), metrics: new Metrics(), clock: () => 1n, log: () => {} };
  const program = checkProgram(await fixture("script"), "script");
  const vm = new Vm(program, { process, thread: "t", vmId: "v", vmConfiguration: Buffer.from("c") });
  const root = vm.startRoot(PLUGIN);
  if (root === undefined) throw new Error("no root");
  const calls = new Map<string, (...args: never[]) => unknown>(Object.entries(hostCalls(vm)));
  expect([...calls.keys()].sort()).toEqual([...IMPORTS.keys(), ...WASI_IMPORTS.keys()].sort());
  const i32 = fc.oneof(
    fc.integer({ min: -2, max: 9 }),
    fc.constantFrom(-0x80000000, 0x7fffffff, vm.memory.size, vm.memory.size - 1, vm.memory.size - 4, 64, 1024),
    fc.integer(),
  );
  const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const one = fc.constantFrom(...IMPORTS).chain(([name, signature]) => {
    const parameters = [...(signature.split(">", 1)[0] ?? "")];
    return fc.tuple(fc.constant(name), fc.tuple(...parameters.map((type) => (type === "I" ? i64 : i32))), fc.boolean());
  });
  let opened = 0;
  fc.assert(
    fc.property(one, ([name, args, isInStream]) => {
      const call = calls.get(name);
      if (isInStream) {
        opened += 1;
        const options = { headers: [["a", "b"]] as const, sourceAddress: "1.2.3.4:5", connectionId: 1n, startedAt: 1n };
        vm.setEffectiveContext(vm.openStream(root, PLUGIN, new Stream({ ...options, properties: new Map() })).id);
      }
      try {
        const status: unknown = Reflect.apply(call ?? (() => "missing"), undefined, args);
        expect(status).toBeTypeOf("number");
      } catch (error) {
        if (!(error instanceof OutOfBounds)) throw error;
      }
    }),
    { numRuns: 5_000 },
  );
  expect(opened).toBeGreaterThan(0);
  expect(vm.failure).toBeUndefined();

  // Last, as it overwrites what the guest lives on.
  const chance = calls.get("random_get");
  fc.assert(
    fc.property(fc.tuple(i32, i32), (args) => {
      expect(Reflect.apply(chance ?? (() => "missing"), undefined, args)).toBeTypeOf("number");
    }),
    { numRuns: 500 },
  );
});
