/**
 * A gateway with the release filter, as control/host/process.ts has one, but that its workers take what they are told one at a time: as
 * on Envoy, where the main thread is done at once and each worker when it comes to it.
 */
import { BaseVm } from "../../control/host/base-vm.js";
import type { Plugin } from "../../control/host/context.js";
import type { ProcessEnvironment } from "../../control/host/environment.js";
import type { Program } from "../../control/host/program.js";
import { Metrics, SharedData } from "../../control/host/shared.js";
import type { Header } from "../../control/host/stream.js";
import { type OpenStream, type PluginHandle, Thread } from "../../control/host/thread.js";
import { loadProgram } from "../../control/host/wasm.js";
import { at } from "./state.js";

interface Told {
  readonly listener: number;
  readonly base: BaseVm;
  readonly plugin: Plugin;
}

interface Serving extends Told {
  readonly handle: PluginHandle;
}

class RealThread {
  readonly inbox: Told[] = [];
  readonly serving = new Map<number, Serving>();

  constructor(readonly thread: Thread) {}

  serve(told: Told): void {
    const handle = this.thread.acquire(told.base, told.plugin);
    if (handle === undefined) throw new Error(`${this.thread.name} has no filter: requests would pass unchecked`);
    const before = this.serving.get(told.listener);
    this.serving.set(told.listener, { ...told, handle });
    if (before !== undefined) this.thread.release(before.handle);
  }

  isDead(listener: number): boolean {
    return this.serving.get(listener)?.handle.held.vm.failure === "trap";
  }
}

export class RealGateway {
  readonly metrics = new Metrics();
  private readonly shared = new SharedData();
  private readonly bases = new Map<string, BaseVm>();
  private readonly main = new RealThread(new Thread("main"));
  private readonly workers: readonly RealThread[];
  /** By listener: what was offered last, and the base of what serves. */
  private readonly offered = new Map<number, string>();
  private readonly served = new Map<number, BaseVm>();
  private connections = 0n;
  private readonly environment: ProcessEnvironment;

  private constructor(
    private readonly program: Program,
    workers: number,
  ) {
    this.workers = Array.from({ length: workers }, (_, i) => new RealThread(new Thread(`worker ${i}`)));
    this.environment = {
      shared: this.shared,
      metrics: this.metrics,
      nodeId: "walks",
      clock: () => BigInt(Date.now()) * 1_000_000n,
      intercept: undefined,
      log: () => {},
    };
  }

  static async load(workers: number): Promise<RealGateway> {
    return new RealGateway(await loadProgram(), workers);
  }

  private base(vmId: string): BaseVm {
    const identity = { vmId, vmConfiguration: Buffer.alloc(0), program: this.program };
    const present = this.bases.get(vmId);
    if (present !== undefined) return present;
    const base = new BaseVm(this.environment, identity, () => {
      this.bases.delete(vmId);
      this.shared.forget(vmId);
    });
    this.bases.set(vmId, base);
    return base;
  }

  /** What stands in the listener's file was read. Undefined where that was so before; else whether the canary took it. */
  offer(listener: number, vmId: string, text: string): boolean | undefined {
    const key = `${vmId} ${text}`;
    if (this.offered.get(listener) === key) return undefined;
    this.offered.set(listener, key);
    const base = this.base(vmId);
    const plugin = { key: text, name: "glassgate", rootId: "glassgate", configuration: Buffer.from(text) };
    base.hold();
    if (!base.canary(plugin)) {
      base.release();
      return false;
    }
    this.main.serve({ listener, base, plugin });
    for (const { inbox } of this.workers) {
      base.hold();
      inbox.push({ listener, base, plugin });
    }
    const before = this.served.get(listener);
    this.served.set(listener, base);
    before?.release();
    return true;
  }

  take(worker: number): void {
    const thread = at(this.workers, worker);
    const told = thread.inbox.shift();
    if (told === undefined) return;
    thread.serve(told);
    told.base.release();
  }

  /** All VMs of the worker trap. */
  lose(worker: number): void {
    for (const vm of at(this.workers, worker).thread.allVms) vm.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
  }

  /** What the next request there does where its VM is gone (`FAIL_RELOAD`). */
  reload(worker: number, listener: number): void {
    const thread = at(this.workers, worker);
    const serving = thread.serving.get(listener);
    if (serving !== undefined && thread.isDead(listener)) thread.serve(serving);
  }

  /** Undefined where nothing serves. */
  open(worker: number, listener: number, headers: readonly Header[]): OpenStream | undefined {
    const { thread, serving } = at(this.workers, worker);
    const handle = serving.get(listener)?.handle;
    if (handle === undefined || handle.held.vm.failure !== undefined) return undefined;
    this.connections += 1n;
    // Each from a network of its own: none is ever busy.
    const n = Number(this.connections);
    return thread.open(handle, "reload", {
      headers,
      sourceAddress: `10.${(n >> 8) & 255}.${n & 255}.1:1`,
      properties: new Map(),
      connectionId: this.connections,
      startedAt: this.environment.clock(),
    });
  }

  tick(worker: number): void {
    at(this.workers, worker).thread.tick();
  }

  gauge(name: string): number | undefined {
    return this.metrics.all().get(`glassgate.${name}`);
  }

  /** As Envoy counts them. */
  get vmCount(): number {
    const threads = [this.main, ...this.workers];
    return this.bases.size + threads.reduce((sum, { thread }) => sum + thread.allVms.length, 0);
  }
}
