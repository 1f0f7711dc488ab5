/**
 * The same rules over a finished log, for `verify`: what is wrong is found again from the entries alone, and so is what the ledger should
 * have told of and did not. Memory is 16 bytes a record, besides what is bounded.
 */
import { randomBytes } from "node:crypto";
import type { Entry } from "../entry.js";
import { apply } from "./apply.js";
import { remember, taken } from "./bounded.js";
import type { AlarmCode } from "./codes.gen.js";
import { due, ownHead } from "./due.js";
import { decodeFinding, encodeFinding, type Finding } from "./finding.js";
import { LONGEST_PAUSE_MS } from "./floods.js";
import { MAX_MISSING } from "./missing.js";
import { type Grace, type Pins, type Rules, rulesOf } from "./rules.js";
import { newState, type State } from "./state.js";

export type { Finding };

/** Records of one VM that can be told apart: what typed arrays hold. */
const ALL_SLOTS = 2 ** 27;
/** Of the log's time: how often it is looked for what time has brought. */
const LOOK_MS = 10_000;
/** Of the log's time, without an entry: longer than from one heartbeat to the next. */
const IDLE_MS = 150_000;
/** Findings of one code that wait to be seen in an alarm: a flood of one kind crowds out no other. */
const MAX_UNSEEN = 100_000;
/** Findings that a sum has told of, and that an alarm may name yet. */
const MAX_SUMMED = 16_384;
/** Findings that are looked at for each that a sum tells of, and besides: others of its code may stand between. */
const LOOKS_EACH = 2;
const MORE_LOOKS = 1024;
/** Of one subject: as many as a chain has stretches. */
const MAX_TOLD_RANGES = MAX_MISSING;
/** What is told by time may be told so much later than it could have been. */
const SLACK = 2;

/** What an auditor says. */
export interface Audited extends Finding {
  /** It should have been an alarm, and the log has none. */
  readonly isUntold?: true;
}

/** Findings that stand for each of the entries that they name. */
const EACH: ReadonlySet<AlarmCode> = new Set(["evidence_missing", "evidence_without_record", "answer_without_record"]);

/** What nobody can know who pins nothing. */
const NEEDS_PINS: ReadonlySet<AlarmCode> = new Set(["anchors", "foreign_bundle", "bundle_unknown"]);

interface Unseen {
  readonly finding: Finding;
  readonly at: number;
}

interface Told {
  /** Findings that its sums tell of without naming them, and that are not found yet. */
  extra: number;
  at: number;
  /** Stretches that it named. */
  ranges: (readonly [number, number])[];
}

export class Auditor {
  private readonly state: State = newState(randomBytes(32));
  private readonly rules: Rules;
  private now = 0;
  /** When the last alarm was raised: behind the entry that is held. */
  private alarmedAt = 0;
  private held: { readonly index: number; readonly entry: Entry } | undefined;
  private lookedAt = 0;
  /** Since nobody looked the last time. */
  private lookingSince = 0;
  /** By code, then by entry: found, and no alarm has told of it yet. */
  private readonly unseen = new Map<AlarmCode, Map<number | string, Unseen>>();
  /** By code and entry: found, and counted in that sum. */
  private readonly summed = new Map<string, Told>();
  /** By code and entry, of alarms that came before the auditor found it. */
  private readonly seen = new Map<string, true>();
  /** By code and subject: what alarms have told of without naming entries. */
  private readonly told = new Map<string, Told>();

  constructor(pins: Pins, grace: Partial<Grace> = {}) {
    const own = rulesOf(pins, grace).grace;
    const slow = { ...own, gap: own.gap * SLACK, silence: own.silence * SLACK, rollout: own.rollout, end: own.end };
    this.rules = rulesOf(pins, slow, { windowSlots: ALL_SLOTS, isCounting: false });
  }

  /**
   * The next entry of the log. Each is judged when the alarms behind it are known, as they say who speaks for whom.
   * @param entry its body is whole, also where it stands in a blob
   * @returns what is wrong, or worth knowing, about what was before it
   */
  take(index: number, entry: Entry): readonly Audited[] {
    if (entry.head.type === "alarm") {
      this.alarmedAt = Math.max(this.now, this.alarmedAt, Date.parse(entry.head.received));
      this.noteAlarm(index, entry.body);
      return [];
    }
    const found = this.flush();
    this.held = { index, entry };
    return found;
  }

  /** Judges the entry that was taken last. */
  private flush(): readonly Finding[] {
    if (this.held === undefined) return [];
    const { index, entry } = this.held;
    this.held = undefined;
    const at = Date.parse(entry.head.received);
    const found = this.passTime(at, index);
    const now = apply(this.state, this.rules, index, entry);
    for (const finding of now) this.noteFinding(finding, at);
    // The alarms behind it were later than it, and what it brought was there by then.
    this.now = Math.max(this.now, this.alarmedAt);
    return [...found, ...now];
  }

  /** @returns what is found at the end, and what the ledger was silent about (`isUntold`) */
  end(): readonly Audited[] {
    const found = [...this.flush(), ...this.passTime(this.now, this.state.size, true)];
    const unseen = [...this.unseen.values()].flatMap((ofCode) => [...ofCode.values()]);
    const untold = unseen.flatMap(({ finding, at }): Audited[] => {
      const told = this.told.get(`${finding.code} ${finding.subject}`);
      // Counted in a sum that names no single one, or in one that was not due when the log ended.
      const crowd = this.told.get(`${finding.code} *`);
      if ([crowd, told].some((sum) => sum !== undefined && this.isInSum(sum, at))) return [];
      return [{ ...finding, isUntold: true, says: `the ledger has no alarm about it: ${finding.says}` }];
    });
    return [...found, ...untold];
  }

  /** Whether a finding of that time is one of those that it counted, or may be one of its next, as none was due yet. */
  private isInSum(sum: { extra: number; readonly at: number }, at: number): boolean {
    return sum.extra-- > 0 || (at >= sum.at && this.now - sum.at < LONGEST_PAUSE_MS);
  }

  /** Heads of all chains, open stretches and counts, as they are now. */
  get chains(): State["chains"] {
    return this.state.chains;
  }

  /** Findings that are kept, as an alarm about them may come. */
  get waiting(): number {
    return [...this.unseen.values()].reduce((sum, { size }) => sum + size, 0);
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
      this.noteFinding(finding, this.now);
      // It counts as told, or it would be found again and again.
      const body = encodeFinding(finding);
      apply(this.state, this.rules, index, { head: ownHead("alarm", this.now), body });
    }
    return [...findings];
  }

  private noteAlarm(at: number, body: Buffer): void {
    const finding = decodeFinding(body);
    if (finding === undefined) return;
    const { code, about, count = 0, ranges = [] } = finding;
    if (code === "foreign_sender" && this.rules.foreign.size < MAX_UNSEEN) this.rules.foreign.add(finding.subject);
    // Of a crowd no single subject is told.
    const subject = finding.subject.startsWith("many of ") ? "*" : finding.subject;
    const told = this.told.get(`${code} ${subject}`) ?? { extra: 0, at: 0, ranges: [] };
    told.at = Math.max(this.now, this.alarmedAt);
    told.extra += Math.max(0, count - about.length);
    told.ranges = [...told.ranges, ...ranges].slice(-MAX_TOLD_RANGES);
    remember(this.told, `${code} ${subject}`, told, MAX_UNSEEN);
    // Of what is to come nobody can tell.
    for (const index of about) if (index < at) this.noteNamed(code, index);
    this.release(code, subject, told);
  }

  private noteNamed(code: AlarmCode, index: number): void {
    if (this.unseen.get(code)?.delete(index) === true) return;
    const key = `${code} ${index}`;
    const sum = this.summed.get(key);
    if (sum === undefined) remember(this.seen, key, true, MAX_UNSEEN);
    else {
      // It was another one that the sum told of.
      sum.extra += 1;
      this.summed.delete(key);
    }
  }

  /** What a sum told of is kept no longer: the oldest first, as the ledger counted them. */
  private release(code: AlarmCode, subject: string, told: Told): void {
    const ofCode = this.unseen.get(code);
    if (ofCode === undefined || told.extra <= 0) return;
    let looks = LOOKS_EACH * told.extra + MORE_LOOKS;
    for (const [place, { finding }] of ofCode) {
      if (told.extra <= 0 || looks-- <= 0) return;
      if (subject !== "*" && finding.subject !== subject) continue;
      ofCode.delete(place);
      told.extra -= 1;
      remember(this.summed, `${code} ${place}`, told, MAX_SUMMED);
    }
  }

  private noteFinding(finding: Finding, at: number): void {
    const { code, subject, about, ranges } = finding;
    // Else each record would be kept, as one whose alarm may come.
    if (this.rules.pins.anchors.length === 0 && NEEDS_PINS.has(code)) return;
    const told = this.told.get(`${code} ${subject}`);
    if (told !== undefined) {
      const isCovered = ([from, to]: readonly [number, number]): boolean =>
        told.ranges.some((range) => range[0] <= from && to <= range[1]);
      // Without entries: only its subject tells.
      if (ranges === undefined ? about.length === 0 : ranges.every(isCovered)) return;
    }
    // The others of most findings are what the first is compared with.
    const places: readonly (number | string)[] =
      about.length === 0 ? [subject] : about.slice(0, EACH.has(code) ? about.length : 1);
    const ofCode = taken(this.unseen, code, () => new Map<number | string, Unseen>());
    for (const place of places) {
      if (this.seen.delete(`${code} ${place}`) || ofCode.size >= MAX_UNSEEN) continue;
      const isElsewhere = typeof place === "number" && place !== finding.index;
      ofCode.set(place, { finding: isElsewhere ? { ...finding, index: place } : finding, at });
    }
  }
}
