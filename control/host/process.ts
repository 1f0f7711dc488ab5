/**
 * A gateway process as Envoy is one: a main thread and workers. Each offered configuration goes to a canary, then to the main
 * thread, then to the workers; then new requests get it, and the old one ends with its last stream.
 */
import { UserError } from "../base/errors.js";
import { BaseProcess } from "./base-process.js";
import { BaseVm, identityKey, type VmIdentity } from "./base-vm.js";
import type { Plugin } from "./context.js";
import type { Answer, Gateway, GatewayRequest, Offer, ProcessOptions } from "./gateway.js";
import { Stream } from "./stream.js";
import { type OpenStream, type PluginHandle, Thread } from "./thread.js";

/** What a listener serves with: for each thread the plugin, or none where it could not be made. */
interface Serving {
  readonly offer: Offer;
  readonly base: BaseVm;
  readonly plugin: Plugin;
  readonly handles: Map<Thread, PluginHandle | undefined>;
  readonly loadedAt: Map<Thread, bigint>;
}

const RELOAD_AFTER_NANOSECONDS = 1_000_000_000n;

const offerKey = (offer: Offer): string =>
  [identityKey(offer.identity), offer.failurePolicy, pluginKey(offer)].join(" ");

function pluginKey({ pluginName, rootId, configuration }: Offer): string {
  return [pluginName, rootId, configuration.toString("latin1")].join("\0");
}

export class GatewayProcess extends BaseProcess<Thread> implements Gateway {
  readonly metrics = this.environment.metrics;
  readonly shared = this.environment.shared;
  readonly main = new Thread("main");
  readonly workers: readonly Thread[];
  private readonly bases = new Map<string, BaseVm>();
  private readonly listeners = new Map<string, Serving>();
  private readonly lastOffers = new Map<string, string>();

  constructor(options: ProcessOptions) {
    super(options);
    this.workers = Array.from({ length: options.workers }, (_, i) => new Thread(`worker ${i}`));
  }

  private get threads(): readonly Thread[] {
    return [this.main, ...this.workers];
  }

  private base(identity: VmIdentity): BaseVm {
    const key = identityKey(identity);
    const present = this.bases.get(key);
    if (present !== undefined) return present;
    const base = new BaseVm(this.environment, identity, (gone) => {
      this.bases.delete(gone.key);
      // Shared data lives as long as a base VM of that vm_id does.
      if (![...this.bases.values()].some(({ vmId }) => vmId === gone.vmId)) this.shared.forget(gone.vmId);
    });
    this.bases.set(key, base);
    return base;
  }

  /** Offers a configuration to a listener. Never throws for what is wrong with the filter or the configuration. */
  offer(listener: string, offer: Offer): Answer {
    const key = offerKey(offer);
    const before = this.listeners.get(listener);
    if (this.lastOffers.get(listener) === key) {
      const isServing = before !== undefined && offerKey(before.offer) === key;
      const error = isServing ? undefined : "the same configuration was refused before";
      return { accepted: isServing, acknowledged: true, failedThreads: this.failedThreads(before), error };
    }
    this.lastOffers.set(listener, key);
    const serving = this.load(offer);
    if (typeof serving === "string") return { accepted: false, acknowledged: false, failedThreads: [], error: serving };
    this.listeners.set(listener, serving);
    if (before !== undefined) this.unload(before);
    return { accepted: true, acknowledged: true, failedThreads: this.failedThreads(serving), error: undefined };
  }

  private failedThreads(serving: Serving | undefined): string[] {
    return this.threads.filter((thread) => serving?.handles.get(thread) === undefined).map(({ name }) => name);
  }

  /** The reason as text when it is refused. */
  private load(offer: Offer): Serving | string {
    const error = `Unable to create Wasm plugin ${offer.pluginName}`;
    const plugin = {
      key: pluginKey(offer),
      name: offer.pluginName,
      rootId: offer.rootId,
      configuration: offer.configuration,
    };
    let base: BaseVm;
    try {
      base = this.base(offer.identity);
    } catch (cause) {
      if (!(cause instanceof UserError)) throw cause;
      return `${error}: ${cause.message}`;
    }
    base.hold();
    const accepted = base.canary(plugin);
    if (!accepted || base.failure !== undefined) {
      base.release();
      return accepted ? `${error}: its VM failed on a thread before; only a new vm_id heals that` : error;
    }
    const now = this.environment.clock();
    const handles = new Map(this.threads.map((thread) => [thread, thread.acquire(base, plugin)]));
    return { offer, base, plugin, handles, loadedAt: new Map(this.threads.map((thread) => [thread, now])) };
  }

  private unload(serving: Serving): void {
    for (const [thread, handle] of serving.handles) if (handle !== undefined) thread.release(handle);
    serving.base.release();
  }

  /** Failure policy `reload`: a VM that trapped is replaced, at most once a second. */
  private reload(serving: Serving, thread: Thread): void {
    const handle = serving.handles.get(thread);
    if (handle?.held.vm.failure !== "trap" || serving.offer.failurePolicy !== "reload") return;
    const now = this.environment.clock();
    if (now - (serving.loadedAt.get(thread) ?? 0n) < RELOAD_AFTER_NANOSECONDS) return;
    serving.loadedAt.set(thread, now);
    const fresh = thread.acquire(serving.base, serving.plugin);
    if (fresh === undefined) return;
    if (fresh.held.vm.failure !== undefined) {
      thread.release(fresh);
      return;
    }
    serving.handles.set(thread, fresh);
    thread.release(handle);
  }

  /** A request on that worker. It stays open until `close`. */
  open(listener: string, worker: number, request: GatewayRequest): OpenStream {
    const thread = this.worker(worker);
    const options = this.arriving(request);
    const serving = this.listeners.get(listener);
    if (serving === undefined) {
      const stream = new Stream(options);
      stream.sendError(500, "filter_config_not_found");
      return { stream, isUnjudged: true, close: () => {} };
    }
    this.reload(serving, thread);
    return thread.open(serving.handles.get(thread), serving.offer.failurePolicy, options);
  }

  /** Fires the timers of all roots that asked for one, on every thread. */
  tick(): void {
    for (const thread of this.threads) thread.tick();
  }

  /** Until the next tick of any VM, in milliseconds. */
  get tickMilliseconds(): number {
    return Math.min(...this.threads.flatMap(({ allVms }) => allVms.map((vm) => vm.tickMilliseconds)));
  }

  /** VMs alive: the base VMs, the main thread's and the workers'. */
  get vmCount(): number {
    return this.bases.size + this.threads.reduce((sum, { allVms }) => sum + allVms.length, 0);
  }
}
