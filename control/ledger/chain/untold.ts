/**
 * What was found, and what alarms have told of: they come in either order, and what is left at the end is what the ledger was silent
 * about.
 */
import { remember, taken } from "./bounded.js";
import type { AlarmCode } from "./codes.gen.js";
import { type Finding, subjectOf } from "./finding.js";
import { LONGEST_PAUSE_MS } from "./floods.js";
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

/** Findings that stand for each of the entries that they name. */
const EACH: ReadonlySet<AlarmCode> = new Set(["evidence_missing", "evidence_without_record", "answer_without_record"]);

/** What nobody can know who pins nothing. */
const NEEDS_PINS: ReadonlySet<AlarmCode> = new Set(["anchors", "foreign_bundle", "bundle_unknown"]);

type Range = readonly [number, number];

interface Unseen {
  readonly finding: Finding;
  readonly at: number;
}

interface Summed {
  readonly finding: Finding;
  readonly sum: Told;
}

interface Told {
  /** Findings that its sums tell of without naming them, and that are not found yet. */
  extra: number;
  at: number;
  /** Stretches that it named. */
  ranges: Range[];
}

/** In place of a subject: of a crowd no single one is told. */
const CROWD = "*";

const isCrowd = ({ subject }: Finding): boolean => subject.startsWith("many of ");

/**
 * What a finding is about among those of its code at one entry: of a chain its VM alone. Which chain it is depends on whether the
 * sender may speak for the gateway: the ledger knows that, and of a crowd of foreign ones its alarms do not say so.
 */
function aboutOf(finding: Finding): string {
  const { subject, vm } = finding;
  return vm !== undefined && subject.startsWith(`${vm}\n`) ? vm : subjectOf(finding);
}

/** Takes out the first that is about that. */
function takeOne<T extends { readonly finding: Finding }>(list: T[] | undefined, about: string): T | undefined {
  const at = list?.findIndex(({ finding }) => about === CROWD || aboutOf(finding) === about) ?? -1;
  return at < 0 ? undefined : list?.splice(at, 1)[0];
}

const isCovered = ({ ranges }: Told, stretches: readonly Range[]): boolean =>
  stretches.every(([from, to]) => ranges.some((range) => range[0] <= from && to <= range[1]));

/** Whether a finding of that time is one of those that it counted, or may be one of its next, as none was due yet. */
const isInSum = (sum: Told, at: number, now: number): boolean =>
  sum.extra-- > 0 || (at >= sum.at && now - sum.at < LONGEST_PAUSE_MS);

/** Of records that did not come. */
const MISSING: readonly AlarmCode[] = ["gap", "late_start", "missing_vm"];

export class Untold {
  /** By code, then by entry: found, and no alarm has told of it yet. One entry may have several, each about another subject. */
  private readonly unseen = new Map<AlarmCode, Map<number | string, Unseen[]>>();
  /** By code and entry: found, and counted in that sum. */
  private readonly summed = new Map<string, Summed[]>();
  /** By code, entry and what it is about: how often alarms named it before the auditor found it. */
  private readonly seen = new Map<string, number>();
  /** By code and subject: what alarms have told of without naming entries. */
  private readonly told = new Map<string, Told>();

  /** @param isPinned whether bundles were compared with pinned anchors */
  constructor(private readonly isPinned: boolean) {}

  /** Something was found at that time. */
  find(finding: Finding, at: number): void {
    const { code, about, ranges } = finding;
    const subject = subjectOf(finding);
    // Else each record would be kept, as one whose alarm may come.
    if (!this.isPinned && NEEDS_PINS.has(code)) return;
    const told = this.told.get(`${code} ${subject}`);
    // Without entries: only its subject tells.
    if (told !== undefined && (ranges === undefined ? about.length === 0 : isCovered(told, ranges))) return;
    // The others of most findings are what the first is compared with.
    const places: readonly (number | string)[] =
      about.length === 0 ? [subject] : about.slice(0, EACH.has(code) ? about.length : 1);
    const ofCode = taken(this.unseen, code, () => new Map<number | string, Unseen[]>());
    for (const place of places) {
      const key = `${code} ${place}`;
      if (this.takeSeen(`${key} ${aboutOf(finding)}`) || this.takeSeen(`${key} ${CROWD}`)) continue;
      if (ofCode.size >= MAX_UNSEEN) continue;
      const isElsewhere = typeof place === "number" && place !== finding.index;
      const list = taken(ofCode, place, () => []);
      // Found again, as it was not told yet.
      takeOne(list, aboutOf(finding));
      list.push({ finding: isElsewhere ? { ...finding, index: place } : finding, at });
    }
  }

  /** An alarm of the log. @param entry its own @param at when it was raised */
  tell(finding: Finding, entry: number, at: number): void {
    const { code, about, count = 0, ranges = [] } = finding;
    const [subject, which] = isCrowd(finding) ? [CROWD, CROWD] : [finding.subject, aboutOf(finding)];
    const told = this.told.get(`${code} ${subject}`) ?? { extra: 0, at: 0, ranges: [] };
    told.at = at;
    told.extra += Math.max(0, count - about.length);
    told.ranges = [...told.ranges, ...ranges].slice(-MAX_TOLD_RANGES);
    remember(this.told, `${code} ${subject}`, told, MAX_UNSEEN);
    // Of what is to come nobody can tell.
    for (const index of about) if (index < entry) this.noteNamed(code, index, which);
    this.release(code, which, told);
  }

  private noteNamed(code: AlarmCode, index: number, which: string): void {
    const ofCode = this.unseen.get(code);
    const there = ofCode?.get(index);
    if (takeOne(there, which) !== undefined) {
      if (there?.length === 0) ofCode?.delete(index);
      return;
    }
    const place = `${code} ${index}`;
    const counted = this.summed.get(place);
    const other = takeOne(counted, which);
    if (counted?.length === 0) this.summed.delete(place);
    // It was another one that the sum told of.
    if (other !== undefined) other.sum.extra += 1;
    else remember(this.seen, `${place} ${which}`, (this.seen.get(`${place} ${which}`) ?? 0) + 1, MAX_UNSEEN);
  }

  /** Whether an alarm that came before named it. */
  private takeSeen(key: string): boolean {
    const count = this.seen.get(key) ?? 0;
    if (count > 1) this.seen.set(key, count - 1);
    else this.seen.delete(key);
    return count > 0;
  }

  /** What a sum told of is kept no longer: the oldest first, as the ledger counted them. */
  private release(code: AlarmCode, which: string, told: Told): void {
    const ofCode = this.unseen.get(code);
    if (ofCode === undefined || told.extra <= 0) return;
    let looks = LOOKS_EACH * told.extra + MORE_LOOKS;
    for (const [place, list] of ofCode) {
      while (told.extra > 0) {
        const one = takeOne(list, which);
        if (one === undefined) break;
        told.extra -= 1;
        const counted = this.summed.get(`${code} ${place}`) ?? [];
        remember(this.summed, `${code} ${place}`, [...counted, { finding: one.finding, sum: told }], MAX_SUMMED);
      }
      if (list.length === 0) ofCode.delete(place);
      if (told.extra <= 0 || --looks <= 0) return;
    }
  }

  /** What no alarm told of, at the end of the log. */
  end(now: number): readonly Finding[] {
    const unseen = [...this.unseen.values()].flatMap((ofCode) => [...ofCode.values()].flat());
    return unseen.flatMap(({ finding, at }) => {
      const told = this.told.get(`${finding.code} ${subjectOf(finding)}`);
      if (told !== undefined && finding.ranges !== undefined && isCovered(told, finding.ranges)) return [];
      // Counted in a sum that names no single one, or in one that was not due when the log ended.
      const crowd = this.told.get(`${finding.code} ${CROWD}`);
      return [crowd, told].some((sum) => sum !== undefined && isInSum(sum, at, now)) ? [] : [finding];
    });
  }

  /** Whether an alarm named these records of a chain as missing. */
  isNamed(chain: string, stretch: Range): boolean {
    return MISSING.some((code) => {
      const told = this.told.get(`${code} ${subjectOf({ subject: chain })}`);
      return told !== undefined && isCovered(told, [stretch]);
    });
  }

  /** Findings that are kept, as an alarm about them may come. */
  get waiting(): number {
    const lists = [...this.unseen.values()].flatMap((ofCode) => [...ofCode.values()]);
    return lists.reduce((sum, { length }) => sum + length, 0);
  }
}
