/** From a file's lines to a gateway's: what container runtimes put round them, and what a writer that was killed glued together. */
import { z } from "zod";
import { isEvidenceLine, isRecordLine } from "../../base/audit.js";
import type { LogFile } from "../config.js";
import { type Line, LineSplitter } from "./lines.js";

/** `2026-11-26T17:20:00.123456789Z stdout P the first 16 KiB`; tags stand behind the P or F with colons. */
const CRI = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+) (stdout|stderr) ([PF])(?::[^ ]*)? /;
const CRI_PREFIX_BYTES = 128;
const docker = z.looseObject({ log: z.string(), stream: z.enum(["stdout", "stderr"]).default("stdout") });
const LINE_FEED = Buffer.from("\n");

interface Part {
  readonly stream: string;
  readonly bytes: Buffer;
}

function criPart({ bytes }: Line): Part | undefined {
  const match = CRI.exec(bytes.toString("latin1", 0, CRI_PREFIX_BYTES));
  if (match === null) return undefined;
  const content = bytes.subarray(match[0].length);
  return { stream: match[1] ?? "", bytes: match[2] === "F" ? Buffer.concat([content, LINE_FEED]) : content };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined; // No JSON: the caller hands it on as it is.
  }
}

function dockerPart({ bytes }: Line): Part | undefined {
  const found = docker.safeParse(parsed(bytes));
  return found.success ? { stream: found.data.stream, bytes: Buffer.from(found.data.log) } : undefined;
}

/** Puts together what a runtime has split, of each stream by itself. Lines that it did not write are handed on as they are. */
export class Unwrapper {
  private readonly streams = new Map<string, { readonly splitter: LineSplitter; begin: number | undefined }>();

  constructor(private readonly format: LogFile["format"]) {}

  /** Where the file must be read again from for what has no end yet. */
  private held(): number | undefined {
    const begins = [...this.streams.values()].flatMap(({ begin }) => begin ?? []);
    return begins.length === 0 ? undefined : Math.min(...begins);
  }

  /** @param begin where it begins in the file */
  push(line: Line, begin: number): Line[] {
    if (this.format === "plain") return [line];
    const part = this.format === "cri" ? criPart(line) : dockerPart(line);
    if (part === undefined) return [{ ...line, resume: this.held() ?? line.resume }];
    let stream = this.streams.get(part.stream);
    if (stream === undefined) {
      stream = { splitter: new LineSplitter(), begin: undefined };
      this.streams.set(part.stream, stream);
    }
    const lines = stream.splitter.push(part.bytes);
    if (part.bytes.at(-1) === LINE_FEED[0]) stream.begin = undefined;
    else stream.begin = lines.length > 0 ? begin : (stream.begin ?? begin);
    return lines.map(({ bytes }) => ({ bytes, resume: this.held() ?? line.resume }));
  }

  /** @param at where the file's own unfinished line begins */
  resumeAt(at: number): number {
    return this.held() ?? at;
  }

  flush(resume: number): Line[] {
    const lines = [...this.streams.values()].flatMap(({ splitter }) => splitter.flush());
    this.streams.clear();
    return lines.map(({ bytes }) => ({ bytes, resume }));
  }
}

/** One for each time that it was killed. A line that is made of thousands of them is no accident, and is handed in as it is. */
const MAX_GLUED = 64;
/** How the filter's lines begin. Inside a string their quotes would be escaped: nothing that a client sends looks like it. */
const BEGINNINGS = ['{"v":1,"vm":"', '{"evidence":"'] as const;

/**
 * A gateway that was killed while it wrote leaves a piece of a line, and the next one writes behind it: the piece and the record are
 * handed in as two. Only what is no JSON as a whole is looked at, and only where its rest is.
 */
export function unglued(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let rest = bytes;
  while (pieces.length < MAX_GLUED) {
    const at = Math.max(...BEGINNINGS.map((beginning) => rest.lastIndexOf(beginning)));
    if (at <= 0 || parsed(rest) !== undefined || parsed(rest.subarray(at)) === undefined) break;
    pieces.push(rest.subarray(at));
    rest = rest.subarray(0, at);
  }
  return [rest, ...pieces.reverse()];
}

/** A line of the answers' log as a rendered gateway writes it: no other of its logs has these. */
const answer = z.looseObject({
  request_id: z.string(),
  status: z.unknown(),
  bytes_sent: z.unknown(),
  duration_ms: z.unknown(),
});

/** Whether a line is one of the audit or answers' log, where others write to the same file. */
export function isOurs(bytes: Buffer): boolean {
  if (bytes[0] !== 0x7b) return false;
  const begin = bytes.toString("latin1", 0, 16);
  if (isRecordLine(begin) || isEvidenceLine(begin) || begin.startsWith('{"receipt":')) return true;
  return answer.safeParse(parsed(bytes)).success;
}
