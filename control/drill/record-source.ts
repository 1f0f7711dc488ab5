/** Where records are read: from the ledger, with proofs, or from the gateways' own audit logs, which prove nothing. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { UserError } from "../base/errors.js";
import { readDecoded } from "../ledger/audit/reader.js";
import { openSigned } from "../ledger/audit/verify.js";
import { classify } from "../ledger/chain/lines.js";
import { faultOfShown } from "../ledger/closing.js";
import type { TileSource } from "../ledger/log.js";
import type { Checkpoint } from "../ledger/tlog/checkpoint.js";
import type { Vkey } from "../ledger/tlog/note.js";
import { inclusionProof, verifyInclusion } from "../ledger/tlog/proof.js";
import { leafHash } from "../ledger/tlog/tree.js";
import { recordLinesIn } from "./kong-log.js";
import { type Entered, Records } from "./records.js";

export interface Proof {
  readonly leaf: Buffer;
  readonly hashes: readonly Buffer[];
}

export interface RecordSource {
  readonly records: Records;
  /** Takes in what came since. */
  poll(): Promise<void>;
  /** Undefined where nothing is proved. */
  seal(): Promise<Sealed | undefined>;
}

export interface Sealed {
  readonly checkpoint: Checkpoint;
  prove(entered: Entered): Promise<Proof | undefined>;
}

/** From where the ledger stands now. @throws UserError where it does not verify */
export async function followLedger(log: TileSource, key: Vkey): Promise<RecordSource> {
  const records = new Records();
  const began = await openSigned(log, key);
  let size = began.size;
  const take = async (checkpoint: Checkpoint): Promise<void> => {
    for await (const { index, bytes, head, body } of readDecoded(log, checkpoint.size, size, checkpoint.size)) {
      size = index + 1;
      if (head?.type !== "record") continue;
      const line = classify(body);
      const entered = { entry: index, bytes: Buffer.from(bytes), received: Date.parse(head.received) };
      if (line.type === "record") records.add(line.record, entered);
    }
  };
  return {
    records,
    poll: async () => take(await openSigned(log, key)),
    seal: async () => {
      const checkpoint = await openSigned(log, key);
      await take(checkpoint);
      const before = { size: began.size, root: began.root.toString("hex") };
      const fault = await faultOfShown(log, before, checkpoint);
      if (fault !== undefined)
        throw new UserError(`The ledger was rewritten while the drill ran: ${fault}`, {
          exitCode: 1,
          hint: "`glassgate ledger verify` names the place. Keep the checkpoint that you have.",
        });
      return {
        checkpoint,
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
    for (const line of tails.flatMap((tail) => tail.take()).flatMap(recordLinesIn)) {
      const read = classify(line);
      if (read.type === "record") records.add(read.record);
    }
  };
  return { records, poll, seal: async () => undefined };
}
