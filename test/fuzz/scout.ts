/** A filter with probes: which inputs reach a place that none before has reached. */
import type { Program } from "../../control/host/program.js";
import { Configurations } from "./configurations.js";
import { type LeanRequest, type LeanVm, leanWorker } from "./lean.js";

export interface ScoutOptions {
  /** It tells each probe that it reaches first: scripts/instrument/probe.mjs. */
  readonly program: Program;
  readonly clock: { readonly milliseconds: number };
  readonly configuration: Buffer;
  /** Asked under each configuration that is tried. */
  readonly goodRequest: LeanRequest;
}

export class Scout {
  private readonly reached = new Set<number>();
  private readonly requests: LeanVm;
  private readonly configurations: Configurations;
  private readonly goodRequest: LeanRequest;

  constructor({ program, clock, configuration, goodRequest }: ScoutOptions) {
    const { reached } = this;
    this.requests = leanWorker({ program, clock, configuration, reached });
    this.configurations = new Configurations(program, clock, reached);
    this.goodRequest = goodRequest;
  }

  /** How many places were reached so far. */
  get places(): number {
    return this.reached.size;
  }

  /** @returns whether it reached something new */
  play(what: LeanRequest | Buffer): boolean {
    const before = this.reached.size;
    if (Buffer.isBuffer(what)) this.configurations.play(what, this.goodRequest);
    else this.requests.request(what);
    return this.reached.size > before;
  }
}
