/**
 * One instance of a filter with its contexts: what a VM is on every gateway. When which callback comes, and what the host calls
 * answer, is the gateway's own.
 */
import type { LogLevel, Status } from "./abi.js";
import type { VmEnvironment } from "./environment.js";
import type { GuestMemory } from "./guest.js";
import { GuestInstance, type HostCalls, type InstanceRules } from "./instance.js";
import type { Program } from "./program.js";

/** Envoy: `RuntimeError` is a trap, the others are what the thread could not do with the VM. */
export type Failure = "trap" | "start" | "configure";

/** @typeParam C what a callback runs for */
export abstract class Machine<C> {
  failure: Failure | undefined;
  readonly guest: GuestInstance;
  /** The context of the running callback. */
  protected current: C;
  private table: HostCalls | undefined;
  private readonly trapListeners: (() => void)[] = [];

  /**
   * Instantiates the module: `guest.start()` is left to the heir, once it is whole. Throws a UserError when that fails.
   * @param idle the context between callbacks
   */
  constructor(
    program: Program,
    readonly environment: VmEnvironment,
    private readonly idle: C,
    rules: InstanceRules = {},
  ) {
    const { process, thread } = environment;
    this.current = idle;
    this.guest = new GuestInstance(program, {
      ...rules,
      resolve: (name) => {
        this.table ??= this.hostCalls();
        return this.table[name];
      },
      intercept: (name, args) => process.intercept?.({ name, thread, args, memory: this.memory }),
      onTrap: (reason) => {
        this.failure = "trap";
        this.log("error", `Function: ${reason}`);
        for (const listener of this.trapListeners) listener();
      },
    });
  }

  protected abstract hostCalls(): HostCalls;

  get memory(): GuestMemory {
    return this.guest.memory;
  }

  /** The context that host calls refer to. */
  get context(): C {
    return this.current;
  }

  log(level: LogLevel, text: string): void {
    this.environment.process.log({ level, thread: this.environment.thread, text });
  }

  /** Hands a value to the guest, who owns the buffer. */
  answer(value: Uint8Array, ptrOut: number, lengthOut: number): Status {
    return this.guest.answer(value, ptrOut, lengthOut);
  }

  onTrap(listener: () => void): void {
    this.trapListeners.push(listener);
  }

  protected has(name: string): boolean {
    return this.guest.has(name);
  }

  /** Calls an export that is there, on behalf of a context; calls do not nest. A trap gives 0. */
  protected invoke(context: C, name: string, ...args: number[]): number {
    this.current = context;
    try {
      return this.guest.invoke(name, ...args);
    } finally {
      this.current = this.idle;
    }
  }

  /** Calls an export of the filter's own outside any request. Throws when it traps. */
  call(name: string, ...args: number[]): number {
    const result = this.invoke(this.idle, name, ...args);
    if (this.failure !== undefined) throw new Error(`The filter failed: ${this.guest.trapReason}.`);
    return result;
  }
}
