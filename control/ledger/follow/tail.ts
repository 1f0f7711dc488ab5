/**
 * A log that grows, is renamed away, is copied and cut off, or is not there yet. Each of its files is read until nothing more comes
 * to it; the position moves with what was taken. A file may be read twice, which is harmless, and is never left out in silence.
 */
import { reasonOf, systemCode } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { LogFile } from "../config.js";
import { readPosition, writePosition } from "./position.js";
import { filesBeside, findPlace, isRotated, type Sibling, statOf } from "./siblings.js";
import { idOf, Source } from "./source.js";

/** A file system may tell the time of a write a little behind. */
const CLOCK_MARGIN_MS = 1000;
/** In flight at once. */
export const BATCH_LINES = 1024;
export const BATCH_BYTES = 4 * 1024 * 1024;
/** A writer goes on with the old file until it is told of the rotation, and flushes every ten seconds at the latest. */
const LINGER_MS = 30_000;
/** Of other programs' lines, and of a line without an end, so many chunks are read before others get their turn. */
const CHUNKS_AT_ONCE = 64;
/** Progress that hands nothing in (other programs' lines) is written down now and then. */
const QUIET_BYTES = 4 * 1024 * 1024;

export interface TailOptions {
  readonly log: LogFile;
  readonly positionFile: string;
  /** A sentence for the person. */
  readonly say: (sentence: string) => void;
  readonly lingerMs?: number;
}

export class Tail {
  /** Oldest first. */
  private sources: Source[] = [];
  private readonly quietSince = new Map<Source, number>();
  private batch: { readonly source: Source; readonly lines: number }[] = [];
  private saved: string | undefined;
  private savedOffset = 0;
  private isOpen = false;
  /** While there is no file: from when on one is missed. */
  private since = BigInt(Date.now() - CLOCK_MARGIN_MS) * 1_000_000n;
  private told: string | undefined;
  lines = 0;

  constructor(private readonly options: TailOptions) {}

  get path(): string {
    return this.options.log.path;
  }

  /** The place up to which all is taken, of the newest file. */
  get offset(): number {
    return this.sources.at(-1)?.place().offset ?? 0;
  }

  /** There is more to read at once, also where `next` had nothing. */
  get isBehind(): boolean {
    return this.sources.some((source) => !source.isAtEnd);
  }

  /** What waits to be taken, bounded; empty where there is nothing new. */
  async next(): Promise<Buffer[]> {
    await this.look();
    this.batch = [];
    const taken: Buffer[] = [];
    let bytes = 0;
    for (const source of [...this.sources]) {
      await this.readOn(source);
      const lines = source.peek(BATCH_LINES - taken.length, BATCH_BYTES - bytes);
      if (lines.length > 0) this.quietSince.delete(source);
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
    const places = this.sources.map((source) => source.place());
    const text = JSON.stringify(places);
    const offset = places.reduce((sum, place) => sum + place.offset, 0);
    if (text === this.saved || (!always && Math.abs(offset - this.savedOffset) < QUIET_BYTES)) return;
    this.since = this.sources.reduce(
      (least, { lastWritten }, i) => (i === 0 || lastWritten < least ? lastWritten : least),
      this.since,
    );
    writePosition(this.options.positionFile, this.path, { since: this.since, files: places });
    this.saved = text;
    this.savedOffset = offset;
  }

  private async readOn(source: Source): Promise<void> {
    let isWhole = await source.read();
    for (let chunks = 1; isWhole && source.isHungry && chunks < CHUNKS_AT_ONCE; chunks++) isWhole = await source.read();
    if (isWhole) return;
    // Cut off, as by logrotate's copytruncate: the rest is in the copy.
    const place = source.place();
    const copy = await findPlace(place, this.options.log, await this.unknown());
    if (copy !== undefined) this.sources.splice(this.sources.indexOf(source), 0, copy);
    else if (place.offset > 0)
      this.options.say(
        `${visible(this.path)} was cut off at byte ${place.offset} or later, and no copy of it is there: lines that stood behind that are lost here.`,
      );
    await source.restart();
  }

  /** Files beside it that none of the sources reads. */
  private async unknown(): Promise<Sibling[]> {
    const known = new Set(this.sources.map(({ id }) => id));
    return (await filesBeside(this.path)).filter(({ stat }) => !known.has(idOf(stat)));
  }

  /** Looks at what stands under the name now. */
  private async look(): Promise<void> {
    try {
      if (!this.isOpen) await this.begin();
      const stat = statOf(this.path);
      if (stat !== undefined && !this.sources.some(({ id }) => id === idOf(stat))) await this.rotated();
      await this.leave(stat === undefined ? undefined : idOf(stat));
      this.told = undefined;
    } catch (error) {
      if (!["EACCES", "EPERM", "ENOENT", "ENOTDIR", "ENODEV"].includes(systemCode(error) ?? "")) throw error;
      const sentence = `Cannot read ${visible(this.path)}: ${reasonOf(error)}. It is tried again.`;
      if (this.told !== sentence) this.options.say(sentence);
      this.told = sentence;
    }
  }

  private async begin(): Promise<void> {
    for (const source of this.sources.splice(0)) await source.close(); // Of a beginning that failed.
    const position = readPosition(this.options.positionFile, this.path);
    for (const place of position?.files ?? []) {
      const source = await findPlace(place, this.options.log, await this.unknown());
      if (source !== undefined) this.sources.push(source);
      else if (place.offset > 0)
        this.options.say(
          `The file of ${visible(this.path)} that was read up to byte ${place.offset} is gone: lines that stood behind that are lost here.`,
        );
    }
    if (position !== undefined) await this.openMissed(position.since);
    this.isOpen = true;
    // From now on what is rotated away is missed.
    if (position === undefined) this.save(true);
  }

  private async rotated(): Promise<void> {
    await this.openMissed(this.sources.at(-1)?.lastWritten ?? this.since);
    const source = await Source.open(this.path, this.options.log);
    if (source === undefined) return;
    if (this.sources.some(({ id }) => id === source.id)) await source.close();
    else this.sources.push(source);
    this.save(true); // Before a line of it is taken: after a crash it may have another name.
  }

  /** Older files of the log that came and went while nobody looked. */
  private async openMissed(since: bigint): Promise<void> {
    for (const { path, stat } of await this.unknown()) {
      const isMissed = isRotated(path, this.path) && stat.mtimeNs >= since;
      const source = isMissed ? await Source.open(path, this.options.log) : undefined;
      if (source !== undefined) this.sources.push(source);
    }
  }

  /** Gives up files that are under another name and to which nothing has come for a while. */
  private async leave(current: string | undefined): Promise<void> {
    if (current === undefined) return;
    for (const source of [...this.sources]) {
      if (source.id === current || !source.isAtEnd) {
        this.quietSince.delete(source);
        continue;
      }
      const since = this.quietSince.get(source) ?? Date.now();
      this.quietSince.set(source, since);
      if (Date.now() - since < (this.options.lingerMs ?? LINGER_MS)) continue;
      source.finish();
      if (!source.isAtEnd) continue; // A torn line at its end: handed in first.
      this.sources = this.sources.filter((other) => other !== source);
      this.quietSince.delete(source);
      await source.close();
      this.save(true);
    }
  }
}
