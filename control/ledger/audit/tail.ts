/** The newest entries, and those that come: never beyond a checkpoint, and never from a log that goes back. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UserError } from "../../base/errors.js";
import type { TileSource } from "../log.js";
import type { Checkpoint } from "../tlog/checkpoint.js";
import type { Vkey } from "../tlog/note.js";
import { consistencyProof, verifyConsistency } from "../tlog/proof.js";
import { TILE_WIDTH as WIDTH } from "../tlog/tiles.js";
import { openHead, type ReadEntry, readDecoded } from "./reader.js";

/** A commit of the ledger takes less; nobody reads faster. */
const POLL_MS = 500;

export interface TailOptions {
  readonly key: Vkey | undefined;
  /** How many to begin with. */
  readonly lines: number;
  readonly follow: boolean;
  readonly wanted: (entry: ReadEntry) => boolean;
  /** @returns whether to go on */
  readonly show: (entry: ReadEntry) => Promise<boolean>;
  readonly trouble: (sentence: string) => void;
}

/**
 * The last ones that are wanted, in order: looked for bundle by bundle from the end. They are read again when they are shown, as each may
 * have a body of 64 MiB beside the log.
 */
async function* lastOf(
  source: TileSource,
  size: number,
  { lines, wanted }: TailOptions,
): AsyncGenerator<ReadEntry, void, undefined> {
  let found: number[] = [];
  for (let end = size; end > 0 && found.length < lines; ) {
    const begin = Math.floor((end - 1) / WIDTH) * WIDTH;
    const here: number[] = [];
    for await (const entry of readDecoded(source, size, begin, end)) if (wanted(entry)) here.push(entry.index);
    found = [...here, ...found];
    end = begin;
  }
  const shown = new Set(lines === 0 ? [] : found.slice(-lines));
  for (const begin of new Set([...shown].map((index) => index - (index % WIDTH))))
    for await (const entry of readDecoded(source, size, begin, Math.min(begin + WIDTH, size)))
      if (shown.has(entry.index)) yield entry;
}

async function mustGoOn(source: TileSource, before: Checkpoint, now: Checkpoint): Promise<void> {
  if (now.size >= before.size) {
    const proof = await consistencyProof(source, before.size, now.size);
    if (verifyConsistency(before.size, before.root, now.size, now.root, proof)) return;
  }
  throw new UserError(
    `The log is another one: its checkpoint of ${now.size} entries does not go on from the one of ${before.size}.`,
    { exitCode: 1, hint: "Keep both, and run `glassgate ledger verify` with --since." },
  );
}

/** A ledger that is away for a while is no end: undefined, and said once. */
async function newest(source: TileSource, options: TailOptions, isAway: boolean): Promise<Checkpoint | undefined> {
  try {
    return await openHead(source, options.key);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode === 1) throw error;
    if (!isAway) options.trouble(messageOf(error));
    return undefined;
  }
}

export async function tailLedger(source: TileSource, options: TailOptions): Promise<void> {
  let head = await openHead(source, options.key);
  for await (const entry of lastOf(source, head.size, options)) if (!(await options.show(entry))) return;
  for (let isAway = false; options.follow; ) {
    await sleep(POLL_MS);
    const next = await newest(source, options, isAway);
    isAway = next === undefined;
    if (next === undefined || next.text === head.text) continue;
    await mustGoOn(source, head, next);
    for await (const entry of readDecoded(source, next.size, head.size, next.size))
      if (options.wanted(entry) && !(await options.show(entry))) return;
    head = next;
  }
}
