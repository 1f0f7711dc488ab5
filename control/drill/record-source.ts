/** Where records are read: from the ledger, with proofs, or from the gateways' own audit logs, which prove nothing. */
import { UserError } from "../base/errors.js";
import { readDecoded } from "../ledger/audit/reader.js";
import { openSigned } from "../ledger/audit/signed.js";
import { decodeFinding } from "../ledger/chain/finding.js";
import { classify } from "../ledger/chain/lines.js";
import { faultOfShown } from "../ledger/closing.js";
import { Tail } from "../ledger/follow/tail.js";
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
  /** Nothing more is polled; what was taken in stays. */
  close(): Promise<void>;
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
      if (head?.type === "alarm") {
        const { code, about = [], says = "" } = decodeFinding(body) ?? {};
        if (code === "first_use")
          records.addFirstUse(about, { entry: index, received: Date.parse(head.received), says });
      }
      if (head?.type !== "record") continue;
      const line = classify(body);
      const entered = { entry: index, bytes: Buffer.from(bytes), received: Date.parse(head.received) };
      if (line.type === "record") records.add(line.record, entered);
    }
  };
  return {
    records,
    poll: async () => take(await openSigned(log, key)),
    close: async () => {},
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
