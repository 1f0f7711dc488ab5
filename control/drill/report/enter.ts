/** The signature of a report on its way into the ledger, and the proof that it is there. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../base/errors.js";
import { readDecoded } from "../../ledger/audit/reader.js";
import { openSigned } from "../../ledger/audit/signed.js";
import { DRILL, type HandedIn, handIn, sendClosing } from "../../ledger/closing.js";
import type { TileSource } from "../../ledger/log.js";
import type { OpenedLedger } from "../../ledger/serve/open.js";
import type { Checkpoint } from "../../ledger/tlog/checkpoint.js";
import type { Vkey } from "../../ledger/tlog/note.js";
import { inclusionProof, verifyInclusion } from "../../ledger/tlog/proof.js";
import { leafHash } from "../../ledger/tlog/tree.js";

/** Into a ledger that is served. */
export const sendDrill = (url: string, token: string): Promise<HandedIn> => sendClosing(url, token, DRILL);

/** Into a folder that is open here. */
export const handInDrill = ({ log, ledger }: OpenedLedger, token: string): Promise<HandedIn> =>
  handIn(log, (received) => ledger.take(received), token, DRILL);

/** A ledger signs what it has taken in at once; a copy of it may come later. */
const SIGNED_MS = 30_000;
const PAUSE_MS = 250;

/** Why that entry is not proved to be the signature under that checkpoint. */
async function faultOfEntry(
  log: TileSource,
  { size, root }: Checkpoint,
  index: number,
  token: string,
): Promise<string | undefined> {
  for await (const { bytes, head, body } of readDecoded(log, size, index, index + 1)) {
    if (head?.type !== "drill" || body.toString("latin1") !== token) return `entry ${index} is something else`;
    const proof = await inclusionProof(log, index, size);
    return verifyInclusion(leafHash(bytes), index, size, root, proof)
      ? undefined
      : `entry ${index} is not in the tree that it signed`;
  }
  return `there is no entry ${index}`;
}

/**
 * Whoever answers that he entered it may not have done so. @returns the checkpoint under which it is there
 * @throws UserError where it is not, with exit code 1
 */
export async function provenEntry(
  log: TileSource,
  key: Vkey,
  index: number,
  token: string,
  forMs = SIGNED_MS,
): Promise<Checkpoint> {
  let checkpoint = await openSigned(log, key);
  for (
    const deadline = performance.now() + forMs;
    checkpoint.size <= index && performance.now() < deadline;
    await sleep(PAUSE_MS)
  )
    checkpoint = await openSigned(log, key);
  const fault =
    checkpoint.size <= index
      ? `it has signed ${checkpoint.size} entries, and that would be the one behind ${index}`
      : await faultOfEntry(log, checkpoint, index, token);
  if (fault === undefined) return checkpoint;
  throw new UserError(`The ledger says that the signature is entry ${index}, and does not prove it: ${fault}.`, {
    exitCode: 1,
    hint: "Run it again later; where it stays so, `glassgate ledger verify` with a checkpoint that you kept says more.",
  });
}
