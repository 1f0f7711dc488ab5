/**
 * What was found, and what alarms have told of: they come in either order, and what is left at the end is what the ledger was silent
 * about.
 */
import { remember, taken } from "./bounded.js";
import type { AlarmCode } from "./codes.gen.js";
import { type Finding, subjectOf } from "./finding.js";
import { crowdOf, GROWTH, LONGEST_PAUSE_MS } from "./floods.js";
import { MAX_MISSING } from "./missing.js";

/** Findings of one code that wait to be seen in an alarm: a flood of one kind crowds out no other. */
const MAX_UNSEEN = 100_000;
/** Findings that a sum has told of, and that an alarm may name yet. */
const MAX_SUMMED = 16_384;
/** Findings that are looked at for each that a sum tells of, and besides: others of its code may stand between. */
const LOOKS_EACH = 2;
const MORE_LOOKS = 1024;
/** Of one subject: as many as a chain has stretches. */
const MAX_TOLD_RANGES = MAX_MISSING;
/** Sums about one subject, some of whose findings were not found yet. */
const MAX_SUMS = 64;
/** A ledger under load tells of what is due a little later. */
const LATE_MS = 120_000;
/** So long it goes on behind an entry, most likely, where the next one comes much later. That it stopped at once is believed twice. */
const GOES_ON_MS = 50_000;

/** Findings that stand for each of the entries that they name. */
const EACH: ReadonlySet<AlarmCode> = new Set(["evidence_missing", "evidence_without_record", "answer_without_record"]);

/** What nobody can know who pins nothing. */
const NEEDS_PINS: ReadonlySet<AlarmCode> = new Set(["anchors", "foreign_bundle", "bundle_unknown"]);

type Range = readonly [number, number];

interface Unseen {
  readonly finding: Finding;
  /** Whose entry it was found with; undefined where time has brought it. */
  readonly sender: string | undefined;
  /** The alarms that stand from this entry on may tell of all of it. */
  readonly found: number;
}

/** What is left of the count of one alarm: findings that it tells of without naming them, all of them from before it. */
interface Sum {
  readonly entry: number;
  left: number;
}

interface Summed extends Unseen {
  readonly sum: Sum;
}

interface Told {
  /** When, and whether the stretch of time in which that was is not over yet. */
  at: number;
  isNow: boolean;
  /** What was found from this entry on is not in it. */
  from: number;
  /** For so long the ledger only counts more of it, as floods.ts has it. */
  pauseMs: number;
  /** For so long a sum was due, or a new alarm, while the ledger looked at the time. */
  lateMs: number;
  sums: Sum[];
}

/**
 * What a finding is about among those of its code at one entry: of a chain its VM alone. Which chain it is depends on whether the
 * sender may speak for the gateway: the ledger knows that, and of a crowd of foreign ones its alarms do not say so.
 */
function aboutOf(finding: Finding): string {
  const { subject, vm } = finding;
  return vm !== undefined && subject.startsWith(`${vm}\n`) ? vm : subjectOf(finding);
}

const isWithin = (stretches: readonly Range[], named: readonly Range[]): boolean =>
  stretches.every(([from, to]) => named.some((range) => range[0] <= from && to <= range[1]));

/** Whether that alarm may tell of it: it is about the same, or about everybody of that sender. */
function isOf({ finding, sender }: Unseen, alarm: Finding): boolean {
  const about = aboutOf(alarm);
  if (aboutOf(finding) !== about && (sender === undefined || crowdOf(sender) !== about)) return false;
  return finding.ranges === undefined || alarm.count !== undefined || isWithin(finding.ranges, alarm.ranges ?? []);
}

/** Takes out the first that the alarm may tell of. */
function takeOne<T extends Unseen>(list: T[] | undefined, alarm: Finding): T | undefined {
  const at = list?.findIndex((one) => isOf(one, alarm)) ?? -1;
  return at < 0 ? undefined : list?.splice(at, 1)[0];
}

/** Of records that did not come. */
export const MISSING: ReadonlySet<AlarmCode> = new Set(["gap", "late_start", "missing_vm"]);

/** What is known of at the end of a log. */
export interface Left {
  /** What the ledger was silent about. */
  readonly silent: readonly Finding[];
  /** What it counted, and was not yet to tell. */
  readonly held: readonly Finding[];
}

export class Untold {
  /** By code, then by entry: found, and no alarm has told of it yet. One entry may have several, each about another subject. */
  private readonly unseen = new Map<AlarmCode, Map<number | string, Unseen[]>>();
  /** By code and entry: found, and counted in that sum. */
  private readonly summed = new Map<string, Summed[]>();
  /** By code, entry and what it is about: how often alarms named it before the auditor found it. */
  private readonly seen = new Map<string, number>();
  /** By code and subject: what alarms have told of, and when. */
  private readonly told = new Map<string, Told>();
  /** Those of which a sum need not have come yet. */
  private readonly pausing = new Set<Told>();
  /** By VM: records that alarms called missing, and the alarm's entry. */
  private readonly named = new Map<string, { readonly range: Range; readonly entry: number }[]>();

  /** @param isPinned whether bundles were compared with pinned anchors @param pause the ledger's own, in seconds */
  constructor(
    private readonly isPinned: boolean,
    private readonly pause: number,
  ) {}

  /** Something was found before the entry `found` of the log. @param sender of the entry that it was found with */
  find(finding: Finding, found: number, sender?: string): void {
    const { code, about } = finding;
    // Else each record would be kept, as one whose alarm may come.
    if (!this.isPinned && NEEDS_PINS.has(code)) return;
    // The others of most findings are what the first is compared with.
    const places: readonly (number | string)[] =
      about.length === 0 ? [subjectOf(finding)] : about.slice(0, EACH.has(code) ? about.length : 1);
    const ofCode = taken(this.unseen, code, () => new Map<number | string, Unseen[]>());
    for (const place of places) {
      const key = `${code} ${place}`;
      if (this.takeSeen(`${key} ${aboutOf(finding)}`)) continue;
      if (sender !== undefined && this.takeSeen(`${key} ${crowdOf(sender)}`)) continue;
      if (ofCode.size >= MAX_UNSEEN) continue;
      const isElsewhere = typeof place === "number" && place !== finding.index;
      const list = taken(ofCode, place, () => []);
      // Found again, as it was not told yet.
      takeOne(list, finding);
      list.push({ finding: isElsewhere ? { ...finding, index: place } : finding, sender, found });
    }
  }

  /** An alarm of the log. @param entry its own @param at when it was raised @param behind the last entry that is none, before it */
  tell(alarm: Finding, entry: number, at: number, behind: number): void {
    const { about, count, ranges = [] } = alarm;
    const told = this.noteTold(alarm, at, behind);
    const named = ranges.map((range) => ({ range, entry }));
    if (count === undefined && named.length > 0) {
      const vm = aboutOf(alarm);
      remember(this.named, vm, [...(this.named.get(vm) ?? []), ...named].slice(-MAX_TOLD_RANGES), MAX_UNSEEN);
    }
    // Of what is to come nobody can tell.
    for (const index of about) if (index < entry) this.noteNamed(alarm, index);
    if (about.length === 0) this.takeUnseen(alarm, subjectOf(alarm));
    const sum = { entry, left: Math.max(0, (count ?? 0) - about.length) };
    // Also where nothing is left of it now: an alarm may name what it was thought to have told of.
    if (sum.left > 0) told.sums = [...told.sums, sum].slice(-MAX_SUMS);
    this.release(alarm, sum);
  }

  /** The same arithmetic as the ledger's own (floods.ts). */
  private noteTold(alarm: Finding, at: number, behind: number): Told {
    const key = `${alarm.code} ${subjectOf(alarm)}`;
    const before = this.told.get(key);
    const isSum = alarm.count !== undefined;
    const told = before ?? { at, isNow: true, from: behind, pauseMs: 0, lateMs: 0, sums: [] };
    if (before === undefined || before.at !== at || isSum) {
      const grown = before === undefined ? 0 : Math.min(before.pauseMs * GROWTH, LONGEST_PAUSE_MS);
      told.pauseMs = isSum && before !== undefined ? grown : this.pause * 1000;
      told.at = at;
      told.isNow = true;
      told.lateMs = 0;
    }
    // What the entry before a sum brought is in it.
    told.from = isSum ? behind + 1 : behind;
    this.pausing.add(told);
    const forgotten = remember(this.told, key, told, MAX_UNSEEN);
    if (forgotten !== undefined) this.pausing.delete(forgotten[1]);
    return told;
  }

  private takeUnseen(alarm: Finding, place: number | string): boolean {
    const ofCode = this.unseen.get(alarm.code);
    const there = ofCode?.get(place);
    const one = takeOne(there, alarm);
    if (there?.length === 0) ofCode?.delete(place);
    return one !== undefined;
  }

  private noteNamed(alarm: Finding, index: number): void {
    if (this.takeUnseen(alarm, index)) return;
    const place = `${alarm.code} ${index}`;
    const counted = this.summed.get(place);
    const other = takeOne(counted, alarm);
    if (counted?.length === 0) this.summed.delete(place);
    const seen = `${place} ${aboutOf(alarm)}`;
    // It was another one that the sum told of.
    if (other !== undefined) other.sum.left += 1;
    // What is missing is marked in its chain, stretch by stretch.
    else if (!MISSING.has(alarm.code)) remember(this.seen, seen, (this.seen.get(seen) ?? 0) + 1, MAX_UNSEEN);
  }

  /** Whether alarms named all of what is waited for, before an auditor would have. */
  isNamedAlready(finding: Finding): boolean {
    const { code, about } = finding;
    return about.length > 0 && about.every((index) => this.seen.has(`${code} ${index} ${aboutOf(finding)}`));
  }

  /** Whether an alarm that came before named it. */
  private takeSeen(key: string): boolean {
    const count = this.seen.get(key) ?? 0;
    if (count > 1) this.seen.set(key, count - 1);
    else this.seen.delete(key);
    return count > 0;
  }

  /** What a sum told of is kept no longer: the oldest first, as the ledger counted them. */
  private release(alarm: Finding, sum: Sum): void {
    const { code } = alarm;
    const ofCode = this.unseen.get(code);
    if (ofCode === undefined || sum.left <= 0) return;
    let looks = LOOKS_EACH * sum.left + MORE_LOOKS;
    for (const [place, list] of ofCode) {
      while (sum.left > 0) {
        const one = takeOne(list, alarm);
        if (one === undefined) break;
        sum.left -= 1;
        const counted = this.summed.get(`${code} ${place}`) ?? [];
        remember(this.summed, `${code} ${place}`, [...counted, { ...one, sum }], MAX_SUMMED);
      }
      if (list.length === 0) ofCode.delete(place);
      if (sum.left <= 0 || --looks <= 0) return;
    }
  }

  /** The ledger looked at the time from then until now, again and again: what was due in it was told. @param isLast at the log's end */
  pass(since: number, now: number, isLast = false): void {
    for (const told of this.pausing) {
      told.lateMs += lateIn(told, since, isLast ? now : now + GOES_ON_MS);
      told.isNow = false;
      if (told.lateMs >= LATE_MS) this.pausing.delete(told);
    }
  }

  /** What no alarm told of, at the end of the log. Behind `pass`. */
  end(): Left {
    const silent: Finding[] = [];
    const held: Finding[] = [];
    for (const ofCode of this.unseen.values())
      for (const one of [...ofCode.values()].flat()) {
        if (this.isNamed(one)) continue;
        const tolds = this.toldOf(one);
        if (tolds.some((told) => isCounted(told, one))) {
          // A count names no record.
          if (one.finding.ranges !== undefined) held.push(one.finding);
        } else if (tolds.some((told) => this.isHeld(told, one))) held.push(one.finding);
        else silent.push(one.finding);
      }
    return { silent, held };
  }

  /** Whether the ledger was only to count it, and no sum was due yet. */
  private isHeld(told: Told, { found }: Unseen): boolean {
    return found >= told.from && this.pausing.has(told);
  }

  private toldOf({ finding, sender }: Unseen): Told[] {
    const subjects = [subjectOf(finding), ...(sender === undefined ? [] : [crowdOf(sender)])];
    return subjects.flatMap((subject) => this.told.get(`${finding.code} ${subject}`) ?? []);
  }

  /** Whether alarms that came when it was found already named all these records. */
  private isNamed({ finding, found }: Unseen): boolean {
    if (finding.ranges === undefined) return false;
    const later = (this.named.get(aboutOf(finding)) ?? []).filter(({ entry }) => entry >= found);
    return isWithin(
      finding.ranges,
      later.map(({ range }) => range),
    );
  }

  /** Findings that are kept, as an alarm about them may come. */
  get waiting(): number {
    const lists = [...this.unseen.values()].flatMap((ofCode) => [...ofCode.values()]);
    return lists.reduce((sum, { length }) => sum + length, 0);
  }
}

/** Whether one of its sums stands for it: of what came later no count can tell. */
function isCounted({ sums }: Told, { finding: { index } }: Unseen): boolean {
  const sum = sums.find(({ entry, left }) => left > 0 && index !== undefined && index < entry);
  if (sum !== undefined) sum.left -= 1;
  return sum !== undefined;
}

/** For how long its sum was due in that stretch. As the ledger has it: a time far ahead is of a clock that was set back. */
function lateIn({ at, isNow, pauseMs }: Told, since: number, now: number): number {
  const ahead = isNow ? 0 : Math.min(now, at - pauseMs) - since;
  const behind = now - Math.max(isNow ? at : since, at + pauseMs);
  return Math.max(0, ahead, behind);
}
