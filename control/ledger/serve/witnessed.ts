/** The witnesses of a ledger's configuration, and the file with the newest checkpoint that enough of them cosigned. */
import { join } from "node:path";
import { type FileOps, nodeFiles } from "../log/fileops.js";
import type { Log } from "../log.js";
import { readPolicy } from "../policy.js";
import { COSIGNED } from "../tlog/file-source.js";
import { keepWitnessed, Witnesses } from "../witnessing.js";

/** A checkpoint is some milliseconds old when it is cosigned; witnesses on the internet serve many logs. */
const INTERVAL_MS = 5_000;

/**
 * Beside the log's own checkpoint, not in it: under load that one has changed before the witnesses have answered.
 * @returns what ends it
 */
export function startWitnessed(
  { folder, log, policyFile, say }: { folder: string; log: Log; policyFile: string; say: (sentence: string) => void },
  files: FileOps = nodeFiles,
  intervalMs = INTERVAL_MS,
): () => Promise<void> {
  const path = join(folder, COSIGNED);
  const place = async (checkpoint: string): Promise<void> => {
    const temporary = `${path}.new`;
    await files.remove(temporary);
    await files.create(temporary, Buffer.from(checkpoint));
    await files.rename(temporary, path);
    await files.syncFolder(folder);
  };
  return keepWitnessed(new Witnesses(log, readPolicy(policyFile)), { intervalMs, place, say });
}
