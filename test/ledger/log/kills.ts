/** `kill -9`, again and again, of a writer under load: what it was told is safe must be there each time. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openCheckpoint } from "../../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../../control/ledger/tlog/note.js";
import { fileSource, readEntries } from "../../../control/ledger/tlog/read.js";
import { leafHash, rootOf } from "../../../control/ledger/tlog/tree.js";
import { logSigner, madeLog } from "./made.js";
import { Writer } from "./processes.js";

export interface Killed {
  readonly kills: number;
  /** Kills before the log was open. */
  readonly early: number;
  readonly acknowledged: number;
  readonly entries: number;
}

/** Long enough to be killed while it opens, in its first commits, and in the middle of many. */
const LONGEST_MS = 120;

/** @throws where the log does not verify, an acknowledged entry is not there, or the log does not open again */
export async function killAgain(kills: number, say: (line: string) => void = () => {}): Promise<Killed> {
  const made = madeLog();
  const vkey = parseVkey(logSigner.vkey);
  const acknowledged: { index: number; text: string }[] = [];
  let early = 0;
  let entries: Buffer[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const writer = new Writer({ root: made.root, mode: "load", name: `run-${kill}`, callers: 1 + (kill % 16) });
    // Every fifth one in the first moments of its life, while it locks and recovers.
    if (kill % 5 !== 0) await writer.said(/^ack /);
    await sleep(Math.random() * LONGEST_MS);
    await writer.kill();
    if (writer.lines.length === 0) early += 1;
    for (const line of writer.lines) {
      const [, index, text] = /^ack ([0-9]+) (.*)$/.exec(line) ?? [];
      if (index !== undefined && text !== undefined) acknowledged.push({ index: Number(index), text });
    }
    const checkpoint = openCheckpoint(readFileSync(join(made.folder, "checkpoint"), "utf8"), vkey);
    entries = [];
    for await (const { bytes } of readEntries(fileSource(made.folder), checkpoint.size)) entries.push(bytes);
    if (!rootOf(entries.map(leafHash)).equals(checkpoint.root))
      throw new Error(`kill ${kill}: the log does not verify`);
    const lost = acknowledged.find(({ index, text }) => entries[index]?.toString() !== text);
    if (lost !== undefined) throw new Error(`kill ${kill}: entry ${lost.index} was acknowledged and is lost`);
    if (kill % 25 === 0) say(`${kill} kills, ${acknowledged.length} acknowledged, none lost`);
  }
  return { kills, early, acknowledged: acknowledged.length, entries: entries.length };
}
