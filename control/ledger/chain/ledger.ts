/**
 * The ledger while it runs: lines come in, one batch after the other is judged, entered with what follows from it, and acknowledged
 * once it is durable. Alarms go out after that and not before.
 */
import { randomBytes } from "node:crypto";
import { UserError } from "../../base/errors.js";
import { type Entry, type EntryHead, encodeEntry, MAX_BODY_BYTES } from "../entry.js";
import type { Intake, Received, Taken } from "../intake.js";
import type { Log } from "../log.js";
import { readEntries } from "../tlog/read.js";
import { apply } from "./apply.js";
import { judgeDrill } from "./drills.js";
import { due, ownHead } from "./due.js";
import { type Alarm, encodeFinding, type Finding } from "./finding.js";
import { Watch } from "./look.js";
import { type EntryReader, lastOf, wholeEntry } from "./reading.js";
import { judgeReview } from "./review-judge.js";
import { knownClosure } from "./reviews.js";
import { type Grace, type Pins, type Rules, rulesOf } from "./rules.js";
import { isLight, openSnapshot, type StateStore, sealSnapshot } from "./snapshot.js";
import { newState, prepare, type State, seenKey } from "./state.js";
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

/**
 * Entries and bytes of one commit, those of many callers together: less than a log takes at once, so that a line and what follows from
 * it are durable together or not at all.
 */
const MAX_BATCH = 2048;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** Work on one batch, and at a stretch on one caller's lines: whoever waits for a receipt waits so long, whatever else comes. */
const BATCH_MS = 50;
const TURN_MS = 20;
/** Alarms, and ends of VMs, of one tick. */
const MAX_DUE = 512;
/** Entries from one snapshot to the next. */
const SNAPSHOT_EVERY = 50_000;

interface Waiting {
  readonly received: readonly Received[];
  /** Time is to be looked at. */
  readonly isTick: boolean;
  readonly resolve: (taken: readonly Taken[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What one commit is made of. */
interface Batch {
  readonly first: number;
  readonly bytes: Buffer[];
  /** Bytes of these. */
  size: number;
  readonly alarms: Alarm[];
  readonly now: number;
  /** By the steady clock: when it is committed, however little it holds. */
  readonly endsAt: number;
}

/** A caller's lines, while they are entered. */
interface Job {
  readonly waiting: Waiting;
  readonly taken: Taken[];
}

const isFull = ({ bytes, size }: Batch): boolean => bytes.length >= MAX_BATCH || size >= MAX_BATCH_BYTES;

function addTo(batch: Batch, entry: Entry): void {
  const bytes = encodeEntry(entry);
  batch.bytes.push(bytes);
  batch.size += bytes.length;
}

export class Ledger implements Intake {
  private readonly queue: Waiting[] = [];
  private running: Promise<void> | undefined;
  private failure: unknown;
  private snapshotAt: number;
  /** When it was looked whether a snapshot is to be taken. */
  private consideredAt: number;
  private readonly watch: Watch;
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
      taken.push(await this.takeOne(one, batch()));
      if (isFull(batch())) await commit();
      if (this.steady() < endsAt) continue;
      // Timers and sockets, which the last line may be waiting in.
      await new Promise(setImmediate);
      break;
    }
    if (taken.length < received.length) return false;
    if (isTick) {
      if (batch().bytes.length + 2 * MAX_DUE > MAX_BATCH) await commit();
      this.passTime(batch());
    }
    return true;
  }

  private newBatch(): Batch {
    const [now, endsAt] = [this.options.clock(), this.steady() + BATCH_MS];
    const batch: Batch = { first: this.state.size, bytes: [], size: 0, alarms: [], now, endsAt };
    const owed = this.owed;
    this.owed = [];
    this.tellAll(owed, batch);
    return batch;
  }

  /** What does not hold leaves no entry. */
  private takeReview({ bytes }: Received, batch: Batch): Taken {
    const { state, rules } = this;
    const { claims, faults } = judgeReview(
      { state, rules, now: batch.now, grace: rules.grace.gap },
      bytes.toString("latin1"),
    );
    const known = claims === undefined ? undefined : knownClosure(state.reviews, claims.review, bytes);
    if (known !== undefined) return { index: known, isNew: false };
    if (claims === undefined || faults.length > 0) return { index: undefined, isNew: false, refused: faults };
    return this.enterSigned("review", claims.sub, bytes, batch);
  }

  /** Likewise. */
  private takeDrill({ bytes }: Received, batch: Batch): Taken {
    const { state, rules } = this;
    const { claims, faults } = judgeDrill({ state, rules, now: batch.now, grace: 0 }, bytes.toString("latin1"));
    const sub = claims?.sub ?? "";
    const known = state.bundles.seen.all.get(seenKey("drill", sub, bytes));
    if (known !== undefined) return { index: known, isNew: false };
    if (faults.length > 0) return { index: undefined, isNew: false, refused: faults };
    return this.enterSigned("drill", sub, bytes, batch);
  }

  private enterSigned(type: "review" | "drill", sender: string, body: Buffer, batch: Batch): Taken {
    const received = new Date(batch.now).toISOString();
    const head: EntryHead = { ledger: 1, type, received, sender, via: "signature" };
    return { index: this.enter({ head, body }, batch), isNew: true };
  }

  private async takeOne(received: Received, batch: Batch): Promise<Taken> {
    if (received.kind === "review") return this.takeReview(received, batch);
    if (received.kind === "drill") return this.takeDrill(received, batch);
    const prepared = prepare(this.state, this.rules, received);
    if ("known" in prepared) return { index: prepared.known, isNew: false };
    const { bytes, sender } = received;
    const { type, why, line } = prepared;
    const head: EntryHead = {
      ledger: 1,
      type,
      received: new Date(batch.now).toISOString(),
      ...sender,
      ...(why === undefined ? {} : { why }),
    };
    const isLong = bytes.length > MAX_BODY_BYTES;
    const blob = isLong ? { sha256: await this.options.log.putBlob(bytes), bytes: bytes.length } : {};
    const index = this.state.size;
    addTo(batch, { head: { ...head, ...blob }, body: isLong ? Buffer.alloc(0) : bytes });
    this.tellAll(apply(this.state, this.rules, index, { head: { ...head, ...blob }, body: bytes }, line), batch);
    return { index, isNew: true };
  }

  private enter(entry: Entry, batch: Batch): number {
    const index = this.state.size;
    addTo(batch, entry);
    apply(this.state, this.rules, index, entry);
    return index;
  }

  private tellAll(findings: readonly Finding[], batch: Batch): void {
    for (const finding of findings) {
      const entry = this.enter({ head: ownHead("alarm", batch.now), body: encodeFinding(finding) }, batch);
      batch.alarms.push({ ...finding, entry, at: batch.now });
    }
  }

  private passTime(batch: Batch): void {
    const { findings, ends } = due(this.state, this.rules, { since: this.watch.since, now: batch.now });
    // What is more than that is found again the next time.
    this.tellAll(findings.slice(0, MAX_DUE), batch);
    for (const body of ends.slice(0, MAX_DUE)) {
      const entry = { head: ownHead("end", batch.now), body };
      const index = this.state.size;
      addTo(batch, entry);
      this.tellAll(apply(this.state, this.rules, index, entry), batch);
    }
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

const readerOf = ({ log, entries }: LedgerOptions): EntryReader =>
  entries ?? ((from, to) => readEntries(log, log.size, from, to));

/** What followed from the last entry and is not entered behind it. */
function stillOwed(owed: readonly Finding[], found: readonly Finding[], { head, body }: Entry): readonly Finding[] {
  if (head.type !== "alarm") return found;
  const [first] = owed;
  return first !== undefined && encodeFinding(first).equals(body) ? owed.slice(1) : owed;
}

async function startState(options: LedgerOptions, rules: Rules): Promise<State> {
  const { log, snapshots } = options;
  const snapshot = await snapshots?.read();
  const state = snapshot === undefined ? undefined : openSnapshot(snapshot, rules);
  if (state === undefined || state.state.size > log.size) return newState(randomBytes(32));
  const last = await lastOf(readerOf(options), state.state.size);
  return last?.equals(state.last) === true ? state.state : newState(randomBytes(32));
}

/** Reads what the log has, from the newest snapshot that fits it, and takes in from there on. The log is this ledger's alone. */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { log, pins, grace } = options;
  const rules = rulesOf({ origin: log.origin, ...pins }, grace);
  const state = await startState(options, rules);
  const readFrom = state.size;
  let owed: readonly Finding[] = [];
  for await (const { index, bytes } of readerOf(options)(state.size, log.size)) {
    const entry = await wholeEntry(log, bytes);
    if (entry === undefined)
      throw new UserError(`Entry ${index} of the log is none that a ledger writes, or its blob is missing.`, {
        hint: "`glassgate ledger verify` on this folder tells more.",
      });
    owed = stillOwed(owed, apply(state, rules, index, entry), entry);
  }
  const ledger = new Ledger(options, rules, state, options.mayTear === true ? owed : [], readFrom);
  await ledger.begin();
  return ledger;
}
