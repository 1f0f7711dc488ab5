/**
 * A ledger whose log a Tessera writes: its folder has the configuration, positions, and the newest checkpoint that it has verified. That
 * one is no cache: it is what a Tessera that goes back is found out by.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { UserError } from "../../base/errors.js";
import { readText, readTextIfThere, writeText } from "../../base/files.js";
import { visible } from "../../base/text.js";
import { openCheckpoint, parseCheckpoint } from "../tlog/checkpoint.js";
import { parseVkey, type Vkey } from "../tlog/note.js";
import type { LogSigner } from "./key.js";
import { type Lock, takeLock } from "./lock.js";
import { type CoveredLog, openTesseraLog } from "./tessera.js";
import type { KeptCheckpoint } from "./tessera-heads.js";
import { readToken } from "./tessera-http.js";

/** As `ledger.yaml` names it, its paths made whole. */
export interface TesseraConfig {
  readonly url: string;
  readonly vkey_file: string;
  readonly token_file: string;
  readonly read_token_file?: string | undefined;
}

export interface TesseraFolderOptions {
  readonly folder: string;
  readonly tessera: TesseraConfig;
  /** It signs receipts; the checkpoints are Tessera's. */
  readonly signer: LogSigner;
  /** The record of what the ledger's key signed, beside it: its lock is this key's. */
  readonly signedPath: string;
  readonly holder: string;
  readonly coverMs?: number;
}

export const keptFile = (folder: string): string => join(folder, "tessera.checkpoint");

/** Nobody writes one by hand that is longer. */
const MAX_CONFIG_BYTES = 1024 * 1024;

const ELSEWHERE =
  "Name the address of its `ledger serve`, or of the Tessera (`url` in its ledger.yaml), and the Tessera's verifier key.";

/**
 * Whether the log is elsewhere. The configuration is looked at as text: of a copy that somebody verifies it need not be one that this
 * command takes.
 */
function isElsewhere(folder: string): boolean {
  if (existsSync(keptFile(folder))) return true;
  const file = join(folder, "ledger.yaml");
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true || found.size > MAX_CONFIG_BYTES) return false;
  return /^tessera\s*:/m.test(readFileSync(file, "utf8"));
}

/** @throws where the log of this folder is not in it @param next what to do instead */
export function mustHaveLog(folder: string, next = ELSEWHERE): void {
  if (isElsewhere(folder))
    throw new UserError(`The log of ${visible(folder)} is written by a Tessera, and is not in this folder.`, {
      hint: next,
    });
}

/** @throws where the folder was a Tessera's ledger, and its configuration does not say so any more */
export function mustNotBeTesseras(folder: string): void {
  if (existsSync(keptFile(folder)))
    throw new UserError(
      `The log of ${visible(folder)} is written by a Tessera (there is a tessera.checkpoint), and its ledger.yaml names none.`,
      { hint: "Bring `tessera` back there. A log of its own begins in a new folder: `glassgate ledger init`." },
    );
}

export function readTesseraVkey({ vkey_file: file }: TesseraConfig, origin: string): Vkey {
  const vkey = parseVkey(readText(file, "Tessera's verifier key").trim());
  if (vkey.name === origin) return vkey;
  throw new UserError(`Tessera's log is ${visible(vkey.name)}, and this ledger's origin is ${visible(origin)}.`, {
    hint: "They are one log and have one name: run Tessera with a key that was made with --new-key and the ledger's origin.",
  });
}

/** The newest checkpoint that was verified here; undefined before the first. */
export function keptCheckpoint(folder: string): string | undefined {
  return readTextIfThere(keptFile(folder), "the newest checkpoint of Tessera's");
}

/** A log of its own in the folder may have been handed over to Tessera with its key: then that one's tree goes on from it. */
function ownBefore(folder: string, vkey: Vkey): string | undefined {
  const own = readTextIfThere(join(folder, "checkpoint"), "the folder's own checkpoint");
  if (own === undefined || parseCheckpoint(own).size === 0) return undefined;
  try {
    return openCheckpoint(own, vkey).text;
  } catch (error) {
    throw new UserError(`${visible(folder)} has a log of its own, which this Tessera does not go on with.`, {
      cause: error,
      hint: "Make a new folder with `glassgate ledger init`, or take the log over first (config/ledger/tessera/README.md).",
    });
  }
}

const keptIn = (folder: string, vkey: Vkey): KeptCheckpoint => ({
  read: async () => keptCheckpoint(folder) ?? ownBefore(folder, vkey),
  // Whole, and on the disk when it returns.
  write: async (text) => writeText(keptFile(folder), text, { mode: 0o644 }),
});

/** @throws where another process has the folder, the key or the log, or Tessera's tree does not go on from the one that was kept */
export async function openTesseraFolder(options: TesseraFolderOptions): Promise<CoveredLog> {
  const { folder, tessera, signer, signedPath, holder, coverMs } = options;
  const vkey = readTesseraVkey(tessera, signer.origin);
  const token = readToken(tessera.token_file);
  const readWith = tessera.read_token_file === undefined ? undefined : readToken(tessera.read_token_file);
  const locks: Lock[] = [];
  const release = async (): Promise<void> => {
    const released = await Promise.allSettled(locks.map((lock) => lock.release()));
    for (const lock of released) if (lock.status === "rejected") throw lock.reason;
  };
  try {
    const keyLock = `${signedPath}.lock`;
    locks.push(await takeLock(join(folder, "lock"), holder, [keyLock]));
    locks.push(await takeLock(keyLock, holder));
    return await openTesseraLog({
      url: tessera.url,
      vkey: vkey.text,
      token,
      ...(readWith === undefined ? {} : { readToken: readWith }),
      writer: { id: signer.kid, name: `${holder}, process ${process.pid} on ${hostname()}` },
      kept: keptIn(folder, vkey),
      onClosed: release,
      ...(coverMs === undefined ? {} : { coverMs }),
    });
  } catch (error) {
    await release().catch(() => {}); // A lock that cannot be removed is a dead process's soon; the error that counts is the first.
    throw error;
  }
}
