/** Whatever a guest passes to a host call of the other host, it gets a status, a trap, or the worker's end: the host never fails. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { WASI_IMPORTS } from "../../../control/host/abi.js";
import type { VmEnvironment } from "../../../control/host/environment.js";
import { HostTrap } from "../../../control/host/instance.js";
import { IMPORTS, NGX_RULES } from "../../../control/host/ngx/abi.js";
import { ngxCalls } from "../../../control/host/ngx/calls.js";
import { WorkerDied } from "../../../control/host/ngx/died.js";
import { type ChainFilter, NgxContext, NgxInstance } from "../../../control/host/ngx/instance.js";
import { readRequest } from "../../../control/host/ngx/request.js";
import { NgxMetrics, NgxSharedData } from "../../../control/host/ngx/shared.js";
import { NgxStream, type Step } from "../../../control/host/ngx/stream.js";
import type { Surroundings } from "../../../control/host/ngx/surroundings.js";
import { checkProgram } from "../../../control/host/program.js";
import { Metrics, SharedData } from "../../../control/host/shared.js";
import { fixture } from "../compile.js";

/** A callback of that context is running. */
class Probe extends NgxInstance {
  enter(context: NgxContext): void {
    this.current = context;
  }
}

const HEADERS = [
  [":method", "GET"],
  [":path", "/p?q"],
  ["host", "h"],
  ["a", "b"],
] as const;

it("a status, a trap or the worker's end for any arguments of any call", async () => {
  const program = checkProgram(await fixture("ngx-script"), "script", NGX_RULES);
  const process = { nodeId: "n", shared: new SharedData(), metrics: new Metrics(), clock: () => 1n, log: () => {} };
  const environment: VmEnvironment = { process, thread: "t", vmId: "", vmConfiguration: Buffer.alloc(0) };
  const filter: ChainFilter = { id: 77_777, name: "f", configuration: Buffer.from("create: time"), program };
  const i32 = fc.oneof(
    fc.integer({ min: -2, max: 9 }),
    fc.constantFrom(-0x80000000, 0x7fffffff, 64, 66, 1024),
    fc.integer(),
  );
  const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const all = [...IMPORTS, ...WASI_IMPORTS];
  const one = fc.constantFrom(...all).chain(([name, signature]) => {
    const parameters = [...(signature.split(">", 1)[0] ?? "")];
    return fc.tuple(fc.constant(name), fc.tuple(...parameters.map((type) => (type === "I" ? i64 : i32))));
  });
  const steps = fc.constantFrom<(Step | undefined)[]>("request", "response headers", "response body", "log", undefined);
  for (const shared of [undefined, new NgxSharedData()]) {
    const surroundings: Surroundings = {
      serverName: "kong",
      port: 8000,
      hostname: "m",
      variables: new Set(["v"]),
      metrics: new NgxMetrics(),
      shared,
    };
    let vm = new Probe(program, environment, surroundings, () => {});
    expect(Object.keys(ngxCalls(vm)).sort()).toEqual(all.map(([name]) => name).sort());
    const seen = new Set<string>();
    fc.assert(
      fc.property(one, steps, ([name, args], step) => {
        // Its memory is overwritten by what calls answer.
        if (vm.isGone) vm = new Probe(program, environment, surroundings, () => {});
        const request = readRequest(HEADERS);
        const options = { headers: HEADERS, sourceAddress: "1.2.3.4:5", connectionId: 1n, startedAt: 1n };
        const stream = new NgxStream(
          { ...options, properties: new Map() },
          typeof request === "number" ? undefined : request,
        );
        stream.step = step;
        vm.enter(new NgxContext(3, filter, step === undefined ? undefined : stream));
        const call = new Map<string, unknown>(Object.entries(ngxCalls(vm))).get(name);
        try {
          expect(typeof call === "function" ? Reflect.apply(call, undefined, args) : "missing").toBeTypeOf("number");
          seen.add("status");
        } catch (error) {
          if (!(error instanceof HostTrap || error instanceof WorkerDied)) throw error;
          seen.add(error instanceof HostTrap ? "trap" : "end");
        }
      }),
      { numRuns: 3_000 },
    );
    expect([...seen].sort()).toEqual(["end", "status", "trap"]);
  }
});
