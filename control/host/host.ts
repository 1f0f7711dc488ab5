/** The filter without a gateway, for tests and `glassgate explain`: configure it, send requests, see what it did. */
import { GatewayProcess } from "./process.js";
import type { Header, LocalReply, Stream } from "./stream.js";
import { loadFilter } from "./wasm.js";

export interface HostOptions {
  /** Another filter than the package's own. */
  readonly wasm?: string;
  readonly workers?: number;
  readonly nodeId?: string;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export interface HostRequest {
  readonly headers: readonly Header[];
  readonly listener?: string;
  readonly sourceAddress?: string;
  readonly worker?: number;
}

export interface Outcome {
  /** What the filter replied; undefined: the request goes on, to the normal authentication and the upstream. */
  readonly reply: LocalReply | undefined;
  /** The request's headers as they go on. */
  readonly headers: readonly Header[];
  /** `wasm.glassgate.verdict` and so on. */
  readonly filterState: ReadonlyMap<string, string>;
  /** No filter judged this request: a worker without one. */
  readonly isUnjudged: boolean;
  readonly routeCacheClears: number;
}

const DEFAULT_LISTENER = "api";

export class FilterHost {
  private constructor(readonly process: GatewayProcess) {}

  static async load(options: HostOptions = {}): Promise<FilterHost> {
    const clock = options.clock ?? Date.now;
    return new FilterHost(
      new GatewayProcess({
        module: await loadFilter(options.wasm),
        workers: options.workers ?? 1,
        vmId: "glassgate",
        nodeId: options.nodeId ?? "node-host",
        clock: () => BigInt(Math.round(clock() * 1000)) * 1000n,
      }),
    );
  }

  /** Offers a configuration. When it is refused, `reason` is what the filter logged. */
  configure(text: string, listener = DEFAULT_LISTENER): { accepted: boolean; reason: string | undefined } {
    const before = this.process.logs.length;
    const accepted = this.process.configure(listener, text);
    const line = this.process.logs.slice(before).find((log) => log.startsWith("glassgate: configuration refused: "));
    return { accepted, reason: accepted ? undefined : (line?.slice("glassgate: configuration refused: ".length) ?? "it trapped") };
  }

  /** Opens a stream and leaves it open: what happens when a rotation comes in between. */
  open(request: HostRequest): { outcome: Outcome; close: () => void } {
    const thread = this.process.worker(request.worker ?? 0);
    const properties = new Map([["source.address", request.sourceAddress ?? "192.0.2.1:50000"]]);
    const stream = thread?.open(request.listener ?? DEFAULT_LISTENER, request.headers, properties);
    if (stream === undefined) {
      const outcome = { reply: undefined, headers: request.headers, filterState: new Map<string, string>(), isUnjudged: true, routeCacheClears: 0 };
      return { outcome, close: () => {} };
    }
    return { outcome: outcomeOf(stream), close: () => thread?.close(stream) };
  }

  request(request: HostRequest): Outcome {
    const { outcome, close } = this.open(request);
    close();
    return outcome;
  }

  metrics(): ReadonlyMap<string, number> {
    return this.process.metrics.all();
  }
}

function outcomeOf(stream: Stream): Outcome {
  const { reply, headers, filterState, routeCacheClears } = stream;
  return { reply, headers, filterState, routeCacheClears, isUnjudged: false };
}
