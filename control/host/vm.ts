/**
 * One VM as Envoy has it (Proxy-Wasm 0.2.1): its roots and streams, and when each callback comes. A trap ends it for every
 * plugin in it.
 */
import { Status } from "./abi.js";
import type { CalloutAnswer } from "./callouts.js";
import { hostCalls } from "./calls.js";
import { Context, type Plugin } from "./context.js";
import type { VmEnvironment } from "./environment.js";
import type { HostCalls } from "./instance.js";
import { Machine } from "./machine.js";
import type { Program } from "./program.js";
import { MetricTable } from "./shared.js";
import type { Stream } from "./stream.js";

export type { Failure } from "./machine.js";

/** Continue, and ContinueAndEndStream, which Envoy takes for the same. Every other action holds the request back. */
const CONTINUES: ReadonlySet<number> = new Set([0, 2]);

export class Vm extends Machine<Context> {
  readonly metrics: MetricTable;
  private readonly contexts: Map<number, Context>;
  private readonly roots = new Map<string, Context>();
  /** Roots whose `on_done` asked for more time. */
  private readonly pendingDone = new Map<string, Context>();
  private nextId = 1;
  private effective: Context | undefined;
  private deferred: (() => void)[] = [];
  private isStopped = false;
  private lastToken = 0;
  /** What a call to another service brought, while the filter is handed it. */
  calloutAnswer: CalloutAnswer | undefined;

  /** Instantiates and starts the module. Throws a UserError when that fails. */
  constructor(program: Program, environment: VmEnvironment) {
    const vmContext = new Context(0, undefined);
    super(program, environment, vmContext);
    this.contexts = new Map([[vmContext.id, vmContext]]);
    this.metrics = new MetricTable(environment.process.metrics);
    this.guest.start();
  }

  protected override hostCalls(): HostCalls {
    return hostCalls(this);
  }

  // What host calls use.

  /** The context that host calls refer to: the callback's, or the one that the guest chose. */
  override get context(): Context {
    const { effective } = this;
    return effective !== undefined && this.contexts.get(effective.id) === effective ? effective : this.current;
  }

  /** The guest chose another context than the callback's. */
  get isElsewhere(): boolean {
    return this.context !== this.current;
  }

  /** False when there is none of that id. */
  setEffectiveContext(id: number): boolean {
    const context = this.contexts.get(id);
    if (context === undefined) return false;
    this.effective = id === 0 ? undefined : context;
    return true;
  }

  /** Runs when the running callback has returned. */
  afterCall(action: () => void): void {
    this.deferred.push(action);
  }

  /** What the next call to another service is known by. */
  nextToken(): number {
    this.lastToken += 1;
    return this.lastToken;
  }

  /** The running callback's answer no longer counts: the stream stops. */
  stopIteration(): void {
    this.isStopped = true;
  }

  // Calls into the guest.

  protected override invoke(context: Context, name: string, ...args: number[]): number {
    try {
      return super.invoke(context, name, ...args);
    } finally {
      this.effective = undefined;
    }
  }

  /** One callback with all that it deferred. */
  private callback<T>(run: () => T): T {
    try {
      return run();
    } finally {
      this.isStopped = false;
      for (let action = this.deferred.shift(); action !== undefined; action = this.deferred.shift()) action();
    }
  }

  private notify(context: Context, name: string): void {
    if (this.failure === undefined && this.has(name)) this.callback(() => this.invoke(context, name, context.id));
  }

  private addContext(plugin: Plugin, root?: Context, stream?: Stream): Context {
    const context = new Context(this.nextId, plugin, root, stream);
    this.nextId += 1;
    this.contexts.set(context.id, context);
    return context;
  }

  // Roots.

  /** Creates the plugin's root. Undefined when `on_vm_start`, which runs for every root, says no. */
  startRoot(plugin: Plugin): Context | undefined {
    const context = this.roots.get(plugin.key) ?? this.addContext(plugin);
    this.roots.set(plugin.key, context);
    const started = this.callback(() => {
      if (this.has("proxy_on_context_create")) {
        context.configuring = plugin;
        this.invoke(context, "proxy_on_context_create", context.id, 0);
        context.isCreated = true;
        context.configuring = undefined;
      }
      if (!this.has("proxy_on_vm_start")) return true;
      return this.invoke(context, "proxy_on_vm_start", context.id, this.environment.vmConfiguration.length) !== 0;
    });
    return started ? context : undefined;
  }

  /** False: refused, or trapped. A VM that has failed before is not asked, which counts as success. */
  configureRoot(context: Context, plugin: Plugin): boolean {
    if (this.failure !== undefined) return true;
    context.isCreated = true;
    if (!this.has("proxy_on_configure")) return true;
    return this.callback(() => {
      context.configuring = plugin;
      const accepted = this.invoke(context, "proxy_on_configure", context.id, plugin.configuration.length) !== 0;
      context.configuring = undefined;
      return accepted;
    });
  }

  /** The plugin's root, or every root, ends: `on_done`, and `on_delete` unless the guest asks for more time. */
  shutDown(pluginKey?: string): void {
    for (const [key, context] of [...this.roots]) {
      if (pluginKey !== undefined && pluginKey !== key) continue;
      this.roots.delete(key);
      if (this.isDone(context)) this.deleteContext(context);
      else this.pendingDone.set(key, context);
    }
  }

  /** `proxy_done`: the guest needs no more time for that root. */
  done(context: Context): Status {
    const key = context.plugin?.key ?? "";
    const pending = this.pendingDone.get(key);
    if (pending === undefined) return Status.NotFound;
    this.pendingDone.delete(key);
    this.afterCall(() => this.deleteContext(pending));
    return Status.Ok;
  }

  private isDone(context: Context): boolean {
    if (this.failure !== undefined || !this.has("proxy_on_done")) return true;
    return this.callback(() => this.invoke(context, "proxy_on_done", context.id) !== 0);
  }

  private deleteContext(context: Context): void {
    if (context.isCreated) this.notify(context, "proxy_on_delete");
    this.contexts.delete(context.id);
  }

  /** A root whose end is pending still gets ticks: it is how it can finish. */
  tick(): void {
    for (const context of [...this.contexts.values()]) {
      if (context.tickMilliseconds > 0) this.notify(context, "proxy_on_tick");
    }
  }

  /** Until the next tick of any of its roots; for ever where none asked for one. */
  get tickMilliseconds(): number {
    const periods = [...this.contexts.values()].map(({ tickMilliseconds }) => tickMilliseconds);
    return Math.min(Number.POSITIVE_INFINITY, ...periods.filter((period) => period > 0));
  }

  // Streams.

  openStream(root: Context, plugin: Plugin, stream: Stream): Context {
    const context = this.addContext(plugin, root, stream);
    if (this.failure === undefined && this.has("proxy_on_context_create")) {
      this.callback(() => this.invoke(context, "proxy_on_context_create", context.id, root.id));
    }
    context.isCreated = true;
    return context;
  }

  /** The request's headers have come. A failed VM answers 503. */
  onRequestHeaders(context: Context, stream: Stream): void {
    const check = (): boolean => {
      if (this.failure === undefined) return false;
      stream.fail();
      return true;
    };
    if (check()) return;
    stream.hasHeaders = true;
    const name = "proxy_on_request_headers";
    const proceeds = this.callback(() => {
      const action = this.has(name) ? this.invoke(context, name, context.id, stream.headers.count, 1) : 0;
      return !check() && CONTINUES.has(action) && !this.isStopped;
    });
    if (proceeds) stream.proceed();
  }

  /** Another service has answered: it is told to the root, whichever stream asked. */
  onCalloutAnswer(root: Context, token: number, answer: CalloutAnswer): void {
    const name = "proxy_on_http_call_response";
    if (this.failure !== undefined || this.contexts.get(root.id) !== root || !this.has(name)) return;
    this.callback(() => {
      this.calloutAnswer = answer;
      this.invoke(root, name, root.id, token, answer.headers.count, answer.body.length, 0);
      this.calloutAnswer = undefined;
    });
  }

  /** The request is over: access log, then `on_done` and `on_delete`. */
  closeStream(context: Context, stream: Stream): void {
    stream.isLogging = true;
    this.notify(context, "proxy_on_log");
    stream.isLogging = false;
    this.isDone(context);
    this.deleteContext(context);
  }
}
