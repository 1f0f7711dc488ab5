/** That a ledger's folder on this machine gets the records of a drill: without them nearly all of it would fail, and name another cause. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.js";
import { shellWord, visible } from "../base/text.js";
import { readLedgerConfig } from "../ledger/config.js";
import { liveHolderOf } from "../ledger/log/lock.js";
import type { Prepared } from "./prepare.js";

/** Somebody writes to it now, and takes in what each gateway records. @throws UserError */
export async function mustBeFollowed({ source, gateways }: Prepared, folder: string): Promise<void> {
  const file = join(folder, "ledger.yaml");
  if (!existsSync(file)) return; // A copy, which somebody fills elsewhere.
  if ((await liveHolderOf(join(folder, "lock"))) === undefined)
    throw new UserError(
      `${visible(source.name)}: nobody serves or follows the ledger ${visible(folder)} now, so it would get no record of this drill. Nothing was sent.`,
      { hint: `Start it: glassgate ledger serve ${shellWord(folder)}` },
    );
  const { gateways: followed, senders } = readLedgerConfig(file);
  const known = new Set([
    ...followed.map(({ id }) => id),
    ...senders.flatMap(({ name, speaks_for: others }) => [name, ...others]),
  ]);
  const missing = gateways.filter(({ id }) => !known.has(id)).map(({ id }) => visible(id));
  if (missing.length === 0) return;
  throw new UserError(
    `${visible(source.name)}: the ledger gets no records of ${missing.join(", ")}, which ${visible(file)} names neither in \`gateways\` nor in the \`speaks_for\` of a sender. Nothing was sent.`,
    { hint: "Put it there, with its `audit` log, and start the ledger anew." },
  );
}
