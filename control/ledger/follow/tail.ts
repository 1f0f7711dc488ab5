/**
 * A log that grows, is renamed away, is copied and cut off, or is not there yet. Each of its files is read until nothing more comes
 * to it; the position moves with what was taken. A file may be read twice, which is harmless, and is never left out in silence.
 */
import { reasonOf, systemCode, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { LogFile } from "../config.js";
import { Absence } from "./absence.js";
import { OlderFiles } from "./older.js";
import { type Place, readPosition, writePosition } from "./position.js";
import { findPlace, statOf } from "./siblings.js";
import { idOf, Source } from "./source.js";

/** In flight at once. */
export const BATCH_LINES = 1024;
export const BATCH_BYTES = 4 * 1024 * 1024;
/** A writer goes on with the old file until it is told of the rotation, and flushes every ten seconds at the latest. */
const LINGER_MS = 30_000;
/** A hot restart's parent is never told: it ends its streams for a quarter of an hour. A file that has no name any more takes room meanwhile. */
const STAY_MS = 20 * 60_000;
const MOST_STAYING = 64;
/** From one look to the next: while this process, or its machine, stood still, or waited for its ledger, nobody watched. */
const MAX_WATCHED_MS = 1000;
/** Of other programs' lines, and of a line without an end, so many chunks are read before others get their turn. */
const CHUNKS_AT_ONCE = 64;
/** Progress that hands nothing in (other programs' lines) is written down now and then. */
const QUIET_BYTES = 4 * 1024 * 1024;

export interface TailOptions {
  readonly log: LogFile;
  /** Where its position is kept. Undefined: nowhere, and what stands in the log already is left out. */
  readonly positionFile: string | undefined;
  /** A sentence for the person. */
  readonly say: (sentence: string) => void;
  readonly lingerMs?: number;
  readonly absentMs?: number;
}

export class Tail {
  /** Oldest first. */
  private sources: Source[] = [];
  /** Milliseconds in which nothing came to it. */
  private readonly quiet = new Map<Source, number>();
  private lookedAt = performance.now();
  /** What is wrong with those that cannot be read now. */
  private readonly failing = new Map<Source, string>();
  private batch: { readonly source: Source; readonly lines: number }[] = [];
  private saved: string | undefined;
  private savedOffset = 0;
  private isOpen = false;
  /** Files that were cut off, each with what was read of it: the rest is in a copy that is yet to be found. */
  private readonly cut = new Map<Source, Place[]>();
  private readonly older: OlderFiles;
  private told: string | undefined;
  private readonly absence: Absence;
  lines = 0;

  constructor(private readonly options: TailOptions) {
    this.older = new OlderFiles(options.log, options.say);
    this.absence = new Absence(options.log.path, options.say, options.absentMs);
  }

  get path(): string {
    return this.options.log.path;
  }

  /** The place up to which all is taken, of the newest file. */
  get offset(): number {
    return this.sources.at(-1)?.place().offset ?? 0;
  }

  /** There is more to read at once, also where `next` had nothing. */
  get isBehind(): boolean {
    return this.sources.some((source) => !source.isAtEnd && !this.failing.has(source));
  }

  /** What waits to be taken, bounded; empty where there is nothing new. */
  async next(): Promise<Buffer[]> {
    await this.look();
    this.batch = [];
    const taken: Buffer[] = [];
    let bytes = 0;
    for (const source of [...this.sources]) {
      const { length } = this.sources;
      if (!(await this.readIfPossible(source))) continue;
      if (this.sources.length > length) break; // Older ones were found: they come before this one.
      const lines = source.peek(BATCH_LINES - taken.length, BATCH_BYTES - bytes);
      if (lines.length > 0) this.quiet.delete(source);
      taken.push(...lines);
      bytes += lines.reduce((sum, line) => sum + line.length, 0);
      this.batch.push({ source, lines: lines.length });
      // The rest of this one comes before the next one.
      if (!source.isAtEnd || taken.length >= BATCH_LINES || bytes >= BATCH_BYTES) break;
    }
    if (taken.length === 0) this.save(false);
    return taken;
  }

  /** What `next` returned is durable where it went. */
  taken(): void {
    for (const { source, lines } of this.batch) {
      source.taken(lines);
      this.lines += lines;
    }
    this.batch = [];
    this.save(true);
  }

  async close(): Promise<void> {
    if (this.isOpen) this.save(true);
    for (const source of this.sources) await source.close();
    this.sources = [];
  }

  private save(always: boolean): void {
    const { positionFile } = this.options;
    if (positionFile === undefined) return;
    const places = this.sources.map((source) => source.place());
    const { since, read } = this.older.state;
    const text = JSON.stringify([places, String(since), read.size]);
    const offset = places.reduce((sum, place) => sum + place.offset, 0);
    if (text === this.saved || (!always && Math.abs(offset - this.savedOffset) < QUIET_BYTES)) return;
    writePosition(positionFile, this.path, { since, files: places, read });
    this.saved = text;
    this.savedOffset = offset;
  }

  private cannotRead(error: unknown): string {
    // A position that is damaged or cannot be written is no file that may come back.
    if (error instanceof UserError || !/^E(?!RR_)/.test(systemCode(error) ?? "")) throw error;
    return `Cannot read ${visible(this.path)}: ${reasonOf(error)}. It is tried again.`;
  }

  /** A disk or a file server that fails for a while ends nothing: what cannot be read waits. */
  private async readIfPossible(source: Source): Promise<boolean> {
    try {
      await this.readOn(source);
      this.failing.delete(source);
      return true;
    } catch (error) {
      const sentence = this.cannotRead(error);
      if (this.failing.get(source) !== sentence) this.options.say(sentence);
      this.failing.set(source, sentence);
      return false;
    }
  }

  private async readOn(source: Source): Promise<void> {
    await this.findCut(source);
    const { isUnseen } = source;
    let isWhole = await source.read();
    for (let chunks = 1; isWhole && source.isHungry && chunks < CHUNKS_AT_ONCE; chunks++) isWhole = await source.read();
    if (!isWhole) {
      // Cut off, as by logrotate's copytruncate. It begins anew first: what is cut off from here on is seen again, and its copy found.
      this.cut.set(source, [...(this.cut.get(source) ?? []), source.place()]);
      await source.restart();
      await this.findCut(source);
    } else if (source.takeHole() || (isUnseen && !source.isUnseen)) await this.openMissed(source); // It may have been filled and cut off before.
  }

  /** The rest of what was cut off is in a copy. */
  private async findCut(source: Source): Promise<void> {
    const places = this.cut.get(source);
    if (places === undefined) return;
    for (const place of [...places]) {
      const copy = await findPlace(place, this.options.log, await this.older.unknown(this.sources));
      if (copy !== undefined) this.sources.splice(this.sources.indexOf(source), 0, copy);
      else if (place.head.bytes > 0 && !this.sources.some((one) => one.beginsAs(place)))
        this.options.say(
          `${visible(this.path)} was cut off at byte ${place.offset} or later, and no copy of it is there: lines that stood behind that are lost here.`,
        );
      places.shift();
    }
    // It may have been cut off more than once.
    await this.openMissed(source);
    this.cut.delete(source);
  }

  /** Looks at what stands under the name now. */
  private async look(): Promise<void> {
    try {
      if (!this.isOpen) await this.begin();
      const stat = statOf(this.path);
      if (stat !== undefined && !this.sources.some(({ id }) => id === idOf(stat))) await this.rotated();
      const passed = this.passed();
      this.absence.look(stat !== undefined, passed);
      await this.leave(stat === undefined ? undefined : idOf(stat), passed);
      this.told = undefined;
    } catch (error) {
      const sentence = this.cannotRead(error);
      if (this.told !== sentence) this.options.say(sentence);
      this.told = sentence;
    }
  }

  /** Since the look before this one, as far as somebody watched. */
  private passed(): number {
    const now = performance.now();
    const passed = Math.min(now - this.lookedAt, MAX_WATCHED_MS);
    this.lookedAt = now;
    return passed;
  }

  private async begin(): Promise<void> {
    for (const source of this.sources.splice(0)) await source.close(); // Of a beginning that failed.
    const { positionFile, log, say } = this.options;
    if (positionFile === undefined) {
      const source = statOf(log.path) === undefined ? undefined : await Source.openAtEnd(log.path, log);
      if (source !== undefined) this.sources.push(source);
      this.isOpen = true;
      return;
    }
    const position = readPosition(positionFile, this.path, say);
    for (const place of position?.files ?? []) {
      const source = await findPlace(place, log, await this.older.unknown(this.sources));
      if (source !== undefined) this.sources.push(source);
      else if (place.head.bytes > 0)
        say(
          `The file of ${visible(this.path)} that was read up to byte ${place.offset} is gone: lines that stood behind that are lost here.`,
        );
    }
    if (position !== undefined) {
      this.older.restore(position);
      await this.openMissed();
    }
    this.isOpen = true;
    // From now on what is rotated away is missed.
    if (position === undefined) this.save(true);
  }

  private async rotated(): Promise<void> {
    // Opened first: whatever came and went before it is among the older ones then.
    const source = await Source.open(this.path, this.options.log);
    if (source === undefined) return;
    if (this.sources.some(({ id }) => id === source.id)) return source.close();
    this.sources.push(source);
    await this.openMissed(source);
    this.save(true); // Before a line of it is taken: after a crash it may have another name.
  }

  /** Older files of the log that came while nobody looked. */
  private async openMissed(before?: Source): Promise<void> {
    const missed = await this.older.missed(this.sources);
    this.sources.splice(before === undefined ? this.sources.length : this.sources.indexOf(before), 0, ...missed);
  }

  private lingerOf({ isGone }: Source): number {
    const { lingerMs } = this.options;
    return lingerMs ?? (isGone || this.sources.length > MOST_STAYING ? LINGER_MS : STAY_MS);
  }

  /** Gives up files that are under another name and to which nothing has come for a while. */
  private async leave(current: string | undefined, passed: number): Promise<void> {
    if (current === undefined) return;
    // Nothing came to the new file yet: its writer may not have been told, and go on with the old one for days.
    const isUnused = this.sources.some((source) => source.id === current && source.isUnseen);
    for (const source of [...this.sources]) {
      if (source.id === current || !source.isAtEnd || (isUnused && !source.isUnseen)) {
        this.quiet.delete(source);
        continue;
      }
      const quiet = this.quiet.get(source);
      this.quiet.set(source, quiet === undefined ? 0 : quiet + passed);
      if ((quiet ?? 0) < this.lingerOf(source)) continue;
      const { lastWritten } = source;
      // What came to it since it was read last.
      if (!(await source.read()) || !source.isAtEnd || source.lastWritten !== lastWritten) {
        this.quiet.delete(source);
        continue;
      }
      source.finish();
      if (!source.isAtEnd) continue; // A torn line at its end: handed in first.
      this.sources = this.sources.filter((other) => other !== source);
      this.quiet.delete(source);
      this.older.finished(source);
      await source.close();
      this.save(true);
    }
  }
}
