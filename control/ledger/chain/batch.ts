/** One commit in the making: what comes in is judged, and entered with what follows from it. Nothing of it is durable yet. */
import { type Entry, type EntryHead, encodeEntry, MAX_BODY_BYTES } from "../entry.js";
import type { Received, Taken } from "../intake.js";
import type { Log } from "../log.js";
import { apply } from "./apply.js";
import { judgeDrill } from "./drills.js";
import { due, ownHead } from "./due.js";
import { type Alarm, encodeFinding, type Finding } from "./finding.js";
import type { Watch } from "./look.js";
import { judgeReview } from "./review-judge.js";
import { knownClosure } from "./reviews.js";
import type { Rules } from "./rules.js";
import { prepare, type State, seenKey } from "./state.js";

/**
 * Entries and bytes of one commit, those of many callers together: less than a log takes at once, so that a line and what follows from
 * it are durable together or not at all.
 */
export const MAX_BATCH = 2048;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** Alarms, and ends of VMs, of one tick. */
const MAX_DUE = 512;

/** What one commit is made of. */
export interface Batch {
  readonly first: number;
  readonly bytes: Buffer[];
  /** Bytes of these. */
  size: number;
  readonly alarms: Alarm[];
  readonly now: number;
  /** By the steady clock: when it is committed, however little it holds. */
  readonly endsAt: number;
}

export const isFull = ({ bytes, size }: Batch): boolean => bytes.length >= MAX_BATCH || size >= MAX_BATCH_BYTES;

function addTo(batch: Batch, entry: Entry): void {
  const bytes = encodeEntry(entry);
  batch.bytes.push(bytes);
  batch.size += bytes.length;
}

/** Whether what one tick may bring has its place in it. */
export const hasRoomForTime = ({ bytes }: Batch): boolean => bytes.length + 2 * MAX_DUE <= MAX_BATCH;

/** Enters into a batch, and into the state, which is ahead of the log until that is committed. */
export class Entering {
  constructor(
    private readonly log: Pick<Log, "putBlob">,
    private readonly rules: Rules,
    private readonly state: State,
    private readonly watch: Watch,
  ) {}

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

  async takeOne(received: Received, batch: Batch): Promise<Taken> {
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
    const blob = isLong ? { sha256: await this.log.putBlob(bytes), bytes: bytes.length } : {};
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

  tellAll(findings: readonly Finding[], batch: Batch): void {
    for (const finding of findings) {
      const entry = this.enter({ head: ownHead("alarm", batch.now), body: encodeFinding(finding) }, batch);
      batch.alarms.push({ ...finding, entry, at: batch.now });
    }
  }

  passTime(batch: Batch): void {
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
}
