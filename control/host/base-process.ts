/** What every gateway process is here: it logs, gives its filters their surroundings, and spreads requests over its workers. */
import { UserError } from "../base/errors.js";
import type { LogLine, ProcessEnvironment } from "./environment.js";
import type { StreamOptions } from "./exchange.js";
import type { GatewayRequest, ProcessOptions } from "./gateway.js";
import { Metrics, SharedData } from "./shared.js";

const MAX_LOG_LINES = 10_000;

/** @typeParam W a worker */
export abstract class BaseProcess<W> {
  readonly log: LogLine[] = [];
  abstract readonly workers: readonly W[];
  protected readonly environment: ProcessEnvironment;
  private lastConnection = 0n;

  constructor({ nodeId, clock, clusters, intercept }: ProcessOptions) {
    this.environment = {
      shared: new SharedData(),
      metrics: new Metrics(),
      nodeId,
      clock,
      clusters,
      intercept,
      log: (line) => {
        this.log.push(line);
        if (this.log.length > MAX_LOG_LINES) this.log.splice(0, MAX_LOG_LINES / 2);
      },
    };
  }

  protected worker(index: number): W {
    const worker = this.workers[index % this.workers.length];
    if (worker === undefined) throw new UserError("This process has no workers.");
    return worker;
  }

  /** Each request comes on a connection of its own. */
  protected arriving(request: GatewayRequest): StreamOptions {
    this.lastConnection += 1n;
    return { ...request, connectionId: this.lastConnection, startedAt: this.environment.clock() };
  }
}
