/**
 * One instance of a filter in one worker. Every chain of the worker that uses the filter has its root context here; a trap ends
 * it with all that the chains had in it.
 */
import { Status } from "../abi.js";
import type { VmEnvironment } from "../environment.js";
import { OutOfBounds } from "../guest.js";
import { type HostCalls, HostTrap } from "../instance.js";
import { Machine } from "../machine.js";
import type { Program } from "../program.js";
import { ngxCalls } from "./calls.js";
import { WorkerDied } from "./died.js";
import type { NgxStream } from "./stream.js";
import type { Surroundings } from "./surroundings.js";

/** A filter with a configuration, in one chain. */
export interface ChainFilter {
  /** Also of its root context: a checksum, above all small numbers. */
  readonly id: number;
  readonly name: string;
  readonly configuration: Buffer;
  readonly program: Program;
}

export class NgxContext {
  /** Roots only; 0 is none. */
  tickMilliseconds = 0;

  /** @param stream none: this is a root, or nobody's */
  constructor(
    readonly id: number,
    readonly filter: ChainFilter | undefined,
    readonly stream?: NgxStream,
  ) {}
}

export class NgxInstance extends Machine<NgxContext> {
  private readonly roots = new Map<number, NgxContext>();
  /** Nobody uses it any more: it trapped, or the plan that it was made for was collected. */
  isGone = false;

  /** Throws a UserError when the module does not start, and `WorkerDied` when it makes a host call then. */
  constructor(
    program: Program,
    environment: VmEnvironment,
    readonly surroundings: Surroundings,
    /** A root asked for ticks: the timer is the worker's, and outlives this instance. */
    readonly onTimer: (filter: ChainFilter) => void,
  ) {
    super(program, environment, new NgxContext(0, undefined), {
      mayCall: (name, during) => {
        if (during === "initialisation") throw new WorkerDied(`the host call ${name} in _initialize`);
        return true;
      },
    });
    this.onTrap(() => {
      this.isGone = true;
    });
    this.guest.start();
  }

  protected override hostCalls(): HostCalls {
    return ngxCalls(this);
  }

  // What host calls use.

  /** Where the guest wants a number: outside its memory, or at no multiple of the number's size, is a trap. */
  out(ptr: number, size = 4): number {
    if ((ptr >>> 0) % size !== 0) throw new HostTrap("invalid data pointer passed to host function");
    this.memory.bytes(ptr, size);
    return ptr;
  }

  /** Hands a value to the guest, an empty one as well. A refusing allocator is an internal failure. */
  give(value: Uint8Array, ptrOut: number, lengthOut: number, size = value.length): Status {
    this.out(ptrOut);
    this.out(lengthOut);
    try {
      const ptr = this.guest.put(value, size);
      if (ptr === 0) return Status.InternalFailure;
      this.memory.u32(ptrOut, ptr);
      this.memory.u32(lengthOut, size);
      return Status.Ok;
    } catch (error) {
      if (error instanceof OutOfBounds) return Status.InvalidMemoryAccess;
      throw error;
    }
  }

  // Calls into the guest.

  root(filter: ChainFilter): NgxContext | undefined {
    return this.roots.get(filter.id);
  }

  /**
   * Tells the guest of a chain. `on_vm_start` comes when the chain is made, and not when a new instance takes a trapped one's place.
   * False: it refused, or trapped; it is told again when it is needed again.
   */
  createRoot(filter: ChainFilter, isFirst: boolean): boolean {
    const context = new NgxContext(filter.id, filter);
    this.invoke(context, "proxy_on_context_create", filter.id, 0);
    if (this.isGone) return false;
    if (isFirst && this.invoke(context, "proxy_on_vm_start", filter.id, 0) === 0) return false;
    if (this.invoke(context, "proxy_on_configure", filter.id, filter.configuration.length) === 0) return false;
    this.roots.set(filter.id, context);
    return true;
  }

  /** False when it trapped. */
  createStream(context: NgxContext): boolean {
    this.invoke(context, "proxy_on_context_create", context.id, context.filter?.id ?? 0);
    return !this.isGone;
  }

  /**
   * Any further callback. Undefined when it trapped. Where only the allocator did, meanwhile, its answer counts, and the instance is
   * gone all the same.
   */
  run(context: NgxContext, name: string, ...args: number[]): number | undefined {
    const result = this.invoke(context, name, context.id, ...args);
    return this.guest.trappedIn === name ? undefined : result;
  }

  hasTick(): boolean {
    return this.has("proxy_on_tick");
  }
}
