/** Clients that append to a log and wait for each acknowledgement: the same ones for every log that is measured. */
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { quantile } from "../base/statistics.js";

/** What is appended to. An acknowledged entry is durable, and has the index that was answered. */
export interface Target {
  readonly name: string;
  append(entries: readonly Buffer[]): Promise<readonly number[]>;
}

export interface Load {
  readonly clients: number;
  /** Entries in each call. */
  readonly batch: number;
  readonly seconds: number;
}

export interface Appends {
  readonly target: string;
  readonly load: Load;
  readonly entries: number;
  readonly perSecond: number;
  /** Milliseconds from the call to its acknowledgement. */
  readonly p50: number;
  readonly p99: number;
}

export interface Measured extends Appends {
  /** On the disk, and the files that hold it. */
  readonly bytes: number;
  readonly files: number;
}

/** As long as an audit record is, and never twice the same. */
const ENTRY_BYTES = 600;
const filling = randomBytes(ENTRY_BYTES).toString("base64").slice(0, ENTRY_BYTES);
let made = 0;

function entry(): Buffer {
  made += 1;
  const text = `{"ledger":1,"type":"record"}\n{"v":1,"seq":${made},"filling":"${filling}`;
  return Buffer.from(`${text.slice(0, ENTRY_BYTES - 2)}"}`);
}

/** @throws where an index was given twice: what was measured then is no log */
export async function measureAppends(target: Target, load: Load): Promise<Appends> {
  const taken = new Set<number>();
  const waits: number[] = [];
  const begin = performance.now();
  const end = begin + load.seconds * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const entries = Array.from({ length: load.batch }, entry);
      const before = performance.now();
      const indices = await target.append(entries);
      waits.push(performance.now() - before);
      if (indices.length !== entries.length) throw new Error(`${target.name} gave ${indices.length} indices`);
      for (const index of indices) {
        if (taken.has(index)) throw new Error(`${target.name} gave the index ${index} twice`);
        taken.add(index);
      }
    }
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  const seconds = (performance.now() - begin) / 1000;
  return {
    target: target.name,
    load,
    entries: taken.size,
    perSecond: taken.size / seconds,
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
  };
}

/** Bytes that the folder's files hold on the disk, by blocks, as a partial tile is smaller than one. */
export function bytesOnDisk(folder: string): { bytes: number; files: number } {
  let [bytes, files] = [0, 0];
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    bytes += statSync(join(item.parentPath, item.name)).blocks * 512;
    files += 1;
  }
  return { bytes, files };
}
