/** What a ledger's folder holds, entry by entry, under the checkpoint that its key signed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { decodeFinding, type Finding } from "../../control/ledger/chain/finding.js";
import { decodeEntry } from "../../control/ledger/entry.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource, readEntries } from "../../control/ledger/tlog/read.js";
import type { LedgerFolder } from "../../test/ledger/whole.js";
import type { Faults } from "./faults.js";
import { digestOf, isLineType, Lines } from "./lines.js";

export interface LedgerFiles {
  readonly size: number;
  readonly lines: Lines;
  /** Lines that stand in it twice. */
  readonly twice: number;
  readonly quarantined: number;
  readonly alarms: readonly Finding[];
  /** By VM, each `seq` whose record is there. */
  readonly chains: ReadonlyMap<string, ReadonlySet<number>>;
  /** Of the requests that have a record. */
  readonly paths: ReadonlySet<string>;
}

const recordSchema = z.looseObject({
  vm: z.string(),
  seq: z.number(),
  path: z.string().optional(),
  ts: z.string(),
});

/** @param onRecord told of each, with the milliseconds from the decision to the ledger */
export async function readLedgerFiles(
  { folder, vkey }: LedgerFolder,
  onRecord: (ms: number) => void = () => {},
): Promise<LedgerFiles> {
  const { size } = openCheckpoint(readFileSync(join(folder, "checkpoint"), "utf8"), parseVkey(vkey));
  const lines = new Lines();
  const alarms: Finding[] = [];
  const chains = new Map<string, Set<number>>();
  const paths = new Set<string>();
  /** It comes with the request for a receipt, and by the file: each sender has a memory of his own for it. */
  const evidence = new Set<string>();
  let twice = 0;
  let quarantined = 0;
  for await (const { index, bytes } of readEntries(fileSource(folder), size)) {
    const entry = decodeEntry(bytes);
    if (entry === undefined) throw new Error(`entry ${index} is none that a ledger writes`);
    const { type, sender } = entry.head;
    if (isLineType(type)) {
      const digest = digestOf(entry.body);
      const isNew = lines.add(type, digest, index);
      const own = `${sender} ${digest}`;
      if (type === "evidence" ? evidence.has(own) : !isNew) twice += 1;
      if (type === "evidence") evidence.add(own);
    }
    if (type === "quarantine") quarantined += 1;
    if (type === "record") {
      const { vm, seq, path, ts } = recordSchema.parse(JSON.parse(entry.body.toString("latin1")));
      onRecord(Date.parse(entry.head.received) - Date.parse(ts));
      chains.set(vm, (chains.get(vm) ?? new Set()).add(seq));
      if (path !== undefined) paths.add(path);
    }
    const alarm = type === "alarm" ? decodeFinding(entry.body) : undefined;
    if (alarm !== undefined) alarms.push(alarm);
  }
  return { size, lines, twice, quarantined, alarms, chains, paths };
}

/** How often each code stands in it, those that a sum stands for counted. */
export function alarmCounts(alarms: readonly Finding[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { code, count = 1 } of alarms) counts.set(code, (counts.get(code) ?? 0) + count);
  return Object.fromEntries(counts);
}

/** What is missing between the first `seq` and the last one that is there. */
export const holesIn = (seqs: ReadonlySet<number>): number[] => {
  const top = [...seqs].reduce((most, seq) => Math.max(most, seq), 0);
  return Array.from({ length: top }, (_, i) => i + 1).filter((seq) => !seqs.has(seq));
};

/** Nothing twice, nothing that is none of a gateway's, no record missing, and no alarm but those that such a load brings about. */
export function checkWhole(ledger: LedgerFiles, usual: ReadonlySet<string>, faults: Faults): void {
  faults.noteIf(ledger.twice > 0, "lines stand in the ledger twice", `${ledger.twice}`);
  faults.noteIf(ledger.quarantined > 0, "lines are in quarantine", `${ledger.quarantined}`);
  for (const [vm, seqs] of ledger.chains) {
    const holes = holesIn(seqs).length;
    faults.noteIf(holes > 0, "records of a VM are missing", `${holes} of ${vm}`);
  }
  for (const { code, says } of ledger.alarms) faults.noteIf(!usual.has(code), `alarm ${code}`, says);
}
