/**
 * The same rules over a finished log, for `verify`: what is wrong is found again from the entries alone, and so is what the ledger should
 * have told of and did not. Memory is 16 bytes a record, besides what is bounded.
 */
import { randomBytes } from "node:crypto";
import type { Entry } from "../entry.js";
import { apply } from "./apply.js";
import { due, ownHead } from "./due.js";
import { decodeFinding, encodeFinding, type Finding } from "./finding.js";
import { joinAlarm } from "./review-join.js";
import type { Judging } from "./review-judge.js";
import { type Grace, type OnJoined, type Pins, type Rules, rulesOf } from "./rules.js";
import { newState, type State } from "./state.js";
import { Untold } from "./untold.js";

export type { Finding };

/** Records of one VM that can be told apart: what typed arrays hold. */
const ALL_SLOTS = 2 ** 27;
/** Of the log's time: how often it is looked for what time has brought. */
const LOOK_MS = 10_000;
/** Of the log's time, without an entry: longer than from one heartbeat to the next. */
const IDLE_MS = 150_000;
/** Pairs of sender and gateway that alarms call foreign. */
const MAX_FOREIGN = 100_000;
/** Alarms about grants behind one entry: far more than a ledger raises. Beyond it that entry is judged without waiting for more. */
const MAX_HELD = 65_536;
/** What is told by time may be told so much later than it could have been. */
const SLACK = 2;

/** What an auditor says. */
export interface Audited extends Finding {
  /** It should have been an alarm, and the log has none. */
  readonly isUntold?: true;
}

/** Records of a VM by their `seq`, both ends included. */
export interface Open {
  readonly vm: string;
  readonly from: number;
  readonly to: number;
}

export class Auditor {
  private readonly state: State = newState(randomBytes(32));
  private readonly rules: Rules;
  private now = 0;
  /** When the last alarm was raised: behind the entry that is held. */
  private alarmedAt = 0;
  private held: { readonly index: number; readonly entry: Entry } | undefined;
  /** Alarms behind it that are about a grant: they join its review behind it. */
  private heldAlarms: { readonly index: number; readonly entry: Entry }[] = [];
  /** Entries that were taken. */
  private size = 0;
  private lookedAt = 0;
  /** Since nobody looked the last time. */
  private lookingSince = 0;
  private readonly untold: Untold;

  /** @param onJoined hears which entries join which grant's review, in the order of its digest */
  constructor(pins: Pins, grace: Partial<Grace> = {}, onJoined?: OnJoined) {
    const own = rulesOf(pins, grace).grace;
    const slow = { ...own, gap: own.gap * SLACK, silence: own.silence * SLACK, rollout: own.rollout, end: own.end };
    this.rules = rulesOf(pins, slow, { windowSlots: ALL_SLOTS, isCounting: false, ...(onJoined && { onJoined }) });
    this.untold = new Untold(pins.anchors.length > 0);
  }

  /**
   * The next entry of the log. Each is judged when the alarms behind it are known, as they say who speaks for whom.
   * @param entry its body is whole, also where it stands in a blob
   * @returns what is wrong, or worth knowing, about what was before it
   */
  take(index: number, entry: Entry): readonly Audited[] {
    this.size = index + 1;
    if (entry.head.type === "alarm") {
      this.alarmedAt = Math.max(this.now, this.alarmedAt, Date.parse(entry.head.received));
      this.takeAlarm(index, entry);
      return this.heldAlarms.length > MAX_HELD ? this.flush() : [];
    }
    const found = this.flush();
    this.held = { index, entry };
    return found;
  }

  /** Judges the entry that was taken last. */
  private flush(): readonly Finding[] {
    const found = this.flushHeld();
    for (const { index, entry } of this.heldAlarms) joinAlarm(this.state.reviews, this.rules, index, entry);
    this.heldAlarms = [];
    return found;
  }

  private flushHeld(): readonly Finding[] {
    if (this.held === undefined) return [];
    const { index, entry } = this.held;
    this.held = undefined;
    const at = Date.parse(entry.head.received);
    const found = this.passTime(at, index);
    const now = apply(this.state, this.rules, index, entry);
    for (const finding of now) this.untold.find(finding, at);
    // The alarms behind it were later than it, and what it brought was there by then.
    this.now = Math.max(this.now, this.alarmedAt);
    return [...found, ...now];
  }

  /** @returns what is found at the end, and what the ledger was silent about (`isUntold`) */
  end(): readonly Audited[] {
    const found = [...this.flush(), ...this.passTime(this.now, this.state.size, true)];
    const untold = this.untold.end(this.now).map(
      (finding): Audited => ({
        ...finding,
        isUntold: true,
        says: `the ledger has no alarm about it: ${finding.says}`,
      }),
    );
    return [...found, ...untold];
  }

  /** Heads of all chains, open stretches and counts, as they are now. */
  get chains(): State["chains"] {
    return this.state.chains;
  }

  /** For whoever asks whether a review could be closed at that time. Behind `end`. @param grace seconds @param now milliseconds since 1970 */
  judging(now: number, grace: number): Judging {
    this.state.size = this.size;
    return { state: this.state, rules: this.rules, now, grace };
  }

  /** Findings that are kept, as an alarm about them may come. */
  get waiting(): number {
    return this.untold.waiting;
  }

  /** Records that have not come and that no alarm has named. */
  get open(): readonly Open[] {
    const all = [...this.state.chains.vms.values()];
    return all.flatMap(({ key, vm, missing }) =>
      missing
        // Of those that the shard before told of the first entry says so.
        .filter(({ from, to, alarm }) => alarm !== 0 && !this.untold.isNamed(key, [from, to]))
        .map(({ from, to }) => ({ vm, from, to })),
    );
  }

  /** Nobody looked: the ledger was down, or there was nothing to enter. What came next may have come in time. */
  private pass(at: number): void {
    for (const gateway of this.state.chains.gateways.values())
      if (gateway.beatAt !== undefined) gateway.beatAt = Math.max(gateway.beatAt, at);
    this.lookedAt = at;
    this.lookingSince = at;
  }

  private passTime(at: number, index: number, isLast = false): Finding[] {
    const isIdle = at - this.now > IDLE_MS;
    this.now = Math.max(this.now, at);
    if (isIdle) this.pass(at);
    if (!isLast && this.now - this.lookedAt < LOOK_MS) return [];
    this.lookedAt = this.now;
    // What is missing to the very end is told of, however short it was looked for.
    const { findings } = due(this.state, this.rules, { since: isLast ? 0 : this.lookingSince, now: this.now });
    for (const finding of findings) {
      this.untold.find(finding, this.now);
      // It counts as told, or it would be found again and again.
      const body = encodeFinding(finding);
      apply(this.state, this.rules, index, { head: ownHead("alarm", this.now), body });
    }
    return [...findings];
  }

  private takeAlarm(index: number, entry: Entry): void {
    const alarm = decodeFinding(entry.body);
    if (alarm === undefined) return;
    if (alarm.grant_sha256 !== undefined || alarm.code === "review_overdue") this.heldAlarms.push({ index, entry });
    const { foreign } = this.rules;
    if (alarm.code === "foreign_sender" && foreign.size < MAX_FOREIGN) foreign.add(alarm.subject);
    this.untold.tell(alarm, index, this.alarmedAt);
  }
}
