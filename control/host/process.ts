/**
 * A gateway process as Envoy is one: a main thread and workers with a VM each, a canary for every new configuration, root
 * contexts of several listeners and generations side by side in one VM. docs/decisions.md and the tests say what was proven
 * on a real Envoy.
 */
import { Metrics, SharedData } from "./shared.js";
import { type Header, Stream } from "./stream.js";
import { Trap, Vm, type VmEnvironment } from "./vm.js";

export interface ProcessOptions {
  readonly module: WebAssembly.Module;
  readonly workers: number;
  readonly vmId: string;
  readonly nodeId: string;
  readonly clock: () => bigint;
}

/** One thread: its VM, and for each listener the root context that new streams get. */
class Thread {
  vm: Vm;
  readonly roots = new Map<string, { id: number; configuration: Buffer }>();
  /** Roots replaced by a newer one that still have streams. */
  private readonly retired = new Set<number>();
  private readonly streams = new Map<number, Stream>();
  private lastId = 0;

  constructor(private readonly newVm: () => Vm) {
    this.vm = newVm();
  }

  /** A new root context with this configuration; the old one of the listener ends with its last stream. */
  configure(listener: string, configuration: Buffer): boolean {
    if (this.vm.isDead) this.vm = this.newVm();
    this.lastId += 1;
    const id = this.lastId;
    this.vm.call("proxy_on_context_create", [id, 0]);
    const started = this.vm.call("proxy_on_vm_start", [id, 0]) ?? 1;
    const accepted = started !== 0 && (this.vm.call("proxy_on_configure", [id, configuration.length], { configuration }) ?? 1) !== 0;
    const old = this.roots.get(listener);
    if (accepted) {
      this.roots.set(listener, { id, configuration });
      if (old !== undefined) this.retire(old.id);
    }
    return accepted;
  }

  private retire(rootId: number): void {
    this.retired.add(rootId);
    this.endRetired();
  }

  private endRetired(): void {
    for (const id of this.retired) {
      if ([...this.streams.values()].some((stream) => stream.rootId === id)) continue;
      this.vm.call("proxy_on_done", [id]);
      this.vm.call("proxy_on_delete", [id]);
      this.retired.delete(id);
    }
  }

  /** Undefined: no filter serves this listener here, and the request passes unjudged. */
  open(listener: string, headers: readonly Header[], properties: ReadonlyMap<string, string>): Stream | undefined {
    const root = this.roots.get(listener);
    if (root === undefined) return undefined;
    this.lastId += 1;
    const stream = new Stream(this.lastId, root.id, headers, properties);
    if (this.vm.isDead) {
      stream.reply = { status: 503, details: "wasm_fail_stream", headers: [], body: "" };
      return stream;
    }
    this.streams.set(stream.id, stream);
    try {
      this.vm.call("proxy_on_context_create", [stream.id, root.id]);
      this.vm.call("proxy_on_request_headers", [stream.id, headers.length, 1], { stream });
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      stream.filterState.clear();
      stream.reply = { status: 503, details: "wasm_fail_stream", headers: [], body: "" };
    }
    return stream;
  }

  close(stream: Stream): void {
    if (!this.streams.delete(stream.id) || this.vm.isDead) return;
    this.vm.call("proxy_on_done", [stream.id]);
    this.vm.call("proxy_on_log", [stream.id]);
    this.vm.call("proxy_on_delete", [stream.id]);
    this.endRetired();
  }
}

export class GatewayProcess {
  readonly metrics = new Metrics();
  readonly logs: string[] = [];
  private readonly shared = new SharedData();
  private readonly main: Thread;
  private readonly workers: Thread[];
  private readonly newVm: () => Vm;

  constructor(options: ProcessOptions) {
    const environment: VmEnvironment = {
      vmId: options.vmId,
      nodeId: options.nodeId,
      clock: options.clock,
      shared: this.shared,
      metrics: this.metrics,
      log: (_level, text) => {
        this.logs.push(text);
        if (this.logs.length > 10_000) this.logs.splice(0, 5000);
      },
    };
    this.newVm = () => new Vm(options.module, environment);
    this.main = new Thread(this.newVm);
    this.workers = Array.from({ length: options.workers }, () => new Thread(this.newVm));
  }

  /**
   * Offers a configuration: first to a canary of its own, which may refuse it (NACK: the old one serves on), then to the main
   * thread and the workers. A worker that refuses has no filter from then on: its requests pass unjudged.
   */
  configure(listener: string, text: string): boolean {
    const configuration = Buffer.from(text, "latin1");
    if (!new Thread(this.newVm).configure(listener, configuration)) return false;
    for (const thread of [this.main, ...this.workers]) {
      if (!thread.configure(listener, configuration)) thread.roots.delete(listener);
    }
    return true;
  }

  worker(index: number): Thread | undefined {
    return this.workers[index % this.workers.length];
  }
}
