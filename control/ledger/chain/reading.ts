/** A log's entries read back: their whole bodies, and the alarms among them. */
import { createHash } from "node:crypto";
import { decodeEntry, type Entry } from "../entry.js";
import type { Log } from "../log.js";
import { readEntries } from "../tlog/read.js";
import { type Alarm, decodeFinding } from "./finding.js";

/** The entries of a log from `from` on, before `to`, in order. */
export type EntryReader = (
  from: number,
  to: number,
) => AsyncIterable<{ readonly index: number; readonly bytes: Buffer }>;

/** SHA-256 of the last of so many entries. */
export async function lastOf(entries: EntryReader, size: number): Promise<Buffer | undefined> {
  for await (const { bytes } of entries(size - 1, size)) return createHash("sha256").update(bytes).digest();
  return undefined;
}

/** The whole body of an entry, also where it stands in a blob; undefined where that is not there or not the same. */
export async function wholeEntry(log: Pick<Log, "read">, bytes: Buffer): Promise<Entry | undefined> {
  const entry = decodeEntry(bytes);
  const sha256 = entry?.head.sha256;
  if (entry === undefined || sha256 === undefined) return entry;
  const body = await log.read(`blob/${sha256}`);
  if (body === undefined || createHash("sha256").update(body).digest("hex") !== sha256) return undefined;
  return { head: entry.head, body };
}

/** The alarms on record from that index on: for whoever was not told of them before a restart. */
export async function* alarmsFrom(entries: EntryReader, from: number, to: number): AsyncGenerator<Alarm> {
  for await (const { index, bytes } of entries(from, to)) {
    const entry = decodeEntry(bytes);
    if (entry?.head.type !== "alarm") continue;
    const finding = decodeFinding(entry.body);
    if (finding !== undefined) yield { ...finding, entry: index, at: Date.parse(entry.head.received) };
  }
}

/** By its tiles, where nothing else is said. */
export const readerOf = ({
  log,
  entries,
}: {
  readonly log: Log;
  readonly entries?: EntryReader | undefined;
}): EntryReader => entries ?? ((from, to) => readEntries(log, log.size, from, to));
