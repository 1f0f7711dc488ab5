/** The older files of a log: which of them are read, and which came while nobody looked. */
import { visible } from "../../base/text.js";
import type { LogFile } from "../config.js";
import type { Position } from "./position.js";
import { filesBeside, openSibling, type Sibling } from "./siblings.js";
import { idOf, type Source } from "./source.js";

/** A file system may tell the time of a write a little behind. */
const CLOCK_MARGIN_MS = 1000;
/** Between the look and the opening. */
const RENAMED_AT_MOST = 3;

export class OlderFiles {
  /** What was not written to since then was there before, or is read. */
  private since = BigInt(Date.now() - CLOCK_MARGIN_MS) * 1_000_000n;
  /** Those that are read to their end, with when they were written to last. */
  private readonly done = new Map<string, bigint>();
  /** Those that were said to be unreadable. */
  private readonly unread = new Set<string>();

  constructor(
    private readonly log: LogFile,
    private readonly say: (sentence: string) => void,
  ) {}

  get state(): Pick<Position, "since" | "read"> {
    return { since: this.since, read: this.done };
  }

  restore({ since, read }: Position): void {
    this.since = since;
    for (const [id, written] of read) this.done.set(id, written);
  }

  /** It is read to its end. Where it is written to afterwards it is read again. */
  finished({ id, lastWritten }: Source): void {
    this.done.set(id, lastWritten);
  }

  /** Files beside the log that none of these reads. */
  async unknown(sources: readonly Source[]): Promise<Sibling[]> {
    const known = new Set(sources.map(({ id }) => id));
    return (await filesBeside(this.log.path)).filter(({ stat }) => !known.has(idOf(stat)));
  }

  /**
   * Opens those that nobody has read. What may be a copy of a file that is being read waits until that one is cut off: it would all be
   * read twice. Only here, where every file beside the log is seen, does the time move from which on one counts as missed.
   */
  async missed(sources: readonly Source[]): Promise<Source[]> {
    const found: Source[] = [];
    const times = sources.map(({ lastWritten }) => lastWritten);
    for (const sibling of await this.unknown(sources)) {
      const { path, stat, isRotated } = sibling;
      if (!isRotated || stat.mtimeNs < this.since || this.done.get(idOf(stat)) === stat.mtimeNs) continue;
      times.push(stat.mtimeNs);
      const source = await this.opened(sibling);
      if (source === undefined) {
        if (!this.unread.has(path))
          this.say(`${visible(path)} cannot be read: lines that stand in it alone are lost here.`);
        this.unread.add(path);
        continue;
      }
      if (sources.some((one) => one.isCopiedIn(source))) await source.close();
      else found.push(source);
    }
    const [first] = times.sort((a, b) => (a < b ? -1 : 1));
    this.since = first ?? this.since;
    for (const [id, written] of this.done) if (written < this.since) this.done.delete(id);
    return found;
  }

  /** Also where it is renamed meanwhile. */
  private async opened(sibling: Sibling): Promise<Source | undefined> {
    let source = await openSibling(sibling, this.log);
    for (let tries = 0; source === undefined && tries < RENAMED_AT_MOST; tries++) {
      const renamed = (await filesBeside(this.log.path)).find(
        ({ path, stat }) => idOf(stat) === idOf(sibling.stat) && path !== sibling.path,
      );
      if (renamed === undefined) break;
      source = await openSibling(renamed, this.log);
    }
    return source;
  }
}
