/** One instance of the module: calls into it, calls out of it, and its traps. It knows no contexts. */
import { messageOf, UserError } from "../base/errors.js";
import { Status } from "./abi.js";
import { GuestMemory, OutOfBounds } from "./guest.js";
import type { Program } from "./program.js";

type GuestFunction = (...args: number[]) => unknown;
const isGuestFunction = (value: unknown): value is GuestFunction => typeof value === "function";

/** Numbers as the engine hands them over: i32 signed, i64 as bigint. */
export type HostCall = (...args: never[]) => number;
export type HostCalls = Readonly<Record<string, HostCall>>;

/** A host call that ends the instance, as a trap in its own code would. */
export class HostTrap extends Error {}

/** While the guest runs without a callback: what a gateway lets it do differs. */
export type Occasion = "initialisation" | "allocation";

export interface InstanceRules {
  /** Whether the guest may make that host call then. Left out: it may log, as on Envoy. */
  readonly mayCall?: (name: string, during: Occasion) => boolean;
}

export interface InstanceEnvironment extends InstanceRules {
  /** The call of that name, which is one of the module's imports. */
  readonly resolve: (name: string) => HostCall | undefined;
  /** Answers a call in the host's place. */
  readonly intercept: (name: string, args: readonly (number | bigint)[]) => number | undefined;
  readonly onTrap: (reason: string) => void;
}

export class GuestInstance {
  readonly memory: GuestMemory;
  /** Host calls made, by name. */
  readonly calls = new Map<string, number>();
  /** Why it trapped; undefined while it lives. */
  trapReason: string | undefined;
  /** The export that trapped last: not the one that the host called, where the guest's allocator did. */
  trappedIn: string | undefined;
  private readonly exports: Readonly<Record<string, unknown>>;
  private isInstantiated = false;
  /** An error of this host's own code, on its way through the guest: no trap. */
  private fault: { readonly error: unknown } | undefined;
  private occasion: Occasion | undefined = "initialisation";

  /** Throws a UserError when the module cannot be instantiated. `start` it then. */
  constructor(
    private readonly program: Program,
    private readonly environment: InstanceEnvironment,
  ) {
    const imports: Record<string, Record<string, HostCall>> = {};
    for (const { module, name } of program.shape.imports) {
      imports[module] = { ...imports[module], [name]: (...args) => this.dispatch(name, args) };
    }
    try {
      this.exports = new WebAssembly.Instance(program.module, imports).exports;
    } catch (error) {
      throw new UserError(`The filter does not start: ${messageOf(error)}.`, { cause: error });
    }
    const memory = this.exports[program.shape.memories[0] ?? ""];
    if (!(memory instanceof WebAssembly.Memory)) throw new UserError("The filter does not export its memory.");
    this.memory = new GuestMemory(memory);
    this.isInstantiated = true;
  }

  /** Runs the module's initialisation. Throws a UserError when it traps. */
  start(): void {
    if (this.has("_initialize")) {
      this.invoke("_initialize");
      if (this.has("main")) this.invoke("main", 0, 0);
      else if (this.has("__main_void")) this.invoke("__main_void");
    } else if (this.has("_start")) this.invoke("_start");
    this.occasion = undefined;
    if (this.trapReason !== undefined) throw new UserError(`The filter does not start: ${this.trapReason}.`);
  }

  has(name: string): boolean {
    return this.program.shape.functions.has(name);
  }

  /** Calls an export that is there. A trap gives 0, and the instance counts as failed from then on. */
  invoke(name: string, ...args: number[]): number {
    const callee = this.exports[name];
    if (!isGuestFunction(callee)) {
      throw new UserError(`The filter does not export ${name}.`, { hint: "Build it with `npm run build`." });
    }
    try {
      const result = callee(...args);
      return typeof result === "number" ? result : 0;
    } catch (error) {
      const { fault } = this;
      if (fault !== undefined) throw fault.error;
      this.trappedIn = name;
      this.trapReason = `${name} trapped: ${messageOf(error)}`;
      this.environment.onTrap(this.trapReason);
      return 0;
    }
  }

  /**
   * Copies bytes to where the guest's allocator says; 0 when it refuses or traps. The guest owns the buffer.
   * @param size how much is asked for
   */
  put(bytes: Uint8Array, size = bytes.length): number {
    const before = this.occasion;
    this.occasion = "allocation";
    const ptr = this.invoke(this.program.allocator, size) >>> 0;
    this.occasion = before;
    if (ptr !== 0) this.memory.write(ptr, bytes);
    return ptr;
  }

  /** Hands a value to the guest. Throws `OutOfBounds` when there is no place for it: the instance lives. */
  answer(value: Uint8Array, ptrOut: number, lengthOut: number): Status {
    let ptr = 0;
    if (value.length > 0) {
      ptr = this.put(value);
      if (ptr === 0) throw new OutOfBounds();
    }
    this.memory.u32(ptrOut, ptr);
    this.memory.u32(lengthOut, value.length);
    return Status.Ok;
  }

  private dispatch(name: string, args: never[]): number {
    // A gateway has no memory pointer before the module is instantiated: a call in its start section is the end.
    if (!this.isInstantiated) throw new Error(`host call ${name} while the module is instantiated`);
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    const { mayCall = (call) => call === "proxy_log" } = this.environment;
    try {
      if (this.occasion !== undefined && !mayCall(name, this.occasion))
        throw new HostTrap(`host call ${name} while it is not allowed`);
      const forced = this.environment.intercept(name, args);
      return forced ?? this.environment.resolve(name)?.(...args) ?? Status.Unimplemented;
    } catch (error) {
      if (error instanceof OutOfBounds) return Status.InvalidMemoryAccess;
      if (error instanceof HostTrap) throw error;
      this.fault = { error };
      throw error;
    }
  }
}
