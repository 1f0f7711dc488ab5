/** What a VM finds around it. */
import type { LogLevel } from "./abi.js";
import type { Clusters } from "./callouts.js";
import type { GuestMemory } from "./guest.js";
import type { Metrics, SharedData } from "./shared.js";

export interface LogLine {
  readonly level: LogLevel;
  /** Which VM said it: `canary`, `main`, `worker 0`. */
  readonly thread: string;
  readonly text: string;
}

/** A host call that is about to be answered. */
export interface MadeCall {
  readonly name: string;
  readonly thread: string;
  readonly args: readonly (number | bigint)[];
  readonly memory: GuestMemory;
}

/** What all VMs of a process have in common. */
export interface ProcessEnvironment {
  readonly shared: SharedData;
  readonly metrics: Metrics;
  readonly nodeId: string;
  /** Nanoseconds since 1970. */
  readonly clock: () => bigint;
  readonly log: (line: LogLine) => void;
  /** The services that a filter can call; without it there is none. */
  readonly clusters?: Clusters | undefined;
  /** For tests: answers a host call in the gateway's place. */
  readonly intercept?: ((call: MadeCall) => number | undefined) | undefined;
}

export interface VmEnvironment {
  readonly process: ProcessEnvironment;
  readonly thread: string;
  readonly vmId: string;
  readonly vmConfiguration: Buffer;
}
