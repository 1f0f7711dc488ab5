/** One request as nginx holds it. */
import { randomBytes } from "node:crypto";
import type { Exchange, PropertyValue, Shown, StreamOptions } from "../exchange.js";
import type { Header } from "../headers.js";
import type { LocalReply, ReplyRequest } from "../reply.js";
import { NgxHeaders } from "./headers.js";
import type { NgxRequest } from "./request.js";

/** With a port: an address of IPv6 is in brackets then. */
const WITH_PORT = /^(\[.*\]|[^:]*):(\d+)$/;

/** Which of its callbacks runs: much is allowed in some only. */
export type Step = "request" | "response headers" | "response body" | "log" | "done";

/** `over`: a trap or an error has ended it; no filter hears of it again. */
export type Standing = "waiting" | "continues" | "hangs" | "over";

/** The body gets a newline, and each header is set: of equal names the last counts. */
function completeReply({ status, details, headers, body }: ReplyRequest, method: string): LocalReply {
  const set = new Map<string, Header>();
  for (const [name, value] of headers) set.set(name.toLowerCase(), [name, value]);
  const text = body.length === 0 ? "" : `${body.toString("utf8")}\n`;
  if (text !== "" && !set.has("content-type")) set.set("content-type", ["content-type", "text/plain"]);
  set.set("content-length", ["content-length", String(body.length === 0 ? 0 : body.length + 1)]);
  return { status, details, headers: [...set.values()], body: method === "HEAD" ? "" : text };
}

export class NgxStream implements Exchange {
  readonly headers: NgxHeaders;
  /** There is no response yet, but a filter can set headers that it will have. */
  readonly responseHeaders = new NgxHeaders([]);
  readonly properties: ReadonlyMap<string, PropertyValue>;
  /** `kong.ctx.shared.<key>` and declared `ngx.<variable>`, as the filter set them. */
  readonly set = new Map<string, Buffer>();
  /** What the filter put in the place of `:path` and `:method`. */
  readonly overrides = new Map<string, string>();
  /** `$kong_request_id`: Kong's own, whatever the client sends. */
  readonly requestId = randomBytes(16).toString("hex");
  standing: Standing = "waiting";
  step: Step | undefined;
  reply: LocalReply | undefined;
  /** The response callbacks have run. */
  isAnswered = false;
  private isBroken = false;

  /** @param request undefined where nginx refused it */
  constructor(
    private readonly options: StreamOptions,
    readonly request: NgxRequest | undefined,
  ) {
    this.headers = new NgxHeaders(request?.headers ?? options.headers.filter(([name]) => !name.startsWith(":")));
    this.properties = options.properties;
  }

  /** Without port and brackets, as `$remote_addr` is. */
  get sourceAddress(): string {
    return this.options.sourceAddress.replace(WITH_PORT, "$1").replace(/^\[|\]$/g, "");
  }

  get sourcePort(): string | undefined {
    return WITH_PORT.exec(this.options.sourceAddress)?.[2];
  }

  get connectionId(): bigint {
    return this.options.connectionId;
  }

  /** Seconds, with three digits behind the point. */
  get startedAt(): string {
    const milliseconds = this.options.startedAt / 1_000_000n;
    return `${milliseconds / 1000n}.${String(milliseconds % 1000n).padStart(3, "0")}`;
  }

  sendLocalReply(reply: ReplyRequest): void {
    this.reply = completeReply(reply, this.request?.method ?? "GET");
  }

  /** Trapped, or an answer that it cannot give: nginx's own page, and no further callback. */
  fail(status = 500): void {
    this.standing = "over";
    this.reply = { status, details: "", headers: [["content-type", "text/html"]], body: "" };
  }

  /** The connection is closed without an answer: an error, or the worker that held it is gone. */
  breakOff(): void {
    this.standing = "over";
    this.reply = undefined;
    this.isBroken = true;
  }

  show(): Shown {
    return {
      kind: this.kind,
      reply: this.reply,
      details: this.reply?.details,
      headers: this.sent,
      filterState: new Map([...this.set].map(([key, value]) => [key, value.toString("latin1")])),
      routeCacheClears: 0,
    };
  }

  private get kind(): Shown["kind"] {
    if (this.isBroken) return "reset";
    if (this.reply !== undefined) return "reply";
    return this.standing === "continues" ? "continue" : "paused";
  }

  /** The upstream gets the raw target, and every line. */
  private get sent(): readonly Header[] {
    const { request } = this;
    if (request === undefined) return this.headers.all;
    return [[":method", request.method], [":path", request.target], ...this.headers.all];
  }
}
