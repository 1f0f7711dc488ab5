/**
 * The release filter with as little around it as can be: a canary, the main thread's VM and a worker's as in the Node host, of which
 * the worker serves. A hundred times faster than that host, and held to it (twin.ts).
 */
import { messageOf } from "../../control/base/errors.js";
import type { Header } from "../../control/host/headers.js";
import type { Program } from "../../control/host/program.js";
import { Metrics, MetricTable, SharedData } from "../../control/host/shared.js";
import { LeanState, leanCalls } from "./lean-calls.js";
import { LeanMemory } from "./lean-memory.js";

type GuestFunction = (...args: number[]) => number | undefined;
const isGuestFunction = (value: unknown): value is GuestFunction => typeof value === "function";

const NOTHING: GuestFunction = () => undefined;

export interface LeanRequest {
  readonly headers: readonly Header[];
  readonly source: string;
  readonly certificate?: string | undefined;
}

/** A trap, or a call that no host could answer: the filter's fault. */
export class FilterFault extends Error {}

export class LeanVm {
  readonly memory: LeanMemory;
  private readonly exports: Record<string, unknown>;
  private readonly create: GuestFunction;
  private readonly onRequest: GuestFunction;
  private readonly onEnd: readonly GuestFunction[];
  private readonly onTick: GuestFunction;
  private lastId = 0;
  private root = 0;

  constructor(
    program: Program,
    readonly state: LeanState,
  ) {
    const calls = leanCalls(state, () => this.memory);
    const imports: Record<string, Record<string, unknown>> = {};
    for (const { module, name } of program.shape.imports) {
      if (calls[name] === undefined) throw new Error(`lean-calls.ts has no ${name}, which the filter calls`);
      imports[module] = { ...imports[module], [name]: calls[name] };
    }
    const { exports } = new WebAssembly.Instance(program.module, imports);
    this.exports = exports;
    const memory = exports[program.shape.memories[0] ?? ""];
    if (!(memory instanceof WebAssembly.Memory)) throw new Error("the filter does not export its memory");
    const malloc = this.exported(program.allocator);
    this.memory = new LeanMemory(memory, (size) => malloc(size) ?? 0);
    this.create = this.exported("proxy_on_context_create");
    this.onRequest = this.exported("proxy_on_request_headers");
    this.onEnd = ["proxy_on_log", "proxy_on_done", "proxy_on_delete"].map((name) => this.exported(name));
    this.onTick = this.exported("proxy_on_tick");
    this.guarded(this.exported("_initialize"));
  }

  private exported(name: string): GuestFunction {
    const value = this.exports[name];
    return isGuestFunction(value) ? value : NOTHING;
  }

  private guarded(call: GuestFunction, ...args: number[]): number {
    try {
      return call(...args) ?? 0;
    } catch (error) {
      throw new FilterFault(messageOf(error), { cause: error });
    }
  }

  /** A root context with that configuration in the place of the one before. False: refused, which only a canary's VM does. */
  configure(configuration: Buffer): boolean {
    const before = this.root;
    this.root = ++this.lastId;
    this.state.configuration = configuration;
    this.state.refusal = "";
    this.guarded(this.create, this.root, 0);
    this.guarded(this.exported("proxy_on_vm_start"), this.root, 0);
    const isTaken = this.guarded(this.exported("proxy_on_configure"), this.root, configuration.length) !== 0;
    if (before !== 0) for (const end of this.onEnd) this.guarded(end, before);
    return isTaken;
  }

  /** @returns the verdict; empty where the filter had nothing to say */
  request({ headers, source, certificate }: LeanRequest): string {
    const { state } = this;
    state.headers = headers;
    state.source = source;
    state.certificate = certificate;
    state.verdict = "";
    state.audit = "";
    state.reply = undefined;
    state.details = undefined;
    const id = ++this.lastId;
    try {
      this.create(id, this.root);
      this.onRequest(id, headers.length, 1);
      for (const end of this.onEnd) end(id);
    } catch (error) {
      throw new FilterFault(messageOf(error), { cause: error });
    }
    return state.verdict;
  }

  tick(): void {
    this.guarded(this.onTick, this.root);
  }
}

export interface LeanOptions {
  readonly program: Program;
  readonly clock: { readonly milliseconds: number };
  readonly configuration: Buffer;
  readonly keeps?: boolean;
  readonly reached?: Set<number>;
}

/** The worker's VM behind a canary's and the main thread's, which are then let go. */
export function leanWorker({ program, clock, configuration, keeps = false, reached }: LeanOptions): LeanVm {
  const shared = new SharedData();
  const metrics = new Metrics();
  const make = (): LeanVm =>
    new LeanVm(program, new LeanState(clock, shared, new MetricTable(metrics), keeps, reached));
  for (const vm of [make(), make()])
    if (!vm.configure(configuration))
      throw new Error(`the configuration to begin with is refused: ${vm.state.refusal}`);
  const worker = make();
  worker.configure(configuration);
  return worker;
}
