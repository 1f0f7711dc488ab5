/** One worker process of nginx: its chains, and the one instance of each filter that they share. */
import { UserError } from "../../base/errors.js";
import type { LogLevel } from "../abi.js";
import type { VmEnvironment } from "../environment.js";
import type { Offer } from "../gateway.js";
import { Action } from "./abi.js";
import { WorkerDied } from "./died.js";
import { type ChainFilter, NgxContext, NgxInstance } from "./instance.js";
import type { NgxStream } from "./stream.js";
import type { Surroundings } from "./surroundings.js";

/** A chain as it is configured, and its filter as this worker made it. */
export interface Chain {
  readonly offer: Offer;
  readonly filter: ChainFilter;
}

interface Placed {
  readonly context: NgxContext;
  instance: NgxInstance | undefined;
}

export class NgxWorker {
  /** By listener. Where there is none, requests pass. */
  private chains = new Map<string, Chain>();
  private instances = new Map<string, NgxInstance>();
  /** A chain's root by the timers that it has: each asks for the next when it has fired. */
  private timers: ChainFilter[] = [];
  private readonly streams = new Map<NgxStream, Placed>();
  private lastStreamId = 0;

  constructor(
    private readonly environment: VmEnvironment,
    private readonly surroundings: Surroundings,
    private readonly nextFilter: (offer: Offer) => ChainFilter,
  ) {}

  get name(): string {
    return this.environment.thread;
  }

  chainOf(listener: string): Chain | undefined {
    return this.chains.get(listener);
  }

  private log(level: LogLevel, text: string): void {
    this.environment.process.log({ level, thread: this.name, text });
  }

  /** Throws a UserError when the module does not start. */
  private instanceOf({ program }: ChainFilter): NgxInstance {
    const present = this.instances.get(program.sha256);
    if (present !== undefined && !present.isGone) return present;
    const fresh = new NgxInstance(program, this.environment, this.surroundings, (filter) => this.timers.push(filter));
    this.instances.set(program.sha256, fresh);
    return fresh;
  }

  /**
   * Makes all chains that are not as configured. One that cannot be made is the end of it: every chain stays as it was, and the
   * reason is the answer.
   */
  rebuild(wanted: ReadonlyMap<string, Offer>): string | undefined {
    const chains = new Map<string, Chain>();
    for (const [listener, offer] of wanted) {
      const present = this.chains.get(listener);
      if (present?.offer === offer) {
        chains.set(listener, present);
        continue;
      }
      const filter = this.nextFilter(offer);
      const fault = this.start(filter);
      if (fault !== undefined) {
        this.log("error", `failed initializing "${filter.name}" filter: ${fault}`);
        return `failed to initialize the filter chain of ${listener}: ${fault}`;
      }
      chains.set(listener, { offer, filter });
    }
    this.chains = chains;
    return undefined;
  }

  private start(filter: ChainFilter): string | undefined {
    try {
      const instance = this.instanceOf(filter);
      if (instance.createRoot(filter, true)) return undefined;
      return instance.guest.trapReason ?? "on_vm_start or on_configure failure";
    } catch (error) {
      if (error instanceof UserError) return error.message;
      throw error;
    }
  }

  /** The process is another one: nothing of the last one's is left, and whoever was in it is cut off. */
  restart(): void {
    for (const stream of this.streams.keys()) stream.breakOff();
    this.streams.clear();
    this.instances.clear();
    this.timers = [];
    this.chains.clear();
  }

  /** As when Lua collects a plan that is no longer used: it takes every instance of the worker with it. */
  collect(): void {
    for (const instance of this.instances.values()) instance.isGone = true;
  }

  /** An instance that knows of this stream. Undefined: the filter refuses to be configured, or traps when it is told. */
  private place(placed: Placed, filter: ChainFilter): NgxInstance | undefined {
    if (placed.instance !== undefined && !placed.instance.isGone) return placed.instance;
    const instance = this.instanceOf(filter);
    if (instance.root(filter) === undefined && !instance.createRoot(filter, false)) return undefined;
    if (!instance.createStream(placed.context)) return undefined;
    placed.instance = instance;
    return instance;
  }

  /** A callback of a stream. Undefined when it trapped, or could not be made: then the stream is over. */
  private run(stream: NgxStream, name: string, ...args: number[]): number | undefined {
    const placed = this.streams.get(stream);
    if (placed?.context.filter === undefined || stream.standing === "over") return undefined;
    return this.place(placed, placed.context.filter)?.run(placed.context, name, ...args);
  }

  begin(chain: Chain, stream: NgxStream): void {
    this.lastStreamId += 1;
    const context = new NgxContext(this.lastStreamId, chain.filter, stream);
    this.streams.set(stream, { context, instance: undefined });
    stream.step = "request";
    const action = this.run(stream, "proxy_on_request_headers", stream.headers.count, 0);
    if (action !== undefined && action < 0) throw new WorkerDied(`the return action ${action}`);
    // Whatever comes behind a reply, a trap as well: it is sent.
    if (stream.reply !== undefined) {
      stream.standing = "continues";
      this.answer(stream);
    } else if (action === undefined) stream.fail();
    else if (action === Action.Pause) stream.standing = "hangs";
    else if (action === Action.Continue || action === Action.Done) stream.standing = "continues";
    else stream.breakOff();
  }

  /** The response is on its way, the filter's own as well. */
  private answer(stream: NgxStream): void {
    stream.isAnswered = true;
    stream.step = "response headers";
    if (this.run(stream, "proxy_on_response_headers", 0, 0) === undefined) stream.fail();
    stream.step = "response body";
    if (this.run(stream, "proxy_on_response_body", 0, 1) === undefined) stream.fail();
  }

  /** The request is over. One that hangs, or has failed, is not told of. */
  end(stream: NgxStream): void {
    if (stream.standing === "continues" && this.streams.has(stream)) {
      if (stream.step === "request") this.answer(stream);
      stream.step = "log";
      this.run(stream, "proxy_on_done");
      this.run(stream, "proxy_on_log");
      stream.step = "done";
      // Not to an instance that has never heard of it.
      if (this.streams.get(stream)?.instance?.isGone === false) this.run(stream, "proxy_on_delete");
    }
    this.streams.delete(stream);
  }

  /**
   * A timer whose root has not been made again in the instance that came meanwhile makes it, which starts another timer where the
   * filter asks for one when it is configured: so they multiply.
   */
  tick(): void {
    const due = this.timers;
    this.timers = [];
    for (const filter of due) {
      const instance = this.instanceOf(filter);
      if (!instance.hasTick()) continue;
      if (instance.root(filter) === undefined) instance.createRoot(filter, false);
      const root = instance.root(filter);
      if (root !== undefined) instance.run(root, "proxy_on_tick");
      if (root === undefined || root.tickMilliseconds > 0) this.timers.push(filter);
    }
  }
}
