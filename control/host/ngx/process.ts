/**
 * nginx with ngx_wasm_module, as Kong drives it: workers that make the chains which the configuration has. There is no canary. What
 * a worker cannot make while it runs is refused, and its old chains serve on; what it cannot make when it starts is missing, and
 * requests pass.
 */
import { crc32 } from "node:zlib";
import { BaseProcess } from "../base-process.js";
import type { Answer, Gateway, GatewayRequest, Offer, OpenExchange, ProcessOptions } from "../gateway.js";
import { WorkerDied } from "./died.js";
import type { ChainFilter } from "./instance.js";
import { readRequest } from "./request.js";
import { NgxMetrics, NgxSharedData } from "./shared.js";
import { NgxStream } from "./stream.js";
import type { NgxOptions, Surroundings } from "./surroundings.js";
import { NgxWorker } from "./worker.js";

const isSame = (one: Offer, other: Offer): boolean =>
  one.pluginName === other.pluginName &&
  one.identity.program.sha256 === other.identity.program.sha256 &&
  one.configuration.equals(other.configuration);

export class NgxProcess extends BaseProcess<NgxWorker> implements Gateway {
  readonly metrics = new NgxMetrics();
  readonly workers: readonly NgxWorker[];
  /** What the configuration says, by listener, whether or not a worker could make it. */
  private readonly wanted = new Map<string, Offer>();
  /** Workers that die whenever they start. */
  private readonly dead = new Set<NgxWorker>();
  private lastFilter = 0;

  constructor(
    options: ProcessOptions,
    {
      serverName = "kong",
      port = 8000,
      hostname = "gateway-1",
      hasSharedData = false,
      variables = [],
    }: NgxOptions = {},
  ) {
    super(options);
    const process = this.environment;
    const shared = hasSharedData ? new NgxSharedData() : undefined;
    const { metrics } = this;
    const surroundings: Surroundings = { serverName, port, hostname, variables: new Set(variables), metrics, shared };
    this.workers = Array.from({ length: options.workers }, (_, i) => {
      const environment = { process, thread: `worker ${i}`, vmId: "", vmConfiguration: Buffer.alloc(0) };
      return new NgxWorker(environment, surroundings, (offer) => this.filterOf(offer));
    });
  }

  /** A chain that is made again is another one: its filter has another id. */
  private filterOf({ pluginName, configuration, identity }: Offer): ChainFilter {
    this.lastFilter += 1;
    const id = crc32(Buffer.concat([Buffer.from(pluginName), configuration, Buffer.from(String(this.lastFilter))]));
    return { id, name: pluginName, configuration, program: identity.program };
  }

  offer(listener: string, offer: Offer): Answer {
    const before = this.wanted.get(listener);
    const wanted = before !== undefined && isSame(before, offer) ? before : offer;
    this.wanted.set(listener, wanted);
    const faults = this.workers.map((worker) => this.guarded(worker, () => worker.rebuild(this.wanted)));
    const failed = this.workers.filter((worker) => worker.chainOf(listener)?.offer !== wanted);
    const accepted = failed.length < this.workers.length;
    return {
      accepted,
      acknowledged: accepted,
      failedThreads: failed.map(({ name }) => name),
      error: faults.find((fault) => fault !== undefined),
    };
  }

  /** The chain is taken out of the configuration, or disabled: requests pass. */
  withdraw(listener: string): void {
    this.wanted.delete(listener);
    for (const worker of this.workers) this.guarded(worker, () => worker.rebuild(this.wanted));
  }

  /** A worker process ends and another comes: a crash, a reload, an upgrade. It makes what the configuration says. */
  restart(index: number): void {
    const worker = this.worker(index);
    worker.restart();
    this.dead.delete(worker);
    this.make(worker);
  }

  private make(worker: NgxWorker): void {
    try {
      worker.rebuild(this.wanted);
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      this.died(worker, error);
      worker.restart();
      this.dead.add(worker);
    }
  }

  private died(worker: NgxWorker, error: WorkerDied): void {
    this.environment.log({ level: "critical", thread: worker.name, text: error.message });
  }

  /** Lua has collected a plan that is no longer in use. */
  collect(): void {
    for (const worker of this.workers) worker.collect();
  }

  /** Work in a worker, which may die of it. */
  private guarded<T>(worker: NgxWorker, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof WorkerDied)) throw error;
      this.died(worker, error);
      worker.restart();
      this.make(worker);
      return undefined;
    }
  }

  open(listener: string, index: number, given: GatewayRequest): OpenExchange {
    const worker = this.worker(index);
    const request = readRequest(given.headers);
    const stream = new NgxStream(this.arriving(given), typeof request === "number" ? undefined : request);
    const unjudged = { stream, isUnjudged: true, close: () => {} };
    const chain = worker.chainOf(listener);
    if (this.dead.has(worker)) stream.breakOff();
    else if (typeof request === "number") stream.fail(request);
    else if (chain === undefined) stream.standing = "continues";
    else {
      this.guarded(worker, () => worker.begin(chain, stream));
      return { stream, isUnjudged: false, close: () => this.guarded(worker, () => worker.end(stream)) };
    }
    return unjudged;
  }

  tick(): void {
    for (const worker of this.workers) this.guarded(worker, () => worker.tick());
  }
}
