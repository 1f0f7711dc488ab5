/** What the two gateways that this host can be have in common: they are offered configurations, and hold requests. */
import type { VmIdentity } from "./base-vm.js";
import type { LogLine, ProcessEnvironment } from "./environment.js";
import type { Exchange, StreamOptions } from "./exchange.js";
import type { LoadingRules } from "./program.js";
import type { FailurePolicy } from "./thread.js";

export interface ProcessOptions {
  readonly workers: number;
  readonly nodeId: string;
  /** Nanoseconds since 1970. */
  readonly clock: () => bigint;
  readonly clusters?: ProcessEnvironment["clusters"];
  readonly intercept?: ProcessEnvironment["intercept"];
}

export interface Offer {
  readonly identity: VmIdentity;
  /** Part of what makes two plugin configurations one: same name, root id and bytes share a root. */
  readonly pluginName: string;
  readonly rootId: string;
  readonly configuration: Buffer;
  readonly failurePolicy: FailurePolicy;
}

export interface Answer {
  /** It serves on at least the threads not in `failedThreads`. False: the one before serves on. */
  readonly accepted: boolean;
  /** What the gateway tells its configuration server: Envoy calls a repeated offer a success, whatever became of the first. */
  readonly acknowledged: boolean;
  /** Threads without a filter: their requests pass unchecked. */
  readonly failedThreads: readonly string[];
  /** Why it was refused, in the gateway's words. */
  readonly error: string | undefined;
}

export type GatewayRequest = Omit<StreamOptions, "connectionId" | "startedAt">;

export interface OpenExchange {
  readonly stream: Exchange;
  /** No filter judged it. */
  readonly isUnjudged: boolean;
  readonly close: () => void;
}

export interface Gateway {
  readonly log: readonly LogLine[];
  readonly metrics: { all(): ReadonlyMap<string, number> };
  /** Offers a configuration to a listener. Never throws for what is wrong with the filter or the configuration. */
  offer(listener: string, offer: Offer): Answer;
  /** A request on that worker. It stays open until `close`. */
  open(listener: string, worker: number, request: GatewayRequest): OpenExchange;
  /** Fires the timers of all roots that asked for one, on every thread. */
  tick(): void;
}

/** A gateway to be: everything that this host does otherwise for one than for the other hangs on this. */
export interface HostProfile<G extends Gateway> {
  readonly name: "envoy" | "ngx";
  /** The filter that the package ships for it. */
  readonly wasmPath: string;
  /** What its gateway does not load is refused. */
  readonly rules: LoadingRules;
  /** What stands before a name of the filter's own (`audit`, `verdict`) where the gateway shows what it set. */
  readonly statePrefix: string;
  readonly start: (options: ProcessOptions) => G;
}
