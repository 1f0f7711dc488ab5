/** A ledger's folder opened to write: its log, and what its lines mean, under its configuration. */
import { join } from "node:path";
import { reasonOf } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { type Anchors, readAnchors } from "../../trust/anchors.js";
import type { Dispatcher } from "../alarm/dispatcher.js";
import { Latency } from "../alarm/latency.js";
import type { Alarm } from "../chain/finding.js";
import { type EntryReader, type Ledger, openLedger } from "../chain/ledger.js";
import type { Pins } from "../chain/rules.js";
import type { StateStore } from "../chain/snapshot.js";
import type { LedgerConfig } from "../config.js";
import { nodeFiles } from "../log/fileops.js";
import { openFilesLog } from "../log/files.js";
import type { LogSigner } from "../log/key.js";
import { mustNotBeTesseras, openTesseraFolder } from "../log/tessera-folder.js";
import type { Log } from "../log.js";
import { readEntries } from "../tlog/read.js";
import { openAlarms } from "./alarms.js";
import { StandingFile } from "./standing.js";
import { startWitnessed } from "./witnessed.js";

/** Positions of logs that are followed, and a cache of what the entries mean: no evidence. */
export const stateFolder = (folder: string): string => join(folder, "state");

const MAX_SNAPSHOT_BYTES = 1024 * 1024 * 1024;

/** Only a cache: what is wrong with it costs a start its time, and ends nothing. */
function snapshotsIn(folder: string, say: (sentence: string) => void): StateStore {
  const path = join(stateFolder(folder), "chains");
  const tell = (what: string, error: unknown): void =>
    say(
      `${visible(path)} cannot be ${what}: ${reasonOf(error)}. It is a cache: without it each start reads the whole log.`,
    );
  return {
    async read() {
      try {
        return await nodeFiles.read(path, MAX_SNAPSHOT_BYTES);
      } catch (error) {
        tell("read", error);
        return undefined;
      }
    },
    async write(bytes) {
      try {
        await nodeFiles.makeFolder(stateFolder(folder));
        const temporary = `${path}.new`;
        await nodeFiles.remove(temporary);
        await nodeFiles.create(temporary, bytes);
        await nodeFiles.rename(temporary, path);
        await nodeFiles.syncFolder(stateFolder(folder));
      } catch (error) {
        tell("written", error);
      }
    },
  };
}

export interface OpenedLedger {
  readonly log: Log;
  readonly ledger: Ledger;
  readonly signer: LogSigner;
  readonly dispatcher: Dispatcher;
  /** Of its commits. */
  readonly latency: Latency;
  /** Writes down for others how its gateways stand. */
  noteStanding(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly folder: string;
  readonly config: LedgerConfig;
  readonly signer: LogSigner;
  /** What writes, as others hear it who find the lock. */
  readonly holder: string;
  readonly clock: () => number;
  /** An alarm that is durable, besides those that the configuration names. */
  readonly onAlarm: (alarm: Alarm) => void;
  /** A sentence for the person. */
  readonly say: (sentence: string) => void;
}

/** What its configuration has a ledger judge by. */
export function pinsOf(config: LedgerConfig, anchors: readonly Anchors[]): Pins {
  const gateways = config.gateways.map(({ id }) => id);
  const senders = Object.fromEntries(config.senders.map(({ name, speaks_for }) => [name, speaks_for]));
  const beating = config.gateways.filter(({ admin }) => admin !== undefined).map(({ id }) => id);
  // The unix socket is for the gateways of this machine.
  return { anchors, senders: { ...senders, local: gateways }, gateways: beating };
}

interface OpenedLog {
  readonly log: Log;
  readonly entries: EntryReader;
}

/** In the folder, or where a Tessera writes it: whose entries are durable before a checkpoint says where to read them. */
async function openLog({ folder, config, signer, holder }: OpenOptions): Promise<OpenedLog> {
  const { tessera } = config;
  const signedPath = `${config.key}.signed`;
  if (tessera === undefined) {
    mustNotBeTesseras(folder);
    const log = await openFilesLog({ folder, signer, signedPath, holder });
    return { log, entries: (from, to) => readEntries(log, log.size, from, to) };
  }
  const log = await openTesseraFolder({ folder, tessera, signer, signedPath, holder });
  return {
    log,
    async *entries(from, to) {
      yield* readEntries(log, await log.covered(to), from, to);
    },
  };
}

/** @throws UserError where another process writes, or the log is not what its key has signed */
export async function openLedgerFolder(options: OpenOptions): Promise<OpenedLedger> {
  const { folder, config, signer, clock, onAlarm, say } = options;
  const anchors = config.anchors.map(readAnchors);
  const { dispatcher, resend } = openAlarms(config, stateFolder(folder), say);
  const { log, entries } = await openLog(options);
  try {
    await resend(entries, log.size);
    const latency = new Latency();
    const ledger = await openLedger({
      log,
      entries,
      pins: pinsOf(config, anchors),
      grace: { gap: config.grace, silence: config.silence, review: config.review_due },
      clock,
      steady: () => performance.now(),
      onAlarm: (alarm) => {
        dispatcher.send(alarm);
        onAlarm(alarm);
      },
      onDurable: (seconds) => latency.took(seconds),
      snapshots: snapshotsIn(folder, say),
      mayTear: config.tessera !== undefined,
    });
    const policyFile = config.witnesses;
    const unwitnessed = policyFile === undefined ? undefined : startWitnessed({ folder, log, policyFile, say });
    const standing = new StandingFile(stateFolder(folder));
    const noteStanding = (): Promise<void> => standing.note(ledger.status(), clock());
    await noteStanding();
    const close = async (): Promise<void> => {
      await unwitnessed?.();
      await noteStanding();
      try {
        await ledger.close();
        await dispatcher.stop();
      } finally {
        await log.close();
      }
    };
    return { log, ledger, signer, dispatcher, latency, noteStanding, close };
  } catch (error) {
    await log.close();
    throw error;
  }
}
