/** Where records are read: from the ledger, with proofs, or from the gateways' own audit logs, which prove nothing. */
import { decodeFinding } from "../ledger/chain/finding.js";
import { classify } from "../ledger/chain/lines.js";
import { Tail } from "../ledger/follow/tail.js";
import type { TileSource } from "../ledger/log.js";
import type { Checkpoint } from "../ledger/tlog/checkpoint.js";
import type { Vkey } from "../ledger/tlog/note.js";
import { inclusionProof, verifyInclusion } from "../ledger/tlog/proof.js";
import { leafHash } from "../ledger/tlog/tree.js";
import { recordLinesIn } from "./kong-log.js";
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
  /** Nothing more is polled; what was taken in stays. */
  close(): Promise<void>;
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
      if (head?.type === "alarm") {
        const { code, about = [], says = "" } = decodeFinding(body) ?? {};
        if (code === "first_use")
          records.addFirstUse(about, { entry: index, received: Date.parse(head.received), says });
      }
      if (head?.type !== "record") return;
      const line = classify(body);
      const entered = { entry: index, bytes: Buffer.from(bytes), received: Date.parse(head.received) };
      if (line.type === "record") records.add(line.record, entered);
    });
  return {
    records,
    origin: key.name,
    poll: async () => void (await poll()),
    close: async () => {},
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

/**
 * From their present ends on, whatever rotates them meanwhile.
 * @param paths of audit logs on this machine @param say a sentence for the person: what is lost, or cannot be read
 */
export async function followFiles(paths: readonly string[], say: (sentence: string) => void): Promise<RecordSource> {
  const records = new Records();
  const tails = [...new Set(paths)].map(
    (path) => new Tail({ log: { path, format: "plain", mixed: false }, positionFile: undefined, say }),
  );
  const drain = async (tail: Tail): Promise<void> => {
    let lines: readonly Buffer[];
    do {
      lines = await tail.next();
      for (const line of lines.flatMap(recordLinesIn)) {
        const read = classify(line);
        if (read.type === "record") records.add(read.record);
      }
      tail.taken();
    } while (lines.length > 0 || tail.isBehind);
  };
  const poll = async (): Promise<void> => void (await Promise.all(tails.map(drain)));
  await poll();
  const close = async (): Promise<void> => void (await Promise.all(tails.map((tail) => tail.close())));
  return { records, poll, seal: async () => undefined, close };
}
