/** `glassgate ledger status`: what a ledger holds, who writes to it, and whether it is what its key signed last. */
import { join } from "node:path";
import type { Command } from "commander";
import { visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { readLedgerConfig } from "../ledger/config.js";
import { faultOf, type LogStatus, readLogStatus } from "../ledger/log/status.js";
import { makeVkey, parseVkey } from "../ledger/tlog/note.js";
import { readKeyFile } from "../signer/keyfile.js";
import { examples, jsonOption } from "./context.js";
import { resultJson, resultRows, say, warn } from "./output.js";

const KIB = 1024;

/** `12 KiB`, `3.4 MiB`. */
const showBytes = (bytes: number): string =>
  bytes < KIB * KIB ? `${Math.ceil(bytes / KIB)} KiB` : `${(bytes / KIB / KIB).toFixed(1)} MiB`;

function holderRow({ holder, isHolderGone }: LogStatus): string {
  if (holder === undefined) return "nobody";
  const since = Date.parse(holder.since);
  const when = Number.isNaN(since) ? visible(holder.since) : showTime(Math.floor(since / 1000));
  const who = `"${visible(holder.name)}", process ${holder.pid} on ${visible(holder.host)}, since ${when}`;
  return isHolderGone ? `nobody; ${who}, has ended without a word` : who;
}

async function status(folder: string, options: { json?: boolean }): Promise<void> {
  const config = readLedgerConfig(join(folder, "ledger.yaml"));
  const key = readKeyFile(config.key).public;
  const vkey = makeVkey(config.origin, Buffer.from(key.x, "base64url"));
  const found = await readLogStatus(folder, parseVkey(vkey), `${config.key}.signed`);
  const { checkpoint, publishedAt, signed, holder, isHolderGone, disk } = found;
  const root = checkpoint.root.toString("base64");
  const fault = faultOf(found);
  if (options.json === true) {
    resultJson({
      origin: checkpoint.origin,
      vkey,
      size: checkpoint.size,
      root,
      published: publishedAt.toISOString(),
      key: { file: config.key, kid: key.kid },
      signed: { size: signed.size, root: signed.root.toString("base64") },
      writer: holder === undefined || isHolderGone ? null : { ...holder },
      disk,
      fault: fault ?? null,
    });
  } else {
    resultRows([
      `ledger      ${visible(checkpoint.origin)}`,
      `entries     ${checkpoint.size}`,
      `root        ${root}`,
      `published   ${showTime(Math.floor(publishedAt.getTime() / 1000))}`,
      `writer      ${holderRow(found)}`,
      `on disk     ${showBytes(disk.bytes)} in ${disk.files} files`,
      `key         ${visible(config.key)}`,
      `signed      ${signed.size} entries`,
      `verifier    ${vkey}`,
    ]);
  }
  if (fault === undefined) return;
  warn(`${fault}.`);
  say("Next: bring back the newer copy. Nothing is signed until then.");
  process.exitCode = 1;
}

export function addLedgerStatus(ledger: Command): void {
  const command = ledger
    .command("status")
    .description("show what a ledger holds, who writes to it, and its verifier key")
    .argument("<dir>", "the ledger's folder")
    .addOption(jsonOption())
    .action(status);
  examples(command, ["glassgate ledger status ledger", "glassgate ledger status ledger --json"]);
}
