/** What a VM finds around it. */
import type { LogLevel } from "./abi.js";
import type { Metrics, SharedData } from "./shared.js";

export interface LogLine {
  readonly level: LogLevel;
  /** Which VM said it: `canary`, `main`, `worker 0`. */
  readonly thread: string;
  readonly text: string;
}

/** What all VMs of a process have in common. */
export interface ProcessEnvironment {
  readonly shared: SharedData;
  readonly metrics: Metrics;
  readonly nodeId: string;
  /** Nanoseconds since 1970. */
  readonly clock: () => bigint;
  readonly log: (line: LogLine) => void;
  /** For tests: answers a host call in the gateway's place. */
  readonly intercept?: ((call: { readonly name: string; readonly thread: string }) => number | undefined) | undefined;
}

export interface VmEnvironment {
  readonly process: ProcessEnvironment;
  readonly thread: string;
  readonly vmId: string;
  readonly vmConfiguration: Buffer;
}
