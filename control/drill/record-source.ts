/** Where records are read: from the ledger, with proofs, or from the gateways' own audit logs, which prove nothing. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { classify } from "../ledger/chain/lines.js";
import type { TileSource } from "../ledger/log.js";
import type { Checkpoint } from "../ledger/tlog/checkpoint.js";
import type { Vkey } from "../ledger/tlog/note.js";
import { inclusionProof, verifyInclusion } from "../ledger/tlog/proof.js";
import { leafHash } from "../ledger/tlog/tree.js";
import { type Entered, Records } from "./records.js";
import { Stretch } from "./stretch.js";

export interface Proof {
  readonly leaf: Buffer;
  readonly hashes: readonly Buffer[];
}

export interface RecordSource {
  readonly records: Records;
  /** Of a ledger: its name. */
  readonly origin?: string;
  /** Takes in what came since. */
  poll(): Promise<void>;
  /** Undefined where nothing is proved. */
  seal(): Promise<Sealed | undefined>;
}

export interface Sealed {
  readonly checkpoint: Checkpoint;
  /** How many entries there were before the drill. */
  readonly before: number;
  prove(entered: Entered): Promise<Proof | undefined>;
}

/** From where the ledger stands now. @throws UserError where it does not verify */
export async function followLedger(log: TileSource, key: Vkey): Promise<RecordSource> {
  const records = new Records();
  const stretch = await Stretch.from(log, key);
  const poll = (): Promise<Checkpoint> =>
    stretch.read(({ index, bytes, head, body }) => {
      if (head?.type !== "record") return;
      const line = classify(body);
      const entered = { entry: index, bytes: Buffer.from(bytes), received: Date.parse(head.received) };
      if (line.type === "record") records.add(line.record, entered);
    });
  return {
    records,
    origin: key.name,
    poll: async () => void (await poll()),
    seal: async () => {
      const checkpoint = await poll();
      stretch.mustGoOn();
      return {
        checkpoint,
        before: stretch.began,
        prove: async ({ entry, bytes }) => {
          const hashes = await inclusionProof(log, entry, checkpoint.size);
          const leaf = leafHash(bytes);
          return verifyInclusion(leaf, entry, checkpoint.size, checkpoint.root, hashes) ? { leaf, hashes } : undefined;
        },
      };
    },
  };
}

/** Enough for what a drill makes. */
const MAX_READ_BYTES = 64 * 1024 * 1024;

/** A file that others write to, from its present end on. */
class Tail {
  private offset: number;
  private rest = Buffer.alloc(0);

  constructor(private readonly path: string) {
    this.offset = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Whole lines that came since. */
  take(): Buffer[] {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.offset) this.offset = 0; // It was rotated.
    const length = Math.min(size - this.offset, MAX_READ_BYTES);
    if (length <= 0) return [];
    const chunk = Buffer.alloc(length);
    const descriptor = openSync(this.path, "r");
    try {
      const read = readSync(descriptor, chunk, 0, length, this.offset);
      this.offset += read;
      this.rest = Buffer.concat([this.rest, chunk.subarray(0, read)]);
    } finally {
      closeSync(descriptor);
    }
    const lines: Buffer[] = [];
    for (let end = this.rest.indexOf(0x0a); end >= 0; end = this.rest.indexOf(0x0a)) {
      lines.push(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(end + 1);
    }
    return lines;
  }
}

/** @param paths of audit logs on this machine */
export function followFiles(paths: readonly string[]): RecordSource {
  const records = new Records();
  const tails = [...new Set(paths)].map((path) => new Tail(path));
  const poll = async (): Promise<void> => {
    for (const line of tails.flatMap((tail) => tail.take())) {
      const read = classify(line);
      if (read.type === "record") records.add(read.record);
    }
  };
  return { records, poll, seal: async () => undefined };
}
