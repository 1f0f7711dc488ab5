/** One file, wherever it has been renamed to, from a place on: its lines as they come. */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { LogFile } from "../config.js";
import { type Line, LineSplitter } from "./lines.js";
import { isOurs, Unwrapper, unglued } from "./logical.js";
import { HEAD_BYTES, headOf, type Place } from "./position.js";

const CHUNK_BYTES = 256 * 1024;

export const idOf = ({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string => `${dev}:${ino}`;

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

export class Source {
  private queue: Line[] = [];
  private splitter: LineSplitter;
  private unwrapper: Unwrapper;
  private head: Buffer = Buffer.alloc(0);
  private offset: number;
  /** Up to where all is handed in. */
  private done: number;
  private written = 0n;
  private isIdle = false;
  private hole = false;
  private links = 1n;

  private constructor(
    private readonly handle: FileHandle,
    private readonly log: LogFile,
    private readonly stat: BigIntStats,
    from: number,
  ) {
    this.offset = from;
    this.done = from;
    this.splitter = new LineSplitter(from);
    this.unwrapper = new Unwrapper(log.format);
    this.written = stat.mtimeNs;
  }

  /** Undefined where it is no longer (or not) the file that the place says. */
  static open(path: string, log: LogFile, place?: Place, isCopy = false): Promise<Source | undefined> {
    return Source.openFrom(
      path,
      log,
      () => place?.offset ?? 0,
      (source) => place === undefined || source.fits(place, isCopy),
    );
  }

  /** Past all that stands in it. */
  static openAtEnd(path: string, log: LogFile): Promise<Source | undefined> {
    return Source.openFrom(
      path,
      log,
      ({ size }) => Number(size),
      () => true,
    );
  }

  private static async openFrom(
    path: string,
    log: LogFile,
    from: (stat: BigIntStats) => number,
    isWanted: (source: Source) => boolean,
  ): Promise<Source | undefined> {
    // Nobody's pipe holds it up.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile()) throw Object.assign(new Error("it is no regular file"), { code: "EFTYPE" });
      const source = new Source(handle, log, stat, from(stat));
      await source.readHead();
      if (isWanted(source)) return source;
      await handle.close();
      return undefined;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get id(): string {
    return idOf(this.stat);
  }

  /** Read to its end so far, and all of that handed out. */
  get isAtEnd(): boolean {
    return this.isIdle && this.queue.length === 0;
  }

  /** There is more to read, and nothing yet to hand out. */
  get isHungry(): boolean {
    return !this.isIdle && this.queue.length === 0;
  }

  get lastWritten(): bigint {
    return this.written;
  }

  private fits({ device, inode, offset, head }: Place, isCopy: boolean): boolean {
    const { dev, ino, size } = this.stat;
    const isSameFile = String(dev) === device && String(ino) === inode;
    if (isCopy ? isSameFile || head.bytes === 0 : !isSameFile) return false;
    return size >= BigInt(offset) && headOf(this.head.subarray(0, head.bytes)).sha256 === head.sha256;
  }

  /** It has no name any more. */
  get isGone(): boolean {
    return this.links === 0n;
  }

  /** Nothing of what it holds has been seen yet: it cannot tell that it was cut off meanwhile. */
  get isUnseen(): boolean {
    return this.head.length === 0;
  }

  /** That one begins as this one does: by what was seen of both it may be a copy. */
  isCopiedIn(other: Source): boolean {
    const bytes = Math.min(this.head.length, other.head.length);
    // A hole tells nothing: each file that was cut off under a writer which does not append begins with one.
    return (
      this.head.subarray(0, bytes).some((byte) => byte !== 0) &&
      this.head.subarray(0, bytes).equals(other.head.subarray(0, bytes))
    );
  }

  /** Whether it begins as that place's file did. */
  beginsAs({ head }: Place): boolean {
    return head.bytes > 0 && headOf(this.head.subarray(0, head.bytes)).sha256 === head.sha256;
  }

  /** Whether NUL bytes were read since it was asked last: it was cut off, and its writer went on where it was. A copy has what they hide. */
  takeHole(): boolean {
    const { hole } = this;
    this.hole = false;
    return hole;
  }

  private async readHead(): Promise<void> {
    this.head = await readAt(this.handle, 0, HEAD_BYTES);
  }

  private async beginsWith(head: Buffer): Promise<boolean> {
    return (await readAt(this.handle, 0, head.length)).equals(head);
  }

  /** Reads on where nothing waits to be taken. @returns false where the file was cut off: what it held is elsewhere, or lost */
  async read(): Promise<boolean> {
    if (this.queue.length > 0) return true;
    const stat = await this.handle.stat({ bigint: true });
    this.links = stat.nlink;
    if (stat.size === BigInt(this.offset) && stat.mtimeNs === this.written) {
      this.isIdle = true;
      return true;
    }
    if (stat.size < BigInt(this.offset) || !(await this.beginsWith(this.head))) return false;
    const chunk = await readAt(this.handle, this.offset, CHUNK_BYTES);
    const head =
      this.offset < HEAD_BYTES
        ? Buffer.concat([this.head.subarray(0, this.offset), chunk]).subarray(0, HEAD_BYTES)
        : this.head;
    // It may have been cut off and have grown again between the look and the reading.
    const isSame = head.subarray(0, this.head.length).equals(this.head) && (await this.beginsWith(head));
    if (!isSame) return false;
    this.head = Buffer.from(head); // A copy: the chunk's memory is used again.
    this.isIdle = chunk.length < CHUNK_BYTES;
    if (chunk.length > 0 || stat.size === BigInt(this.offset)) this.written = stat.mtimeNs;
    this.offset += chunk.length;
    let begin = this.splitter.lineStart;
    for (const line of this.splitter.push(chunk)) {
      if (line.bytes[0] === 0 && begin > 0) this.hole = true;
      this.enqueue(this.unwrapper.push(line, begin), begin);
      begin = line.resume;
    }
    if (this.queue.length === 0) this.done = this.unwrapper.resumeAt(this.splitter.lineStart);
    return true;
  }

  /** @param begin of the file's own line that they come from: until the last of them is taken, it is read again from there */
  private enqueue(lines: readonly Line[], begin: number): void {
    const pieces = lines.flatMap(({ bytes, resume }) => unglued(bytes).map((piece) => ({ bytes: piece, resume })));
    const last = pieces.length - 1;
    for (const [i, { bytes, resume }] of pieces.entries())
      if (!this.log.mixed || isOurs(bytes))
        this.queue.push({ bytes, resume: i < last ? Math.min(begin, resume) : resume });
  }

  /** Nothing will be written to it any more: what stands behind its last line end is a line as well. */
  finish(): void {
    const { offset, done } = this;
    for (const line of this.splitter.flush()) this.enqueue(this.unwrapper.push(line, done), done);
    this.enqueue(this.unwrapper.flush(offset), done);
    if (this.queue.length === 0) this.done = offset;
  }

  /** From its beginning, after it was cut off. */
  async restart(): Promise<void> {
    this.offset = 0;
    this.done = 0;
    this.queue = [];
    this.splitter = new LineSplitter();
    this.unwrapper = new Unwrapper(this.log.format);
    this.head = Buffer.alloc(0);
    this.isIdle = false;
    await this.readHead();
  }

  /** Up to so many of what waits. They count as handed in with `taken`. */
  peek(lines: number, bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let total = 0;
    for (const line of this.queue) {
      total += line.bytes.length;
      if (taken.length === lines || (taken.length > 0 && total > bytes)) break;
      taken.push(line.bytes);
    }
    return taken;
  }

  taken(lines: number): void {
    const last = this.queue[lines - 1];
    this.queue = this.queue.slice(lines);
    if (last !== undefined) this.done = last.resume;
    if (this.queue.length === 0 && lines > 0)
      this.done = Math.max(this.done, this.unwrapper.resumeAt(this.splitter.lineStart));
  }

  place(): Place {
    const { dev, ino } = this.stat;
    return {
      device: String(dev),
      inode: String(ino),
      offset: this.done,
      head: headOf(this.head),
    };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
