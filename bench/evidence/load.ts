/** Requests on several connections, HTTP/1.1 and HTTP/2, without an end until it is told; what became of each is kept. */
import type { Agent } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { keepAlive, send } from "../../control/gateway/client.js";
import { HOST } from "../../test/kit/world.js";

const HTTP2_SESSIONS = 2;
/** As long a client that was denied waits before it tries again. */
const AFTER_DENIAL_MS = 200;
/** One request in so many is of another kind than the others: it needs no receipt. */
const PLAIN_EVERY = 8;
/** Nobody waits for ever: so many denials for each request that was to be let in, and some. */
const MOST_DENIALS = (goal: number): number => 20 * goal + 20_000;
const LOOK_MS = 5;

/** A stretch of the run: a request belongs to it when it began and ended in it. */
export interface Period {
  /** What happens to the ledger; "turning" from one to the next. */
  readonly name: "up" | "turning" | "stopped" | "killed";
}

const TURNING: Period = { name: "turning" };

export interface Asked {
  readonly path: string;
  readonly needsReceipt: boolean;
  /** 0 where the connection broke. */
  readonly status: number;
  /** The code of a denial. */
  readonly code: string | undefined;
  readonly ms: number;
  readonly period: Period;
}

interface Answered {
  readonly status: number;
  readonly body: string;
}
type Ask = (path: string, grant: string) => Promise<Answered>;

function http2Ask(session: ClientHttp2Session): Ask {
  return (path, grant) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":path": path, ":authority": HOST, "x-break-glass": grant });
      let status = 0;
      let body = "";
      stream.setEncoding("utf8");
      stream.on("response", (headers) => {
        status = headers[":status"] ?? 0;
      });
      stream.on("data", (text: string) => {
        body += text;
      });
      stream.on("error", reject);
      stream.on("close", () => {
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve({ status, body });
        else reject(new Error(`a stream was reset with ${stream.rstCode}`));
      });
      stream.end();
    });
}

const codeIn = (body: string): string | undefined => /"code":"([a-z_]+)"/.exec(body)?.[1];

export interface LoadOptions {
  readonly port: number;
  /** So many shall be let in with a receipt. */
  readonly goal: number;
  /** Of HTTP/1.1, each with one request under way; as many again are streams of HTTP/2, of two connections. */
  readonly connections: number;
  readonly grant: (needsReceipt: boolean, count: number) => string;
}

export class Load {
  readonly asked: Asked[] = [];
  /** Of those that need a receipt. */
  allowed = 0;
  private denied = 0;
  private count = 0;
  private isOver = false;
  private failure: unknown;
  private readonly agent: Agent;
  private readonly sessions: readonly ClientHttp2Session[];
  private readonly working: Promise<void>;
  private now: Period = { name: "up" };

  constructor(private readonly options: LoadOptions) {
    const { port, connections } = options;
    this.agent = keepAlive(connections);
    const http1: Ask = (path, grant) => send({ port, path, agent: this.agent, headers: { "x-break-glass": grant } });
    this.sessions = Array.from({ length: HTTP2_SESSIONS }, () => connect(`http://127.0.0.1:${port}`));
    for (const session of this.sessions)
      session.on("error", (error) => {
        this.failure ??= error;
      });
    const asks = [
      ...Array.from({ length: connections }, () => http1),
      ...this.sessions.flatMap((session) =>
        Array.from({ length: Math.ceil(connections / HTTP2_SESSIONS) }, () => http2Ask(session)),
      ),
    ];
    this.working = Promise.all(asks.map((ask) => this.work(ask))).then(() => {});
    this.working.catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  /** From now on it is another stretch. */
  turn(name: Period["name"]): Period {
    this.now = { name };
    return this.now;
  }

  /** Waits until it is so. @throws what ended the load */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.failure !== undefined) throw this.failure;
      if (this.denied > MOST_DENIALS(this.options.goal))
        throw new Error(`${this.denied} requests were denied, and ${this.allowed} let in`);
      await sleep(LOOK_MS);
    }
  }

  /** Requests of this stretch that needed a receipt. */
  inPeriod(period: Period): readonly Asked[] {
    return this.asked.filter((one) => one.period === period && one.needsReceipt);
  }

  /** Waits for what is under way. */
  async end(): Promise<void> {
    this.isOver = true;
    try {
      await this.working;
    } finally {
      this.agent.destroy();
      for (const session of this.sessions) session.close();
    }
  }

  private async work(ask: Ask): Promise<void> {
    while (!this.isOver) {
      const number = this.count;
      this.count += 1;
      const needsReceipt = number % PLAIN_EVERY !== 0;
      const path = `/orders/${number}`;
      const grant = this.options.grant(needsReceipt, number);
      const began = performance.now();
      const period = this.now;
      const { status, body } = await ask(path, grant);
      const ms = performance.now() - began;
      const code = status === 200 ? undefined : codeIn(body);
      this.asked.push({ path, needsReceipt, status, code, ms, period: period === this.now ? period : TURNING });
      if (status === 200 && needsReceipt) this.allowed += 1;
      if (status === 200) continue;
      this.denied += 1;
      await sleep(AFTER_DENIAL_MS);
    }
  }
}
