/** The filter without a gateway, for tests and `glassgate explain`: configure it, send requests, see what it did. */
import { UserError } from "../base/errors.js";
import type { LogLine, ProcessEnvironment } from "./environment.js";
import { envoyProfile } from "./envoy.js";
import type { PropertyValue, Shown } from "./exchange.js";
import type { Gateway, HostProfile, OpenExchange } from "./gateway.js";
import type { Header } from "./headers.js";
import type { GatewayProcess } from "./process.js";
import type { Program } from "./program.js";
import type { LocalReply } from "./reply.js";
import type { FailurePolicy } from "./thread.js";
import { loadProgram } from "./wasm.js";

export type { Header, LocalReply, LogLine, PropertyValue };

export interface HostOptions {
  /** Another filter than the package's own: its path or its bytes. */
  readonly wasm?: string | Uint8Array;
  /** Default 1. There is a main thread beside them. */
  readonly workers?: number;
  readonly nodeId?: string;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** Default `closed`. */
  readonly failurePolicy?: FailurePolicy;
  /** The services that the filter can call; without it there is none. */
  readonly clusters?: ProcessEnvironment["clusters"];
  /** For tests: answers a host call in the gateway's place. */
  readonly intercept?: ProcessEnvironment["intercept"];
}

export interface ConfigureOptions {
  /** A new one makes new VMs: the recovery step when a thread could not be configured. Stays until the next one. */
  readonly vmId?: string;
  readonly vmConfiguration?: string;
  readonly pluginName?: string;
}

export interface Configured {
  /** Whether this configuration serves now. */
  readonly accepted: boolean;
  /** What the filter said why it refused, or what the gateway said. */
  readonly reason: string | undefined;
  /** What the filter itself said against it: where it must not refuse, it is accepted all the same, and every grant denied. */
  readonly refusal: string | undefined;
  /** What Envoy would tell its configuration server: true as well for a bad configuration that is offered again. */
  readonly acknowledged: boolean;
  /** Threads without a filter (`main`, `worker 0`): their requests pass unjudged. */
  readonly failedThreads: readonly string[];
  /** What the VMs logged meanwhile. */
  readonly log: readonly string[];
}

export interface HostRequest {
  /** With pseudo-headers; `host` is `:authority`. Byte strings: no character above U+00FF. */
  readonly headers: readonly Header[];
  readonly listener?: string;
  readonly sourceAddress?: string;
  readonly worker?: number;
  /** Further properties by dotted path. */
  readonly properties?: Readonly<Record<string, PropertyValue>>;
}

export interface Outcome extends Shown {
  /** No filter judged this request: a worker without one. */
  readonly isUnjudged: boolean;
  /** What the filter said of this request, by its own names (`audit`, `verdict`). */
  readonly said: ReadonlyMap<string, string>;
  /** What the VMs logged meanwhile. */
  readonly log: readonly string[];
}

export interface OpenRequest {
  readonly outcome: Outcome;
  /** The outcome now: a filter may end or release a stream later. */
  readonly look: () => Outcome;
  /** The upstream has begun to answer: a filter that ends the stream now resets it. */
  readonly answer: () => void;
  readonly close: () => void;
}

const DEFAULT_LISTENER = "api";
const REFUSED = "glassgate: configuration refused: ";

/** @typeParam G the gateway that it is */
export class FilterHost<G extends Gateway = GatewayProcess> {
  private vmId = "glassgate";
  private vmConfiguration = "";

  private constructor(
    readonly process: G,
    readonly profile: HostProfile<G>,
    private readonly program: Program,
    private readonly failurePolicy: FailurePolicy,
    private readonly shift: { milliseconds: number },
  ) {}

  /** As Envoy. */
  static load(options: HostOptions = {}): Promise<FilterHost> {
    return FilterHost.loadAs(envoyProfile, options);
  }

  static async loadAs<G extends Gateway>(profile: HostProfile<G>, options: HostOptions = {}): Promise<FilterHost<G>> {
    const clock = options.clock ?? Date.now;
    const shift = { milliseconds: 0 };
    const process = profile.start({
      workers: options.workers ?? 1,
      nodeId: options.nodeId ?? "node-host",
      clock: () => BigInt(Math.round((clock() + shift.milliseconds) * 1000)) * 1000n,
      clusters: options.clusters,
      intercept: options.intercept,
    });
    const program = await loadProgram(options.wasm ?? profile.wasmPath, profile.rules);
    return new FilterHost(process, profile, program, options.failurePolicy ?? "closed", shift);
  }

  /** Offers a configuration to a listener: to a canary, the main thread and the workers. */
  configure(text: string | Uint8Array, listener = DEFAULT_LISTENER, options: ConfigureOptions = {}): Configured {
    this.vmId = options.vmId ?? this.vmId;
    this.vmConfiguration = options.vmConfiguration ?? this.vmConfiguration;
    const before = this.process.log.length;
    const { error, ...answer } = this.process.offer(listener, {
      identity: { vmId: this.vmId, vmConfiguration: Buffer.from(this.vmConfiguration), program: this.program },
      pluginName: options.pluginName ?? "glassgate",
      rootId: "glassgate",
      configuration: Buffer.from(text),
      failurePolicy: this.failurePolicy,
    });
    const log = this.process.log.slice(before).map((line) => line.text);
    const refusal = log.find((line) => line.startsWith(REFUSED))?.slice(REFUSED.length);
    return { ...answer, reason: answer.accepted ? undefined : (refusal ?? error), refusal, log };
  }

  /** Opens a request and leaves it open: what happens when a rotation comes in between. */
  open(request: HostRequest): OpenRequest {
    for (const text of request.headers.flat()) {
      if (/[^\0-\xff]/.test(text))
        throw new UserError(`The header text ${JSON.stringify(text)} cannot be sent: it is no byte string.`);
    }
    const before = this.process.log.length;
    const opened = this.process.open(request.listener ?? DEFAULT_LISTENER, request.worker ?? 0, {
      headers: request.headers,
      sourceAddress: request.sourceAddress ?? "192.0.2.1:50000",
      properties: new Map(Object.entries(request.properties ?? {})),
    });
    const look = (): Outcome => this.outcomeOf(opened, before);
    const answer = (): void => {
      opened.stream.isAnswered = true;
    };
    return { outcome: look(), look, answer, close: opened.close };
  }

  request(request: HostRequest): Outcome {
    const { outcome, close } = this.open(request);
    close();
    return outcome;
  }

  private outcomeOf({ stream, isUnjudged }: OpenExchange, logFrom: number): Outcome {
    const shown = stream.show();
    const log = this.process.log.slice(logFrom).map((line) => line.text);
    const { statePrefix } = this.profile;
    const own = [...shown.filterState].filter(([key]) => key.startsWith(statePrefix));
    const said = new Map(own.map(([key, value]) => [key.slice(statePrefix.length), value]));
    return { ...shown, isUnjudged, said, log };
  }

  metrics(): ReadonlyMap<string, number> {
    return this.process.metrics.all();
  }

  /** Moves the clock on. Timers do not fire by themselves: `tick`. */
  advance(milliseconds: number): void {
    this.shift.milliseconds += milliseconds;
  }

  /** Fires the timers of all roots that asked for one, on every thread. */
  tick(): void {
    this.process.tick();
  }
}
