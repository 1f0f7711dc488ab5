/**
 * One thread of `npm run fuzz`: bends inputs, gives them to the release filter, and keeps what reached something new in a filter
 * with probes. Never a trap, never growth; what takes long is measured again before it is told; what is allowed is held to the
 * reference, and a part of all to the Node host.
 */
import type { Inputs } from "./corpus.js";
import { FilterFault, type LeanRequest } from "./lean.js";
import { requestOf, sourceOf } from "./play.js";
import { type Line, prepare } from "./prepare.js";
import { bend } from "./random.js";
import { referenceOf } from "./reference.js";
import { type Counts, Tally } from "./tally.js";
import type { Target } from "./targets.js";
import { differenceOfConfiguration } from "./twin.js";

export interface FuzzOptions {
  /** Ends at the first of the two. */
  readonly minutes?: number;
  readonly executions?: number;
  readonly seed: number;
  /** A filter that tells each place that it reaches; without, nothing guides. */
  readonly guide?: string | undefined;
}

/** So far, or at the end. */
export interface Progress {
  readonly executions: number;
  readonly seconds: number;
  readonly counts: Counts;
  /** Target -> inputs that reached something new. */
  readonly found: Inputs;
  /** How many looked slow once, by the clock on the wall. */
  readonly suspects: number;
  /** The longest of those when they were measured again, in milliseconds. */
  readonly longest: number;
  /** Took more than a millisecond each time that it was measured; the slowest first. */
  readonly slow: readonly { readonly ms: number; readonly what: string }[];
  /** Held to the Node host, and to the reference. */
  readonly compared: number;
  readonly referred: number;
  /** Of the VM that served all requests, in bytes, when it had warmed up and now. */
  readonly memory: { readonly before: number; readonly now: number };
  readonly faults: readonly string[];
}

/** Longer is measured again, and is told where it stays so; so many times longer is a fault, on the busiest machine. */
const SLOW_MS = 1;
const HANG_MS = 20;
/** Until then V8 has not compiled everything well. */
const WARM_UP = 5000;
/** One input in so many goes through the filter with probes as well. */
const GUIDED = 24;
/** One in so many is held to the Node host, and of those that were allowed. */
const COMPARED = 2000;
const COMPARED_ALLOWED = 16;
/** Of the denials, one in so many is held to the reference; all that is allowed is. */
const REFERRED = 200;
const COMPARED_CONFIGURATIONS = 100;
/** A tick every fifth of a second of the filter's usual clock. */
const TICKS = 50;
const BATCH = 64;
const MOST_FOUND = 400;

export class FuzzLoop {
  private readonly tally = new Tally();
  /** Of the last few executions. */
  private readonly checks: (() => Promise<void>)[] = [];
  private rounds = 0;
  private readonly faults = new Set<string>();
  private readonly slow: { ms: number; what: string }[] = [];
  private suspects = 0;
  private longest = 0;
  private referred = 0;
  private comparedConfigurations = 0;
  private readonly started = performance.now();
  private readonly wheel: readonly Line[];

  private constructor(
    private readonly options: FuzzOptions,
    private readonly tools: Awaited<ReturnType<typeof prepare>>,
  ) {
    this.wheel = tools.lines.flatMap((line) => Array.from({ length: line.target.share }, () => line));
  }

  static async load(options: FuzzOptions): Promise<FuzzLoop> {
    return new FuzzLoop(options, await prepare(options.seed, options.guide));
  }

  get progress(): Progress {
    const { vm, before, twin, lines } = this.tools;
    return {
      executions: this.tally.executions,
      seconds: (performance.now() - this.started) / 1000,
      counts: this.tally.all,
      found: Object.fromEntries(lines.map(({ target, found }) => [target.name, found])),
      suspects: this.suspects,
      longest: this.longest,
      slow: this.slow.toSorted((a, b) => b.ms - a.ms).slice(0, 20),
      compared: twin.compared + this.comparedConfigurations,
      referred: this.referred,
      memory: { before, now: vm.memory.size },
      faults: [...this.faults],
    };
  }

  /** Some hundred milliseconds of it. @returns whether it goes on */
  async go(): Promise<boolean> {
    const { minutes = Number.POSITIVE_INFINITY, executions = Number.POSITIVE_INFINITY } = this.options;
    const { vm, before } = this.tools;
    const goesOn = (): boolean => this.faults.size === 0 && this.tally.executions < executions;
    const pause = performance.now() + 200;
    while (goesOn() && performance.now() < pause) {
      for (let i = 0; i < BATCH; i++) this.one();
      await this.check();
    }
    if (vm.memory.size !== before) this.faults.add(`the VM has grown from ${before} to ${vm.memory.size} bytes`);
    return goesOn() && performance.now() - this.started < minutes * 60_000;
  }

  /** What must be waited for. */
  private async check(): Promise<void> {
    for (const check of this.checks.splice(0)) await check();
  }

  private one(): void {
    const { random, clock, lines, vm, scout } = this.tools;
    const { target, seeds, inputs, found } = random.oneOf(this.wheel);
    // What reached something new is mostly not well-formed, and so is what it becomes: half of all begin with what is.
    const input = bend(random, random.oneOf(random.below(2) === 0 ? seeds : inputs), random.oneOf(inputs));
    if (clock.advance()) for (const each of lines) each.seeds = each.target.seeds();
    try {
      if (++this.rounds % TICKS === 0) vm.tick();
      const furthest = this.playShot(target, input);
      if (scout === undefined || random.below(GUIDED) !== 0 || !scout.play(furthest)) return;
    } catch (error) {
      if (!(error instanceof FilterFault)) throw error;
      this.faults.add(`${error.message}, ${target.name}: ${JSON.stringify(input)}`);
      return;
    }
    if (found.length >= MOST_FOUND) return;
    inputs.push(input);
    found.push(input);
  }

  /** @returns what came furthest */
  private playShot({ name, shot, signed }: Target, input: string): LeanRequest | Buffer {
    const { random } = this.tools;
    const first = shot(input);
    if ("configuration" in first) {
      const configuration = Buffer.from(first.configuration, "latin1");
      this.playConfiguration(name, configuration, input);
      return configuration;
    }
    const request = requestOf(first, sourceOf(random));
    const verdict = this.playRequest(name, request, input);
    if (signed === undefined || (verdict !== "signature" && verdict !== "approval_signature")) return request;
    const better = requestOf(signed(input), sourceOf(random));
    this.playRequest(`${name}, signed`, better, input);
    return better;
  }

  private playRequest(target: string, request: LeanRequest, input: string): string {
    const { vm, random } = this.tools;
    const started = performance.now();
    const verdict = vm.request(request);
    const ms = performance.now() - started;
    const what = (): string => `${target}: ${JSON.stringify(input)}`;
    const isNew = this.tally.add(target, verdict);
    const isAllowed = verdict === "allow";
    const { state } = vm;
    if (verdict === "") this.faults.add(`no verdict, ${what()}`);
    if (isAllowed !== (state.details === undefined)) this.faults.add(`${verdict}, but ${state.details}, ${what()}`);
    if (state.header("x-break-glass") !== undefined) this.faults.add(`the grant goes on, ${what()}`);
    if (ms > SLOW_MS && this.tally.executions > WARM_UP) this.measure(request, verdict, what);
    if (isAllowed || (verdict !== "busy" && random.below(REFERRED) === 0)) this.refer(request, verdict, what);
    if (isNew || random.below(isAllowed ? COMPARED_ALLOWED : COMPARED) === 0) {
      const difference = this.tools.twin.difference(request);
      if (difference !== undefined) this.faults.add(`${difference}, ${what()}`);
    }
    return verdict;
  }

  private measure(request: LeanRequest, verdict: string, what: () => string): void {
    this.suspects += 1;
    const shortest = this.tools.stopwatch.measure(request, verdict, SLOW_MS) ?? 0;
    this.longest = Math.max(this.longest, shortest);
    if (shortest > SLOW_MS) this.slow.push({ ms: shortest, what: what() });
    if (shortest > HANG_MS) this.faults.add(`${shortest.toFixed(2)} ms, ${what()}`);
  }

  private refer(request: LeanRequest, verdict: string, what: () => string): void {
    const { clock, configuration } = this.tools;
    const now = clock.seconds;
    this.referred += 1;
    this.checks.push(async () => {
      const reference = await referenceOf(request, configuration, now);
      // It remembers no proofs.
      const isReplay = verdict === "proof" && reference === "allow";
      if (reference !== verdict && !isReplay)
        this.faults.add(`${verdict} where the reference says ${reference}, ${what()}`);
    });
  }

  private playConfiguration(target: string, bytes: Buffer, input: string): void {
    const { configurations, random, goodRequest } = this.tools;
    const isNew = this.tally.add(target, configurations.play(bytes, goodRequest));
    if (!isNew && random.below(COMPARED_CONFIGURATIONS) !== 0) return;
    this.comparedConfigurations += 1;
    this.checks.push(async () => {
      const difference = await differenceOfConfiguration(this.tools, bytes);
      if (difference !== undefined) this.faults.add(`${difference}, ${target}: ${JSON.stringify(input)}`);
    });
  }
}
