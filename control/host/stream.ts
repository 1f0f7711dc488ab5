/** One request as Envoy holds it. */
import type { Exchange, PropertyValue, Shown, StreamOptions } from "./exchange.js";
import { HeaderMap } from "./headers.js";
import { completeReply, type LocalReply, type ReplyRequest } from "./reply.js";

export type { PropertyValue, StreamOptions } from "./exchange.js";
export type { Header } from "./headers.js";
export type { LocalReply } from "./reply.js";

/** `waiting`: the filter paused the stream and has not yet let it go on. `reset`: it was ended in the middle. */
export type StreamState = "waiting" | "continues" | "reset";

export class Stream implements Exchange {
  readonly headers: HeaderMap;
  readonly sourceAddress: string;
  readonly connectionId: bigint;
  readonly startedAt: bigint;
  readonly properties: ReadonlyMap<string, PropertyValue>;
  /** `wasm.<key>` -> value, byte for byte. */
  readonly filterState = new Map<string, Buffer>();
  /** The filter has the headers in hand: from their arrival until it lets the request go on. */
  hasHeaders = false;
  /** In the access log phase they can be read again. */
  isLogging = false;
  state: StreamState = "waiting";
  reply: LocalReply | undefined;
  /** Changing request headers makes the gateway choose the route anew (ABI 0.2.1 and older). */
  routeCacheClears = 0;
  /** Of a stream that was ended while its answer was on its way: the client does not see them, the access log does. */
  resetDetails: string | undefined;
  /** The upstream's answer has begun: it cannot be replaced any more. */
  isAnswered = false;
  private isEnding = false;
  private failed = false;
  private readonly endListeners: (() => void)[] = [];

  constructor(options: StreamOptions) {
    this.headers = new HeaderMap(options.headers);
    this.sourceAddress = options.sourceAddress;
    this.connectionId = options.connectionId;
    this.startedAt = options.startedAt;
    this.properties = options.properties;
  }

  /** Answers the request here. The first answer counts. */
  sendLocalReply(reply: ReplyRequest): void {
    this.reply ??= completeReply(reply, this.headers);
  }

  /** An answer of the gateway's own. */
  sendError(status: number, details: string): void {
    this.sendLocalReply({ status, details, headers: [], body: Buffer.alloc(0), grpcStatus: -1 });
  }

  get areHeadersReadable(): boolean {
    return this.hasHeaders || this.isLogging;
  }

  /** The VM has failed: 503, whatever the filter had in mind. */
  fail(): void {
    if (this.failed) return;
    this.failed = true;
    this.sendError(503, "wasm_fail_stream");
  }

  /** The filter lets it go on. */
  proceed(): void {
    this.hasHeaders = false;
    if (this.state === "waiting") this.state = "continues";
  }

  /** The filter ends it without an answer. */
  reset(details?: string): void {
    this.state = "reset";
    this.resetDetails ??= details;
    this.tellOfEnd();
  }

  /**
   * A call outside of its own callbacks is about to end it. Once: what Envoy does at a second such call is to crash, so this is a
   * fault of the filter's that no test may miss.
   */
  beginEnding(): void {
    if (this.isEnding) throw new Error("one stream was ended twice from outside its callbacks: Envoy would crash");
    this.isEnding = true;
  }

  /** The filter ends it from outside of its callbacks: by an answer where none has begun. */
  end(reply: ReplyRequest): void {
    if (this.isAnswered) {
      this.reset(reply.details);
      return;
    }
    this.sendLocalReply(reply);
    this.tellOfEnd();
  }

  show(): Shown {
    const { reply, routeCacheClears } = this;
    // A key of two segments cannot be named in a log, so it does not show.
    const named = [...this.filterState].filter(([key]) => !key.includes("\0"));
    return {
      kind: this.kind,
      reply,
      details: reply?.details ?? this.resetDetails,
      headers: this.headers.all,
      filterState: new Map(named.map(([key, value]) => [key, value.toString("latin1")])),
      routeCacheClears,
    };
  }

  private get kind(): Shown["kind"] {
    if (this.reply !== undefined) return "reply";
    if (this.state === "reset") return "reset";
    return this.state === "continues" ? "continue" : "paused";
  }

  private tellOfEnd(): void {
    for (const listener of this.endListeners) listener();
  }

  onEnd(listener: () => void): void {
    this.endListeners.push(listener);
  }
}
