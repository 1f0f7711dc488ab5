/** A ledger's folder and its log's key, opened to write. */
import { join } from "node:path";
import { releaseTerminal } from "../base/terminal.js";
import { visible } from "../base/text.js";
import type { Alarm } from "../ledger/chain/finding.js";
import { type LedgerConfig, readLedgerConfig } from "../ledger/config.js";
import { openLogSigner } from "../ledger/log/key.js";
import { mustBeFree } from "../ledger/log/lock.js";
import { type OpenedLedger, openLedgerFolder } from "../ledger/serve/open.js";
import { readKeyFile } from "../signer/keyfile.js";
import { openKeyFile } from "./context.js";
import { say } from "./output.js";

export interface OpenedFolder {
  readonly config: LedgerConfig;
  readonly opened: OpenedLedger;
}

/**
 * What keeps it from being opened is said before anybody is asked for a passphrase.
 * @param holder what writes, as others hear it who find the lock
 * @param check throws where the configuration is none for that
 */
export async function openToWrite(
  folder: string,
  holder: string,
  passphraseFd: number | undefined,
  onAlarm: (alarm: Alarm) => void,
  check: (config: LedgerConfig) => Promise<void> = async () => {},
): Promise<OpenedFolder> {
  const config = readLedgerConfig(join(folder, "ledger.yaml"));
  await mustBeFree(join(folder, "lock"), [`${config.key}.signed.lock`]);
  await check(config);
  const signer = openLogSigner(await openKeyFile(readKeyFile(config.key), passphraseFd), config.origin);
  releaseTerminal(); // No question is left, and what follows may run for months.
  const tell = (sentence: string): void => say(visible(sentence));
  const opened = await openLedgerFolder({ folder, config, signer, holder, clock: Date.now, onAlarm, say: tell });
  return { config, opened };
}
