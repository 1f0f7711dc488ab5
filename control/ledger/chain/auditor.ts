/**
 * The same rules over a finished log, for `verify`: what is wrong is found again from the entries alone, and so is what the ledger should
 * have told of and did not. Memory is 16 bytes a record, besides what is bounded.
 */
import { randomBytes } from "node:crypto";
import type { Entry } from "../entry.js";
import { apply } from "./apply.js";
import { due, ownHead } from "./due.js";
import { decodeFinding, encodeFinding, type Finding } from "./finding.js";
import { faultOfEnd, readEnd } from "./heartbeats.js";
import { MAX_CATCHING_UP_MS } from "./lag.js";
import type { Line } from "./lines.js";
import type { Look } from "./look.js";
import { markTold } from "./missing.js";
import { joinAlarm } from "./review-join.js";
import type { Judging } from "./review-judge.js";
import { type Grace, type OnClosed, type OnJoined, type Pins, type Rules, rulesOf } from "./rules.js";
import { newState, type State } from "./state.js";
import { MISSING, Untold } from "./untold.js";

export type { Finding };

/** Records of one VM that can be told apart: what typed arrays hold. */
const ALL_SLOTS = 2 ** 27;
/** Of the log's time: how often it is looked for what time has brought. */
const LOOK_MS = 10_000;
/** Of the log's time, without an entry: longer than from one heartbeat to the next. */
const IDLE_MS = 150_000;
/** Pairs of sender and gateway that alarms call foreign. */
const MAX_FOREIGN = 100_000;
/** Alarms behind one entry: more than a ledger raises. Beyond it that entry is judged without waiting for more. */
const MAX_ALARMS = 4096;
/** At the end, until nothing more is found: each look finds the first of what is wrong. */
const MAX_LAST_LOOKS = 256;
const MAX_FAULTS = 1000;
/** What is told by time may be told so much later than it could have been. */
const SLACK = 2;
/** And by so many seconds at least: a ledger that was started anew looks anew, and no entry says so. */
const RESTARTED = 120;

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

interface Taken {
  readonly index: number;
  readonly at: number;
  readonly entry: Entry;
  readonly line: Line | undefined;
}

interface TakenAlarm extends Omit<Taken, "line"> {
  readonly alarm: Finding;
}

export class Auditor {
  private readonly state: State = newState(randomBytes(32));
  private readonly rules: Rules;
  private now = 0;
  private held: Taken | undefined;
  /** The alarms behind the entry that is held. */
  private alarms: TakenAlarm[] = [];
  /** Entries that were taken. */
  private size = 0;
  private lookedAt = 0;
  /** Since nobody looked the last time. */
  private lookingSince = 0;
  private readonly untold: Untold;
  private atEnd: readonly Finding[] = [];
  /** What the ledger itself said, and what is not so. */
  readonly faults: { readonly index: number; readonly says: string }[] = [];

  /** @param onJoined hears which entries join which grant's review, in the order of its digest @param onClosed of what closes one */
  constructor(pins: Pins, grace: Partial<Grace> = {}, onJoined?: OnJoined, onClosed?: OnClosed) {
    const own = rulesOf(pins, grace).grace;
    const later = (seconds: number): number => Math.max(seconds * SLACK, seconds + RESTARTED);
    const slow = { ...own, gap: later(own.gap), silence: later(own.silence), rollout: own.rollout, end: own.end };
    const heard = { ...(onJoined && { onJoined }), ...(onClosed && { onClosed }) };
    this.rules = rulesOf(pins, slow, { windowSlots: ALL_SLOTS, isCounting: false, ...heard });
    this.untold = new Untold(pins.anchors.length > 0, own.pause);
  }

  /**
   * The next entry of the log. Each is judged when the alarms behind it are known, as they say who speaks for whom.
   * @param entry its body is whole, also where it stands in a blob
   * @param line what `lineOf` makes of it, where that is known already
   * @returns what is wrong, or worth knowing, about what was before it
   */
  take(index: number, entry: Entry, line?: Line): readonly Audited[] {
    this.size = index + 1;
    const at = Date.parse(entry.head.received);
    if (entry.head.type === "alarm") {
      const alarm = decodeFinding(entry.body);
      if (alarm === undefined) return [];
      const { foreign } = this.rules;
      if (alarm.code === "foreign_sender" && foreign.size < MAX_FOREIGN) foreign.add(alarm.subject);
      this.alarms.push({ index, at, entry, alarm });
      return this.alarms.length > MAX_ALARMS ? this.flush() : [];
    }
    const found = this.flush();
    this.held = { index, at, entry, line };
    return found;
  }

  /** Judges the entry that was taken last, then what the alarms behind it tell of. */
  private flush(): readonly Finding[] {
    const found = [...this.flushHeld()];
    for (const { index, at, entry, alarm } of this.alarms) {
      joinAlarm(this.state.reviews, this.rules, index, entry);
      // Whoever says that records or a heartbeat did not come has looked at the time meanwhile.
      const hasLooked = alarm.code === "silence" || MISSING.has(alarm.code);
      if (at < this.now - IDLE_MS || (at > this.now + IDLE_MS && !hasLooked)) this.pass(at);
      this.now = Math.max(this.now, at);
      this.untold.tell(alarm, index, this.now, this.state.size - 1);
      if (this.mark(alarm, index)) found.push(alarm);
    }
    this.alarms = [];
    return found;
  }

  private flushHeld(): readonly Finding[] {
    if (this.held === undefined) return [];
    const { index, at, entry, line } = this.held;
    this.held = undefined;
    // Nobody looked: the ledger was down, or there was nothing to enter. Or its clock was set back.
    if (Math.abs(at - this.now) > IDLE_MS) this.pass(at);
    this.now = Math.max(this.now, at);
    const isDue = this.now - this.lookedAt >= LOOK_MS;
    const found = isDue ? this.look(index, { since: this.lookingSince, now: this.now }) : [];
    if (entry.head.type === "end") this.holdEnd(index, entry.body);
    const now = apply(this.state, this.rules, index, entry, line);
    for (const finding of now) this.untold.find(finding, index, entry.head.sender);
    return [...found, ...now];
  }

  /** @returns what is found at the end, and what the ledger was silent about (`isUntold`) */
  end(): readonly Audited[] {
    const found = [...this.flush()];
    const { now, lookingSince: steadySince } = this;
    // What is missing to the very end is told of, however short it was looked for; and whoever was catching up, it is not for ever.
    for (const patience of [undefined, MAX_CATCHING_UP_MS])
      for (let looks = 0; looks < MAX_LAST_LOOKS; looks++) {
        const look = { since: 0, now, steadySince, ...(patience !== undefined && { patience }) };
        const more = this.look(this.state.size, look);
        found.push(...more);
        if (more.length === 0) break;
      }
    this.untold.pass(steadySince, now, true);
    const { silent, held } = this.untold.end();
    const waiting = due(this.state, this.rules, { since: 0, now, patience: Number.NEGATIVE_INFINITY }).findings;
    // A gateway was heard just now, and holes are listed by themselves.
    const isSaid = (one: Finding): boolean => one.code === "silence" || MISSING.has(one.code);
    this.atEnd = [...held, ...waiting.filter((one) => !isSaid(one) && !this.untold.isNamedAlready(one))];
    const untold = silent.map(
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

  /** Records that have not come and that no alarm has named. Behind `end`. */
  get open(): readonly Open[] {
    const all = [...this.state.chains.vms.values()];
    const waited = all.flatMap(({ vm, missing }) =>
      missing.filter(({ alarm }) => alarm === undefined).map(({ from, to }) => ({ vm, from, to })),
    );
    const held = this.atEnd.flatMap(({ vm, ranges = [] }) =>
      vm === undefined ? [] : ranges.map(([from, to]) => ({ vm, from, to })),
    );
    return [...waited, ...held];
  }

  /** What else may be wrong, and was not to be told yet when the log ended. Behind `end`. */
  get undecided(): readonly Finding[] {
    return this.atEnd.filter(({ code }) => !MISSING.has(code));
  }

  /** A VM's end has its last `seq` and the head, and what came and what did not. */
  private holdEnd(index: number, body: Buffer): void {
    const end = readEnd(body);
    const chain = end && this.state.chains.vms.get(end.key);
    if (chain === undefined || this.faults.length >= MAX_FAULTS) return;
    const fault = end && faultOfEnd(chain, end);
    if (fault !== undefined) this.faults.push({ index, says: `it says ${fault}` });
  }

  /** A break: what came next may have come in time. */
  private pass(at: number): void {
    this.untold.pass(this.lookingSince, this.now);
    for (const gateway of this.state.chains.gateways.all.values())
      if (gateway.beatAt !== undefined) gateway.beatAt = Math.max(gateway.beatAt, at);
    this.now = at;
    this.lookedAt = at;
    this.lookingSince = at;
  }

  /** What time has brought. @param index of the entry that comes next */
  private look(index: number, look: Look): readonly Finding[] {
    this.lookedAt = this.now;
    const { findings } = due(this.state, this.rules, look);
    for (const finding of findings) {
      this.untold.find(finding, index);
      // It counts as told, or it would be found again and again.
      const body = encodeFinding(finding);
      apply(this.state, this.rules, index, { head: ownHead("alarm", this.now), body });
    }
    return findings;
  }

  /**
   * It names records that are missing, or a gateway that is silent: those of now, and nothing that is yet to come.
   * @returns whether there was anything of the kind
   */
  private mark({ code, subject, vm, ranges = [], count }: Finding, index: number): boolean {
    if (count !== undefined) return false;
    const { vms, gateways } = this.state.chains;
    const gateway = code === "silence" ? gateways.all.get(subject) : undefined;
    if (gateway !== undefined) gateway.silence ??= index;
    // Which chain it is depends on who speaks for whom.
    const chain = MISSING.has(code) ? (vms.get(subject) ?? vms.get(vm ?? "")) : undefined;
    if (chain !== undefined) markTold(chain, ranges, index);
    return gateway?.silence === index || chain?.missing.some(({ alarm }) => alarm === index) === true;
  }
}
