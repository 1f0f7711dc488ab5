/** `glassgate ledger publish`: a ledger's finished files into an S3-compatible store, and its checkpoint last. */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { endSignals } from "../base/terminal.js";
import { plural, visible } from "../base/text.js";
import { readLedgerConfig } from "../ledger/config.js";
import { mustHaveLog } from "../ledger/log/tessera-folder.js";
import { openStore, type StoreOptions } from "../ledger/publish/open.js";
import { positionIn } from "../ledger/publish/position.js";
import { probe } from "../ledger/publish/probe.js";
import { PublishConflict, type Published, publish } from "../ledger/publish/publish.js";
import { makeVkey, parseVkey, type Vkey } from "../ledger/tlog/note.js";
import { fileSource } from "../ledger/tlog/read.js";
import { readKeyFile } from "../signer/keyfile.js";
import { duration, examples, jsonOption } from "./context.js";
import { progress, readVkey, vkeyOption } from "./ledger-options.js";
import { resultJson, say, warn } from "./output.js";

interface Options extends StoreOptions {
  readonly to: string;
  readonly key?: string;
  readonly watch?: boolean;
  readonly every: number;
  readonly json?: boolean;
}

/** Of the ledger that is configured there. */
function vkeyIn(folder: string): Vkey {
  const { origin, key } = readLedgerConfig(join(folder, "ledger.yaml"));
  return parseVkey(makeVkey(origin, Buffer.from(readKeyFile(key).public.x, "base64url")));
}

function tell({ size, before, files, bytes, removed, kept }: Published, name: string): void {
  const news =
    files === 0
      ? "nothing was new"
      : `${plural(files, "file")} sent, ${bytes} bytes${removed === 0 ? "" : `; ${plural(removed, "partial file")} removed, as the full ones are there`}`;
  say(
    `${visible(name)} holds ${size} entries (${before === undefined ? "nothing was there" : `it had ${before}`}): ${news}.`,
  );
  if (kept !== undefined)
    warn(`superseded partial files could not be removed, and are in nobody's way: ${visible(kept)}`);
}

/** Until a signal: a store that is away is tried again, a conflict ends it. */
async function watch(
  once: () => Promise<Published>,
  everySeconds: number,
  name: string,
): Promise<Published | undefined> {
  const stop = new AbortController();
  for (const signal of endSignals) process.once(signal, () => stop.abort());
  let last: Published | undefined;
  while (!stop.signal.aborted) {
    try {
      const published = await once();
      if (published.files > 0 || last === undefined) tell(published, name);
      last = published;
    } catch (error) {
      if (!(error instanceof UserError) || error instanceof PublishConflict) throw error;
      warn(`${messageOf(error)} It is tried again.`);
    }
    await sleep(everySeconds * 1000, undefined, { signal: stop.signal }).catch(() => {}); // It was stopped.
  }
  say("Stopped. What the store holds is complete.");
  return last;
}

async function run(folder: string, options: Options): Promise<void> {
  const { to, key, endpoint, region, credentialProcess, every } = options;
  mustHaveLog(folder, "Copy the Tessera's folder from where it stands.");
  const vkey = key === undefined ? vkeyIn(folder) : readVkey(key);
  const store = openStore(to, { endpoint, region, credentialProcess });
  const left = await probe(store);
  if (left !== undefined) warn(`the store does not let the probe's key be removed: ${visible(left)}`);
  const tick = progress();
  const once = (): Promise<Published> =>
    publish({
      source: fileSource(folder),
      vkey,
      store,
      position: positionIn(folder, store.name, vkey.name),
      progress: (done, of) => tick("Publishing", done, of),
    });
  const published = options.watch === true ? await watch(once, every, store.name) : await once();
  if (options.watch !== true && published !== undefined) tell(published, store.name);
  if (options.json === true && published !== undefined)
    resultJson({ origin: vkey.name, store: store.name, ...published });
}

function seconds(text: string): number {
  const found = duration(text);
  if (found < 1) throw new InvalidArgumentError("It must be at least 1s.");
  return found;
}

export const storeOptions = (): Option[] => [
  new Option("--endpoint <url>", "the store's address (default: AWS_ENDPOINT_URL_S3, or Amazon's of the region)"),
  new Option("--region <name>", "its region (default: AWS_REGION, or what its address says)"),
  new Option(
    "--credential-process <command>",
    "a program that prints keys as JSON (default: GLASSGATE_CREDENTIAL_PROCESS, else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
  ),
];

export function addLedgerPublish(ledger: Command): void {
  const command = ledger
    .command("publish")
    .description("copy a ledger into an S3-compatible store, and keep it up to date there")
    .argument("<dir>", "the ledger's folder")
    .requiredOption("--to <url>", "s3://BUCKET/PREFIX: each ledger has a prefix of its own")
    .addOption(vkeyOption("the log's verifier key, or a file that has it (default: that of ledger.yaml)"))
    .option("--watch", "go on until it is stopped")
    .option("--every <duration>", "with --watch: how long it waits in between", seconds, 10)
    .addOption(jsonOption())
    .action(run);
  for (const option of storeOptions()) command.addOption(option);
  examples(command, [
    "glassgate ledger publish /var/lib/glassgate/ledger --to s3://ledgers/eu-2026-12 --region eu-central-1",
    "glassgate ledger publish ledger --to s3://ledgers/eu-2026-12 --endpoint https://store.example.com --watch",
    "glassgate ledger verify s3://ledgers/eu-2026-12 --key eu-2026-12.vkey",
  ]);
}
