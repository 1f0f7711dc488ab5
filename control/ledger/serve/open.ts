/** A ledger's folder opened to write: its log, and what its lines mean, under its configuration. */
import { join } from "node:path";
import { readAnchors } from "../../trust/anchors.js";
import type { Finding } from "../chain/finding.js";
import { type Ledger, openLedger } from "../chain/ledger.js";
import type { StateStore } from "../chain/snapshot.js";
import type { LedgerConfig } from "../config.js";
import { nodeFiles } from "../log/fileops.js";
import { openFilesLog } from "../log/files.js";
import type { LogSigner } from "../log/key.js";
import type { Log } from "../log.js";
import { readEntries } from "../tlog/read.js";

/** Positions of logs that are followed, and a cache of what the entries mean: no evidence. */
export const stateFolder = (folder: string): string => join(folder, "state");

const MAX_SNAPSHOT_BYTES = 1024 * 1024 * 1024;

function snapshotsIn(folder: string): StateStore {
  const path = join(stateFolder(folder), "chains");
  return {
    read: () => nodeFiles.read(path, MAX_SNAPSHOT_BYTES),
    async write(bytes) {
      await nodeFiles.makeFolder(stateFolder(folder));
      const temporary = `${path}.new`;
      await nodeFiles.remove(temporary);
      await nodeFiles.create(temporary, bytes);
      await nodeFiles.rename(temporary, path);
      await nodeFiles.syncFolder(stateFolder(folder));
    },
  };
}

export interface OpenedLedger {
  readonly log: Log;
  readonly ledger: Ledger;
  readonly signer: LogSigner;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly folder: string;
  readonly config: LedgerConfig;
  readonly signer: LogSigner;
  /** What writes, as others hear it who find the lock. */
  readonly holder: string;
  readonly clock: () => number;
  /** An alarm that is durable. */
  readonly onAlarm: (alarm: Finding) => void;
}

/** @throws UserError where another process writes, or the log is not what its key has signed */
export async function openLedgerFolder(options: OpenOptions): Promise<OpenedLedger> {
  const { folder, config, signer, holder, clock, onAlarm } = options;
  const anchors = config.anchors.map(readAnchors);
  const log = await openFilesLog({ folder, signer, signedPath: `${config.key}.signed`, holder });
  try {
    const gateways = config.gateways.map(({ id }) => id);
    const senders = Object.fromEntries(config.senders.map(({ name, speaks_for }) => [name, speaks_for]));
    const beating = config.gateways.filter(({ admin }) => admin !== undefined).map(({ id }) => id);
    const ledger = await openLedger({
      log,
      entries: (from, to) => readEntries(log, log.size, from, to),
      // The unix socket is for the gateways of this machine.
      pins: { anchors, senders: { ...senders, local: gateways }, gateways: beating },
      grace: { gap: config.grace, silence: config.silence },
      clock,
      onAlarm,
      snapshots: snapshotsIn(folder),
    });
    const close = async (): Promise<void> => {
      await ledger.close();
      await log.close();
    };
    return { log, ledger, signer, close };
  } catch (error) {
    await log.close();
    throw error;
  }
}
