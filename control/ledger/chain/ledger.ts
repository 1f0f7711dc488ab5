/**
 * The ledger while it runs: lines come in, one batch after the other is judged, entered with what follows from it, and acknowledged
 * once it is durable. Alarms go out after that and not before.
 */
import { UserError } from "../../base/errors.js";
import type { Intake, Received, Taken } from "../intake.js";
import type { Log } from "../log.js";
import { type Batch, Entering, hasRoomForTime, isFull, MAX_BATCH } from "./batch.js";
import type { Alarm, Finding } from "./finding.js";
import { Watch } from "./look.js";
import { readState } from "./opening.js";
import { type EntryReader, lastOf, readerOf } from "./reading.js";
import { type Grace, type Pins, type Rules, rulesOf } from "./rules.js";
import { isLight, type StateStore, sealSnapshot } from "./snapshot.js";
import type { State } from "./state.js";
import { type GrantUse, type LedgerStatus, statusOf, useOf } from "./status.js";

export { alarmsFrom, type EntryReader } from "./reading.js";

export interface LedgerOptions {
  readonly log: Log;
  /** How the log's entries are read; by its tiles otherwise. */
  readonly entries?: EntryReader | undefined;
  readonly pins: Pins;
  readonly grace?: Partial<Grace> | undefined;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Milliseconds that only ever rise: tells a clock that was set, or a machine that slept, from time that was looked at. */
  readonly steady?: (() => number) | undefined;
  /** An alarm that is durable. Must not throw. */
  readonly onAlarm: (alarm: Alarm) => void;
  /** Seconds that the log took for a commit. */
  readonly onDurable?: ((seconds: number) => void) | undefined;
  /** Where a snapshot of the state is kept; without it each start reads the whole log. */
  readonly snapshots?: StateStore | undefined;
  /** Entries from one to the next, while it holds nobody up. For tests. */
  readonly snapshotEvery?: number | undefined;
  /** The log may have taken the first part of a commit alone: what follows from its last entry is then entered at the next one. */
  readonly mayTear?: boolean | undefined;
}

/** Work on one batch, and at a stretch on one caller's lines: whoever waits for a receipt waits so long, whatever else comes. */
const BATCH_MS = 50;
const TURN_MS = 20;
/** Entries from one snapshot to the next. */
const SNAPSHOT_EVERY = 50_000;

interface Waiting {
  readonly received: readonly Received[];
  /** Time is to be looked at. */
  readonly isTick: boolean;
  readonly resolve: (taken: readonly Taken[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A caller's lines, while they are entered. */
interface Job {
  readonly waiting: Waiting;
  readonly taken: Taken[];
}

export class Ledger implements Intake {
  private readonly queue: Waiting[] = [];
  private running: Promise<void> | undefined;
  private failure: unknown;
  private snapshotAt: number;
  /** When it was looked whether a snapshot is to be taken. */
  private consideredAt: number;
  private readonly watch: Watch;
  private readonly entering: Entering;
  private readonly steady: () => number;

  constructor(
    private readonly options: LedgerOptions,
    private readonly rules: Rules,
    private readonly state: State,
    private owed: readonly Finding[],
    /** What is before it the last snapshot has. */
    readFrom: number,
  ) {
    this.snapshotAt = readFrom;
    this.consideredAt = state.size;
    this.steady = options.steady ?? (() => performance.now());
    this.watch = new Watch(options.clock, options.steady, options.clock());
    this.entering = new Entering(options.log, rules, state, this.watch);
  }

  take(received: readonly Received[]): Promise<readonly Taken[]> {
    return new Promise((resolve, reject) => {
      this.queue.push({ received, isTick: false, resolve, reject });
      this.run();
    });
  }

  /** Enters what time has brought: gaps whose grace is over, silent gateways, VMs that are over. Call it every few seconds. */
  tick(): Promise<void> {
    this.watch.look();
    return new Promise((resolve, reject) => {
      this.queue.push({ received: [], isTick: true, resolve: () => resolve(), reject });
      this.run();
    });
  }

  status(): LedgerStatus {
    return statusOf(this.state, this.rules, this.options.clock());
  }

  /** How often a grant was used, where it is still known. */
  useOf(grant: string): GrantUse | undefined {
    return useOf(this.state, grant);
  }

  /** Waits for what was taken; then no more is. */
  async close(): Promise<void> {
    while (this.running !== undefined) await this.running;
    if (this.failure === undefined) await this.snapshot();
    this.failure ??= new UserError("The ledger is closed.");
  }

  private run(): void {
    if (this.running !== undefined) return;
    this.running = this.work().finally(() => {
      this.running = undefined;
      if (this.queue.length > 0) this.run();
    });
  }

  /** Never rejects: each caller is told. */
  private async work(): Promise<void> {
    const jobs = this.admit();
    try {
      if (this.failure !== undefined) throw this.failure;
      await this.serve(jobs);
    } catch (error) {
      this.failure ??= error;
      // Those who were served have heard so already.
      for (const one of jobs) one.waiting.reject(this.failure);
    }
  }

  private admit(): Set<Job> {
    return new Set(this.queue.splice(0).map((waiting) => ({ waiting, taken: [] })));
  }

  /**
   * All that waits, by turns, in few commits: a line that comes while thousands are entered waits for none but a few of them. Each
   * caller hears when the last of his lines is durable; he is a job until then.
   */
  private async serve(jobs: Set<Job>): Promise<void> {
    const open = [...jobs];
    let batch = this.newBatch();
    let ready: Job[] = [];
    const commit = async (): Promise<void> => {
      await this.commit(batch);
      for (const { waiting, taken } of ready) waiting.resolve(taken);
      for (const job of ready) jobs.delete(job);
      ready = [];
      batch = this.newBatch();
    };
    for (let job = open.shift(); job !== undefined; job = open.shift()) {
      const isDone = await this.takeTurn(job, () => batch, commit);
      if (isDone) ready.push(job);
      else open.push(job);
      for (const more of this.admit()) {
        jobs.add(more);
        open.push(more);
      }
      if (open.length === 0 || this.steady() >= batch.endsAt) await commit();
    }
  }

  /** Enters lines of his until none is left, or others are to have their turn. @returns whether none is left */
  private async takeTurn(
    { waiting: { received, isTick }, taken }: Job,
    batch: () => Batch,
    commit: () => Promise<void>,
  ): Promise<boolean> {
    const endsAt = this.steady() + TURN_MS;
    for (const one of received.slice(taken.length, taken.length + MAX_BATCH)) {
      taken.push(await this.entering.takeOne(one, batch()));
      if (isFull(batch())) await commit();
      if (this.steady() < endsAt) continue;
      // Timers and sockets, which the last line may be waiting in.
      await new Promise(setImmediate);
      break;
    }
    if (taken.length < received.length) return false;
    if (isTick) {
      if (!hasRoomForTime(batch())) await commit();
      this.entering.passTime(batch());
    }
    return true;
  }

  private newBatch(): Batch {
    const [now, endsAt] = [this.options.clock(), this.steady() + BATCH_MS];
    const batch: Batch = { first: this.state.size, bytes: [], size: 0, alarms: [], now, endsAt };
    const owed = this.owed;
    this.owed = [];
    this.entering.tellAll(owed, batch);
    return batch;
  }

  /** Makes it durable; then alarms go out. Whatever fails here ends this object: what it knows is ahead of the log. */
  private async commit({ first, bytes, alarms }: Batch): Promise<void> {
    if (bytes.length === 0) return;
    const began = this.steady();
    const indices = await this.options.log.append(bytes);
    this.options.onDurable?.((this.steady() - began) / 1000);
    if (indices.length !== bytes.length || indices.some((index, i) => index !== first + i))
      throw new UserError("Something else has written to the log of this ledger.", {
        hint: "Stop it, and start the ledger anew: it reads the log again.",
      });
    for (const alarm of alarms) this.options.onAlarm(alarm);
    if (this.state.size - this.consideredAt < this.every) return;
    this.consideredAt = this.state.size;
    // Nobody waits for it at a start or an end.
    if (isLight(this.state)) await this.snapshot();
  }

  private get every(): number {
    return this.options.snapshotEvery ?? SNAPSHOT_EVERY;
  }

  /** What was read at the start is not read again at the next. */
  async begin(): Promise<void> {
    if (this.state.size - this.snapshotAt >= this.every) await this.snapshot();
  }

  private async snapshot(): Promise<void> {
    const { snapshots } = this.options;
    if (snapshots === undefined || this.state.size === 0 || this.state.size === this.snapshotAt) return;
    const last = await lastOf(readerOf(this.options), this.state.size);
    if (last === undefined) return;
    await snapshots.write(sealSnapshot(this.state, this.rules, last));
    this.snapshotAt = this.state.size;
  }
}

/** Reads what the log has, from the newest snapshot that fits it, and takes in from there on. The log is this ledger's alone. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { log, pins, grace } = options;
  const rules = rulesOf({ origin: log.origin, ...pins }, grace);
  const { state, readFrom, owed } = await readState(options, rules);
  const ledger = new Ledger(options, rules, state, options.mayTear === true ? owed : [], readFrom);
  await ledger.begin();
  return ledger;
}
