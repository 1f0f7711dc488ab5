/** Sends calls over connections that stay open, at a steady pace, and writes down each with its answer. */
import { createWriteStream, type WriteStream } from "node:fs";
import type { Agent } from "node:http";
import { finished } from "node:stream/promises";
import { messageOf } from "../../control/base/errors.js";
import { keepAlive, send } from "../../control/gateway/client.js";
import type { Call } from "./calls.js";
import type { Plan } from "./plan.js";

/** Of each gateway, and so many requests at most are on their way there: more would only measure the queue in this process. */
const SOCKETS = 64;
const TICK_MS = 5;

export type Meant = Pick<Call, "kind" | "gateway" | "path" | "jti" | "sub" | "exp"> & {
  readonly headers: Readonly<Record<string, string>>;
  /** The address that it comes from. */
  readonly from?: string;
};

/** An allowed one is told by the upstream, which answers with what it received; a denied one by the filter. */
const REQUEST_ID = /"(?:x-request-id|request_id)":"([^"]+)"/;
const CODE = /"code":"([a-z_]+)"/;

export class Wire {
  readonly counts = { sent: 0, answered: 0, allowed: 0, bypassed: 0 };
  private readonly agents: readonly Agent[];
  private readonly direct = keepAlive(SOCKETS);
  private readonly file: WriteStream;
  private readonly underWay = new Set<Promise<void>>();
  private count = 0;
  /** The gateway that has no filter now. */
  bypassed: number | undefined;

  constructor(
    private readonly plan: Plan,
    private readonly prefix: string,
  ) {
    this.agents = plan.ports.map(() => keepAlive(SOCKETS));
    this.file = createWriteStream(plan.calls);
  }

  nextPath(): string {
    this.count += 1;
    return `/orders/${this.prefix}-${this.count}`;
  }

  get isFull(): boolean {
    return this.underWay.size >= SOCKETS * this.plan.ports.length;
  }

  /** Resolves when it is answered, or is not. */
  call(meant: Meant): Promise<void> {
    const done = this.make(meant).finally(() => this.underWay.delete(done));
    this.underWay.add(done);
    return done;
  }

  private async make({ headers, from, ...meant }: Meant): Promise<void> {
    const { gateway, path } = meant;
    const isBypassed = this.bypassed === gateway;
    const port = isBypassed ? this.plan.upstreamPort : (this.plan.ports[gateway] ?? 0);
    const agent = isBypassed ? this.direct : this.agents[gateway];
    this.counts.sent += 1;
    if (isBypassed) this.counts.bypassed += 1;
    const sent = Date.now();
    const began = performance.now();
    let seen: Pick<Call, "status" | "code" | "requestId">;
    try {
      const { status, body } = await send({
        ...{ port, path, headers },
        ...(agent === undefined ? {} : { agent }),
        ...(from === undefined ? {} : { from }),
      });
      seen = { status, code: CODE.exec(body)?.[1], requestId: REQUEST_ID.exec(body)?.[1] };
      this.counts.answered += 1;
      if (status === 200) this.counts.allowed += 1;
    } catch (error) {
      seen = { status: 0, code: messageOf(error) };
    }
    const ms = Math.round((performance.now() - began) * 1000) / 1000;
    this.file.write(`${JSON.stringify({ ...meant, sent, answered: Date.now(), ms, ...seen } satisfies Call)}\n`);
  }

  /** Waits for all that is under way, and for the file. */
  async end(): Promise<void> {
    await Promise.all(this.underWay);
    for (const agent of [...this.agents, this.direct]) agent.destroy();
    this.file.end();
    await finished(this.file);
  }
}

/** Does something so many times a second, each when it is due. @returns stops it */
export function atPace(perSecond: number, act: () => void): () => void {
  const began = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) / 1000) * perSecond; done < due; done++) act();
  }, TICK_MS);
  return () => clearInterval(timer);
}

/** Answers each message of the process that started this one, and ends with it. */
export function answerMessages(wire: Wire, answer: (message: string) => unknown, stop: () => void): void {
  process.on("message", (message) => {
    const text = String(message);
    const [what, gateway] = text.split(" ");
    if (what === "bypass") wire.bypassed = gateway === undefined ? undefined : Number(gateway);
    else if (what === "counts") process.send?.(wire.counts);
    else if (what === "stop") {
      stop();
      void wire.end().then(() => process.send?.(wire.counts));
    } else {
      const said = answer(text);
      if (said !== undefined) process.send?.(said);
    }
  });
  process.once("disconnect", () => process.exit());
  process.send?.({ isReady: true });
}
