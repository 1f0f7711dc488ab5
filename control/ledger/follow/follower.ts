/** Follows gateways: their logs, their heartbeats and what they serve, into a ledger here or elsewhere. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { messageOf, systemError } from "../../base/errors.js";
import { stoppingMany } from "../../base/stopping.js";
import { visible } from "../../base/text.js";
import { Admin } from "../../gateway/admin.js";
import type { FollowedGateway, LogFile } from "../config.js";
import type { Received } from "../intake.js";
import { Heartbeat } from "./heartbeat.js";
import { Served } from "./served.js";
import { Tail } from "./tail.js";

/** Looking costs a stat: no file system has to tell. */
const POLL_MS = 250;

/** Resolves once all is durable where it goes. Rejects where it never will be, or once it was told to stop. */
export type Sink = (received: readonly Received[]) => Promise<void>;

export interface FollowOptions {
  readonly gateways: readonly FollowedGateway[];
  readonly heartbeatSeconds: number;
  /** A folder for the positions. */
  readonly state: string;
  readonly sink: Sink;
  /** A sentence for the person. */
  readonly say: (sentence: string) => void;
  readonly pollMs?: number;
  readonly lingerMs?: number;
}

export interface FollowStatus {
  readonly files: readonly {
    readonly gateway: string;
    readonly path: string;
    readonly offset: number;
    readonly lines: number;
  }[];
  readonly heartbeats: number;
}

/** The file of one log's position, in the folder of positions: a name of its own, whatever stands in its path. */
export const positionName = (gateway: string, path: string): string =>
  `${gateway.replace(/[^A-Za-z0-9._-]/g, "_").slice(0, 64)}-${createHash("sha256").update(path).digest("hex").slice(0, 16)}.json`;

export class Follower {
  private readonly tails: { readonly gateway: string; readonly tail: Tail }[];
  private readonly stopping = stoppingMany();
  private heartbeats = 0;

  constructor(private readonly options: FollowOptions) {
    const { gateways, state, say, lingerMs } = options;
    this.tails = gateways.flatMap(({ id, audit = [], answers = [] }) =>
      [...new Map([...audit, ...answers].map((log) => [log.path, log])).values()].map((log: LogFile) => ({
        gateway: id,
        tail: new Tail({
          log,
          positionFile: join(state, positionName(id, log.path)),
          say,
          ...(lingerMs === undefined ? {} : { lingerMs }),
        }),
      })),
    );
  }

  status(): FollowStatus {
    const files = this.tails.map(({ gateway, tail }) => ({
      gateway,
      path: tail.path,
      offset: tail.offset,
      lines: tail.lines,
    }));
    return { files, heartbeats: this.heartbeats };
  }

  /** Ends after `stop`, or rejects where the sink does or a file cannot be read for good; what was in flight is finished first. */
  async run(): Promise<void> {
    const loops = [
      ...this.tails.map((one) => this.followLog(one)),
      ...this.options.gateways.flatMap((gateway) => this.followGateway(gateway)),
    ].map((loop) =>
      loop.catch((error: unknown) => {
        this.stop();
        throw error;
      }),
    );
    const ends = await Promise.allSettled(loops);
    for (const { tail } of this.tails) await tail.close();
    for (const end of ends) {
      if (end.status === "fulfilled") continue;
      const cause: unknown = end.reason instanceof SinkFailed ? end.reason.cause : end.reason;
      if (!(cause instanceof SinkStopped)) throw cause;
    }
  }

  /** Takes no more. */
  stop(): void {
    this.stopping.abort();
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async followLog({ gateway, tail }: { readonly gateway: string; readonly tail: Tail }): Promise<void> {
    const sender = { sender: gateway, via: "file" } as const;
    while (!this.isStopped) {
      const lines = await tail.next();
      if (lines.length === 0) {
        if (!tail.isBehind) await this.pause(this.options.pollMs ?? POLL_MS);
        continue;
      }
      await this.hand(lines.map((bytes) => ({ kind: "line", bytes, sender })));
      tail.taken();
    }
  }

  private followGateway({ id, admin, envoy }: FollowedGateway): Promise<void>[] {
    const heartbeat = admin === undefined ? undefined : new Heartbeat(id, new Admin(admin), Date.now);
    const served = envoy === undefined ? undefined : new Served(id, envoy);
    const { heartbeatSeconds, pollMs = POLL_MS } = this.options;
    const loops: Promise<void>[] = [];
    const sender = { sender: id, via: "file" } as const;
    const beat = async (): Promise<void> => {
      const bytes = await heartbeat?.poll();
      if (bytes === undefined) return;
      await this.hand([{ kind: "heartbeat", bytes, sender }]);
      this.heartbeats += 1;
    };
    const look = async (): Promise<void> => {
      const made = served?.poll() ?? [];
      if (made.length > 0) await this.hand(made.map((one) => ({ ...one, sender })));
    };
    if (heartbeat !== undefined) loops.push(this.repeat(id, beat, heartbeatSeconds * 1000));
    // As often as the logs: a bundle that serves for a second decides, and its records cannot be judged without it.
    if (served !== undefined) loops.push(this.repeat(id, look, pollMs));
    return loops;
  }

  /** A gateway that cannot be asked is silent: the ledger finds that. Here it is said once. */
  private async repeat(gateway: string, look: () => Promise<void>, everyMs: number): Promise<void> {
    let told: string | undefined;
    while (!this.isStopped) {
      try {
        await look();
        if (told !== undefined) this.options.say(`${visible(gateway)} can be asked again.`);
        told = undefined;
      } catch (error) {
        const known = systemError(error);
        if (known === undefined || error instanceof SinkFailed) throw error;
        if (told !== known.message) this.options.say(visible([messageOf(known), known.hint ?? ""].join(" ").trim()));
        told = known.message;
      }
      await this.pause(everyMs);
    }
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.stopping;
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    });
  }

  private async hand(received: readonly Received[]): Promise<void> {
    try {
      await this.options.sink(received);
    } catch (error) {
      throw new SinkFailed("it could not be handed in", { cause: error });
    }
  }
}

/** What is handed in will not become durable: the follower ends with it. */
class SinkFailed extends Error {}

/** A sink was told to stop while it waited: nothing is lost, as the position stands. */
export class SinkStopped extends Error {}
