/** `glassgate ledger status`: what a ledger holds, who writes to it, whether it follows, and whether it is what its key signed last. */
import { join } from "node:path";
import type { Command } from "commander";
import { visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { readLedgerConfig } from "../ledger/config.js";
import type { Holder } from "../ledger/log/lock.js";
import { faultOf, type LogStatus, readLogStatus, readTesseraStatus } from "../ledger/log/status.js";
import { readTesseraVkey, type TesseraConfig } from "../ledger/log/tessera-folder.js";
import { readToken } from "../ledger/log/tessera-http.js";
import type { TileSource } from "../ledger/log.js";
import { stateFolder } from "../ledger/serve/open.js";
import { makeVkey, parseVkey } from "../ledger/tlog/note.js";
import { fileSource, httpSource } from "../ledger/tlog/read.js";
import { readKeyFile } from "../signer/keyfile.js";
import { examples, jsonOption } from "./context.js";
import { followsJson, followsRows, readFollows } from "./ledger-standing.js";
import { resultJson, resultRows, say, warn } from "./output.js";

const KIB = 1024;

/** `12 KiB`, `3.4 MiB`. */
const showBytes = (bytes: number): string =>
  bytes < KIB * KIB ? `${Math.ceil(bytes / KIB)} KiB` : `${(bytes / KIB / KIB).toFixed(1)} MiB`;

function whoOf({ name, pid, host, since }: Holder): string {
  const time = Date.parse(since);
  const when = Number.isNaN(time) ? visible(since) : showTime(Math.floor(time / 1000));
  return `"${visible(name)}", process ${pid} on ${visible(host)}, since ${when}`;
}

function holderRow({ holder, isHolderGone }: LogStatus): string {
  if (holder === undefined) return "nobody";
  return isHolderGone ? `nobody; ${whoOf(holder)}, has ended without a word` : whoOf(holder);
}

const tesseraSource = ({ url, read_token_file: file }: TesseraConfig): TileSource =>
  httpSource(url, file === undefined ? undefined : readToken(file));

async function status(folder: string, options: { json?: boolean }): Promise<void> {
  const config = readLedgerConfig(join(folder, "ledger.yaml"));
  const key = readKeyFile(config.key).public;
  const { tessera, origin } = config;
  const signedPath = `${config.key}.signed`;
  const vkey =
    tessera === undefined ? makeVkey(origin, Buffer.from(key.x, "base64url")) : readTesseraVkey(tessera, origin).text;
  const found = await (tessera === undefined ? readLogStatus : readTesseraStatus)(folder, parseVkey(vkey), signedPath);
  const { checkpoint, publishedAt, signed, holder, isHolderGone, keyHolder, disk } = found;
  const writer = isHolderGone ? undefined : holder;
  const source = tessera === undefined ? fileSource(folder) : tesseraSource(tessera);
  const follows = await readFollows({ config, state: stateFolder(folder), source, size: checkpoint.size, writer });
  const root = checkpoint.root.toString("base64");
  const fault = faultOf(found);
  if (options.json === true) {
    resultJson({
      origin: checkpoint.origin,
      vkey,
      size: checkpoint.size,
      root,
      published: publishedAt.toISOString(),
      ...(tessera === undefined ? {} : { tessera: tessera.url }),
      key: { file: config.key, kid: key.kid },
      signed: { size: signed.size, root: signed.root.toString("base64") },
      writer: writer === undefined ? null : { ...writer },
      key_writer: keyHolder === undefined ? null : { ...keyHolder },
      disk,
      ...followsJson(follows),
      fault: fault ?? null,
    });
  } else {
    resultRows([
      `ledger      ${visible(checkpoint.origin)}`,
      `entries     ${checkpoint.size}`,
      `root        ${root}`,
      `published   ${showTime(Math.floor(publishedAt.getTime() / 1000))}`,
      `writer      ${holderRow(found)}`,
      ...(keyHolder === undefined
        ? []
        : [`key in use  by ${whoOf(keyHolder)}: ${visible(config.key)}.signed.lock keeps others out`]),
      ...followsRows(follows),
      `on disk     ${showBytes(disk.bytes)} in ${disk.files} files`,
      `key         ${visible(config.key)}`,
      ...(tessera === undefined
        ? [`signed      ${signed.size} entries`]
        : [`written by  the Tessera at ${visible(tessera.url)}; this is what was seen of it`]),
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
    .description("show what a ledger holds, who writes to it, whether it is following, and its verifier key")
    .argument("<dir>", "the ledger's folder")
    .addOption(jsonOption())
    .action(status);
  examples(command, ["glassgate ledger status ledger", "glassgate ledger status ledger --json"]);
}
