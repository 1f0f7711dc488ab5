/**
 * Bytes of a file or of a body, taken apart at line ends within a bound of memory, whatever they are: NUL bytes, no UTF-8, CRLF, a
 * line of gigabytes. What is left out of a line is said behind a line feed, which no line itself can hold.
 */
import { createHash, type Hash } from "node:crypto";

/** A record has 8 KiB and its evidence as much again; what is longer than this is kept in part. */
export const MAX_LINE_BYTES = 1024 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Line {
  /** Without its end. Never empty. */
  readonly bytes: Buffer;
  /** Where to go on once it is taken. */
  readonly resume: number;
}

/** What stands behind the line feed of a line that is not whole. */
export const cutLabel = (left: { readonly bytes: number; readonly sha256: string }): string =>
  JSON.stringify({ cut: true, ...left });
const nulLabel = (bytes: number): string => JSON.stringify({ nul_bytes: bytes });

const NULS = Buffer.alloc(64 * 1024);

/** A hole has millions: a block at a time. */
function nulsAhead(part: Buffer): number {
  let at = 0;
  while (at < part.length && part[at] === 0) {
    const block = part.subarray(at, at + NULS.length);
    if (!block.equals(NULS.subarray(0, block.length))) return at + block.findIndex((byte) => byte !== 0);
    at += block.length;
  }
  return at;
}

export class LineSplitter {
  private kept: Buffer[] = [];
  private keptBytes = 0;
  private lineBytes = 0;
  /** Of a line that is too long. */
  private hash: Hash | undefined;
  /** At the line's beginning: a hole in a file that was cut off under its writer has gigabytes of them. */
  private nulBytes = 0;

  /** @param at of the first byte that will be pushed */
  constructor(private at = 0) {}

  /** Where the line begins that has no end yet. */
  get lineStart(): number {
    return this.at - this.lineBytes - this.nulBytes;
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    for (let begin = 0; begin < chunk.length; ) {
      const found = chunk.indexOf(LINE_FEED, begin);
      const end = found < 0 ? chunk.length : found;
      this.add(chunk.subarray(begin, end));
      if (found < 0) break;
      lines.push(...this.finish(1));
      begin = end + 1;
    }
    return lines;
  }

  /** What stands behind the last line end. */
  flush(): Line[] {
    return this.finish(0);
  }

  private add(part: Buffer): void {
    this.at += part.length;
    let rest = part;
    if (this.lineBytes === 0) {
      const nuls = nulsAhead(part);
      this.nulBytes += nuls;
      rest = part.subarray(nuls);
    }
    if (rest.length === 0) return;
    this.lineBytes += rest.length;
    const room = Math.min(rest.length, MAX_LINE_BYTES - this.keptBytes);
    if (room < rest.length && this.hash === undefined) {
      this.hash = createHash("sha256");
      for (const one of this.kept) this.hash.update(one);
    }
    this.hash?.update(rest);
    if (room === 0) return;
    this.kept.push(Buffer.from(rest.subarray(0, room))); // A copy: the chunk's memory is used again.
    this.keptBytes += room;
  }

  private finish(endBytes: number): Line[] {
    const { nulBytes, lineBytes, hash, at } = this;
    this.at += endBytes;
    const resume = this.at;
    const lines: Line[] = [];
    if (nulBytes > 0)
      lines.push({ bytes: Buffer.from(`\0\n${nulLabel(nulBytes)}`), resume: lineBytes > 0 ? at - lineBytes : resume });
    let bytes = Buffer.concat(this.kept);
    if (hash !== undefined)
      bytes = Buffer.concat([bytes, Buffer.from(`\n${cutLabel({ bytes: lineBytes, sha256: hash.digest("hex") })}`)]);
    else if (bytes.at(-1) === CARRIAGE_RETURN) bytes = bytes.subarray(0, -1);
    if (bytes.length > 0) lines.push({ bytes, resume });
    this.kept = [];
    this.keptBytes = 0;
    this.lineBytes = 0;
    this.nulBytes = 0;
    this.hash = undefined;
    return lines;
  }
}

/** Lines of bytes that are all there. */
export function splitLines(bytes: Buffer): Buffer[] {
  const splitter = new LineSplitter();
  return [...splitter.push(bytes), ...splitter.flush()].map((line) => line.bytes);
}
