/** Where a closing signature is handed in: at the ledger that is served, or in the folder that nobody writes to. */
import { join } from "node:path";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { isUrl } from "../ledger/audit/source.js";
import { readLedgerConfig } from "../ledger/config.js";
import { liveHolderOf } from "../ledger/log/lock.js";
import { isHere } from "../ledger/log/process.js";
import { SERVES } from "./ledger-serve.js";

/** An address that says its port itself, without a certificate that is for some other name. */
function addressOf(folder: string): string | undefined {
  const { listen } = readLedgerConfig(join(folder, "ledger.yaml"));
  return listen === undefined || listen.tls !== undefined || listen.address.endsWith(":0") ? undefined : listen.address;
}

export interface DoorWords {
  readonly untouched: string;
  readonly served: string;
}
const REVIEW_WORDS: DoorWords = {
  untouched: "Nothing was signed.",
  served:
    "Name the address where it listens in place of the folder, with --token-file and --anchors; or end that process first. docs/review.md shows both.",
};

/**
 * Looked at before a person is asked for anything: whoever has written findings and typed a passphrase must not hear only then that
 * another process has the folder.
 *
 * @param where a folder, or an address
 * @param said what was not done yet, and what to name where the folder of a ledger that is served does not say its address
 * @returns the address to send it to, or undefined where the folder is to be written
 */
export async function doorOf(where: string, said: DoorWords = REVIEW_WORDS): Promise<string | undefined> {
  if (isUrl(where)) return where;
  const holder = await liveHolderOf(join(where, "lock"));
  if (holder === undefined) return undefined;
  const address = isHere(holder) && holder.name === SERVES ? addressOf(where) : undefined;
  if (address !== undefined) return `http://${address}`;
  throw new UserError(
    `"${visible(holder.name)}" writes to this ledger: process ${holder.pid} on ${visible(holder.host)}. ${said.untouched}`,
    {
      hint: holder.name === SERVES ? said.served : "End that process first, then run this again.",
      exitCode: 1,
    },
  );
}
