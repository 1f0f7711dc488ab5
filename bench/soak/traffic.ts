/** Requests over several connections, as fast as they are answered, while bundles are rotated. Every answer is judged. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UserError } from "../../control/base/errors.js";
import { send } from "../../control/gateway/client.js";
import { Client, requestText } from "../load/client.js";
import type { Kind } from "./kinds.js";
import { Mix, type Shot } from "./mix.js";
import type { Rotations } from "./rotations.js";

/** One request in flight on each: enough to keep two workers busy, also where the machine is busy with something else. */
const CONNECTIONS = 64;
/** So many wrong answers say all there is to say. */
const MAX_WRONG = 100;
const PROGRESS_MS = 5000;
/** A new connection costs as much as many requests. */
const SINGLE_PAUSE_MS = 5;

function dropped(error: unknown): never {
  throw new UserError(`The gateway dropped a request: ${messageOf(error)}.`, { exitCode: 1, cause: error });
}

export interface Goal {
  readonly requests: number;
  readonly rotations: number;
}

/** What is sent: over connections that stay open, and on a new connection each. */
export interface Kinds {
  readonly lasting: readonly Kind[];
  readonly single: readonly Kind[];
}

export class Traffic {
  requests = 0;
  /** Requests that carried a grant: the filter must have decided each. */
  grants = 0;
  wrong = 0;
  /** The first wrong answer of each kind. */
  readonly examples = new Map<string, string>();
  /** Answers by kind and status. */
  readonly answers = new Map<string, Map<number, number>>();
  private isBroken = false;
  /** Milliseconds of earlier runs, and when the present one began. */
  private earlier = 0;
  private startedAt: number | undefined;
  private readonly lasting: Mix;
  private readonly single: Mix;

  private constructor(
    private readonly port: number,
    private readonly clients: readonly Client[],
    private readonly rotations: Rotations,
    { lasting, single }: Kinds,
  ) {
    this.lasting = new Mix(lasting);
    this.single = new Mix(single);
    for (const { name } of [...lasting, ...single]) this.answers.set(name, new Map());
  }

  static async open(port: number, kinds: Kinds, rotations: Rotations): Promise<Traffic> {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port, 1)));
    return new Traffic(port, clients, rotations, kinds);
  }

  /** Of all runs. */
  get seconds(): number {
    const now = performance.now();
    return (this.earlier + now - (this.startedAt ?? now)) / 1000;
  }

  /** The next request of a mix, counted, and what judges its answer. */
  private take(mix: Mix): { readonly shot: Shot; readonly judge: (status: number) => void } {
    const shot = mix.next();
    this.requests += 1;
    if (shot.kind.isGrant) this.grants += 1;
    const { version } = this.rotations;
    // Which bundle decided is sure only where no push began or ended meanwhile.
    const judge = (status: number): void =>
      this.note(shot.kind, status, version === this.rotations.version ? version : undefined);
    return { shot, judge };
  }

  private note({ name, allowed }: Kind, status: number, version: number | undefined): void {
    const answers = this.answers.get(name);
    answers?.set(status, (answers.get(status) ?? 0) + 1);
    const right = allowed(version);
    if (right.includes(status)) return;
    this.wrong += 1;
    if (!this.examples.has(name)) {
      const under = version === undefined ? "while a bundle was pushed" : `under bundle ${version}`;
      this.examples.set(name, `${name}: ${status} instead of ${right.join(" or ")}, ${under}`);
    }
  }

  /** One after the other on one connection, until `isOver`. */
  private async send(client: Client, isOver: () => boolean): Promise<void> {
    let judge: (status: number) => void = () => {};
    const next = (): string | undefined => {
      if (isOver()) return undefined;
      const taken = this.take(this.lasting);
      judge = taken.judge;
      return requestText(taken.shot.headers, taken.shot.kind.target);
    };
    await client.load(next, (status) => judge(status)).catch(dropped);
  }

  /** One after the other, on a new connection each. */
  private async sendSingly(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const { shot, judge } = this.take(this.single);
      const { path = "/orders/7", ...target } = shot.kind.target;
      const answer = await send({ port: this.port, path, headers: shot.headers, ...target }).catch(dropped);
      judge(answer.status);
      await sleep(SINGLE_PAUSE_MS);
    }
  }

  /** Rotates, spread evenly over the requests. */
  private async rotate(goal: Goal, isOver: () => boolean): Promise<void> {
    const [from, done] = [this.requests, this.rotations.count];
    const apart = (goal.requests - from) / (goal.rotations - done);
    while (!isOver() && this.rotations.count < goal.rotations) {
      if (this.requests < from + apart * (this.rotations.count - done + 0.5)) await sleep(2);
      else await this.rotations.next();
    }
  }

  /** Calls `look` every few seconds. */
  private async watch(look: () => Promise<void>, isOver: () => boolean): Promise<void> {
    for (let next = performance.now() + PROGRESS_MS; !isOver(); await sleep(50)) {
      if (performance.now() < next) continue;
      await look();
      next += PROGRESS_MS;
    }
  }

  /** Goes on until there were as many of both in all. Rejects when the gateway drops a request or does not take a bundle. */
  async run(goal: Goal, look: () => Promise<void>): Promise<void> {
    this.startedAt = performance.now();
    const isOver = (): boolean =>
      this.isBroken ||
      this.wrong >= MAX_WRONG ||
      (this.requests >= goal.requests && this.rotations.count >= goal.rotations);
    try {
      const clients = this.clients.map((client) => this.send(client, isOver));
      await Promise.all([this.rotate(goal, isOver), this.watch(look, isOver), this.sendSingly(isOver), ...clients]);
    } catch (error) {
      this.isBroken = true;
      throw error;
    } finally {
      this.earlier = this.seconds * 1000;
      this.startedAt = undefined;
    }
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}
