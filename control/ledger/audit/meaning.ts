/**
 * What the lines mean, judged anew by the rules that the ledger itself went by, and held against the alarms that it put on record:
 * what it said itself is no fault of the log, what it was silent about is.
 */
import { alarmRows } from "../chain/codes.gen.js";
import { decodeFinding, type Finding } from "../chain/finding.js";
import { decodeEntry, type Entry } from "../entry.js";
import type { CheckedBundle } from "./bundle.js";
import { entriesIn } from "./files.js";
import type { Problem } from "./problem.js";

/** The rules (chain/auditor.ts). */
export interface Rules {
  take(index: number, entry: Entry): readonly Finding[];
  end(): readonly Finding[];
}

/** More are counted, and not shown one by one. */
const MAX_SHOWN = 1000;
/** More are not held against the alarms any longer: then they count as those that nobody told. */
const MAX_WAITING = 100_000;
/** Entries named in alarms. */
const MAX_REMEMBERED = 1_000_000;

interface Told {
  /** Entries that its alarms name. */
  readonly about: Set<number>;
  /** Findings of it that have no alarm yet, by the entry that they are about. */
  readonly waiting: Map<number, Finding[]>;
}

/** Of a finding that is about no entry. */
const NOWHERE = -1;
const placeOf = ({ about }: Finding): number => about[0] ?? NOWHERE;

export class Meaning {
  /** Entries of each type. */
  readonly counts = new Map<string, number>();
  /** Findings that have their alarm in the log. */
  readonly recorded: Finding[] = [];
  recordedCount = 0;
  /** Findings of which nobody need be told: nothing is wrong. */
  readonly notices: Finding[] = [];
  private readonly told = new Map<string, Told>();
  private waiting = 0;
  private remembered = 0;
  private dropped = 0;
  /** The first entry that no ledger writes so. */
  malformed: Problem | undefined;
  alarms = 0;
  entries = 0;

  /** @param rules undefined: the form alone is judged */
  constructor(private readonly rules: Rules | undefined) {}

  /** Bundles come in their order. @param first its first entry's index */
  take({ bytes, offsets, path }: CheckedBundle, first: number): void {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const [i, entry] of entriesIn(view, offsets).entries()) {
      const decoded = decodeEntry(entry);
      this.entries += 1;
      if (decoded === undefined) {
        this.malformed ??= {
          step: "form",
          file: path,
          index: first + i,
          byte: offsets[i] ?? 0,
          says: "its first line is not one that a ledger writes",
        };
      } else this.takeEntry(first + i, decoded);
    }
  }

  private takeEntry(index: number, entry: Entry): void {
    const { type } = entry.head;
    this.counts.set(type, (this.counts.get(type) ?? 0) + 1);
    for (const finding of this.rules?.take(index, entry) ?? []) this.find(finding);
    if (type !== "alarm") return;
    const alarm = decodeFinding(entry.body);
    if (alarm !== undefined) this.tell(alarm);
  }

  /** By code and subject: alarms of one kind are told at most once a minute, and counted. */
  private toldOf({ code, subject }: Finding): Told {
    const key = `${code}\n${subject}`;
    const there = this.told.get(key);
    if (there !== undefined) return there;
    const made = { about: new Set<number>(), waiting: new Map<number, Finding[]>() };
    if (this.told.size < MAX_WAITING) this.told.set(key, made);
    return made;
  }

  private find(finding: Finding): void {
    const { about, waiting } = this.toldOf(finding);
    const place = placeOf(finding);
    if (about.has(place) || (place === NOWHERE && about.size > 0)) this.record(finding);
    else if (this.waiting < MAX_WAITING) {
      waiting.set(place, [...(waiting.get(place) ?? []), finding]);
      this.waiting += 1;
    } else this.dropped += 1;
  }

  private tell(alarm: Finding): void {
    this.alarms += 1;
    const { about, waiting } = this.toldOf(alarm);
    for (const index of alarm.about) {
      if (this.remembered >= MAX_REMEMBERED) break;
      about.add(index);
      this.remembered += 1;
    }
    // One that stands for several is about all those before it.
    for (const place of alarm.count === undefined ? [...alarm.about, NOWHERE] : [...waiting.keys()]) {
      const covered = waiting.get(place) ?? [];
      waiting.delete(place);
      this.waiting -= covered.length;
      for (const finding of covered) this.record(finding);
    }
  }

  private record(finding: Finding): void {
    this.recordedCount += 1;
    if (this.recorded.length < MAX_SHOWN) this.recorded.push(finding);
  }

  /** @returns what the ledger was silent about, in the log's order */
  end(): readonly Problem[] {
    for (const finding of this.rules?.end() ?? []) this.find(finding);
    const silent = [...this.told.values()].flatMap(({ waiting }) => [...waiting.values()].flat());
    const isNotice = ({ code }: Finding): boolean => alarmRows[code].severity === "notice";
    this.notices.push(...silent.filter(isNotice));
    const wrong = silent.filter((finding) => !isNotice(finding)).map(problemOf);
    if (this.dropped > 0) wrong.push({ step: "meaning", says: `${this.dropped} further findings are not shown` });
    return wrong.sort((a, b) => (a.index ?? Number.POSITIVE_INFINITY) - (b.index ?? Number.POSITIVE_INFINITY));
  }
}

export function problemOf({ code, about, index = about[0], vm, seq, says }: Finding): Problem {
  return {
    step: "meaning",
    code,
    ...(index === undefined ? {} : { index }),
    ...(vm === undefined ? {} : { vm }),
    ...(seq === undefined ? {} : { seq }),
    says,
  };
}
