/** `glassgate ledger serve`: a ledger at work, until it is stopped. */
import { statSync } from "node:fs";
import type { Command } from "commander";
import { reasonOf, UserError } from "../base/errors.js";
import { endSignals } from "../base/terminal.js";
import { visible } from "../base/text.js";
import type { FollowedGateway, LedgerConfig } from "../ledger/config.js";
import { mustBeAbleToListen } from "../ledger/serve/address.js";
import { runLedger } from "../ledger/serve/run.js";
import { examples, jsonOption, passphraseOption } from "./context.js";
import { tellAlarm } from "./ledger-alarm.js";
import { openToWrite } from "./ledger-open.js";
import { resultJson, say, warn } from "./output.js";

export interface ServeOptions {
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** The first signal stops in good order, the second at once: what was acknowledged is safe either way. */
export function untilStopped(stop: () => void): void {
  let isStopping = false;
  for (const signal of endSignals)
    process.on(signal, () => {
      if (isStopping) process.exit(130);
      isStopping = true;
      say("Stopping: what is in flight is finished. Once more ends it at once.");
      stop();
    });
}

/** What a file is now, where nothing can come from it: it is looked at again and again, and not said any more. */
function standingOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return ": not there yet, and read once it is";
  return found.isFile() ? "" : ": no file, so nothing can come from it";
}

function standing(path: string): string {
  try {
    return standingOf(path);
  } catch (error) {
    return `: ${reasonOf(error)}`;
  }
}

export function tellFollowed(gateways: readonly FollowedGateway[]): void {
  for (const { id, audit = [], answers = [] } of gateways)
    for (const { path } of [...audit, ...answers]) say(`  ${visible(id)}  ${visible(path)}${standing(path)}`, 4);
}

/** What holds the folder while it is served, as others find it in the lock. */
export const SERVES = "glassgate ledger serve";

/** What lets a ledger run and be of no use. */
function tellMissing(folder: string, { gateways, senders, anchors }: LedgerConfig): void {
  const file = `${visible(folder)}/ledger.yaml`;
  if (gateways.length + senders.length === 0)
    warn(`${file} has neither gateways nor senders: nothing can come in. docs/ledger.md shows both.`);
  else if (anchors.length === 0)
    warn(
      `${file} has no anchors: no bundle counts, so nobody is proven to have approved, and each gateway is an alarm.`,
    );
}

async function mustServe(folder: string, { listen }: LedgerConfig): Promise<void> {
  if (listen !== undefined) return mustBeAbleToListen(listen);
  throw new UserError(`${visible(folder)}/ledger.yaml has no listen.`, {
    hint: 'Add listen: { address: "127.0.0.1:7070" }, or use `glassgate ledger follow`, which only reads files.',
  });
}

async function mustFollow(folder: string, { gateways }: LedgerConfig): Promise<void> {
  if (gateways.length > 0) return;
  throw new UserError(`${visible(folder)}/ledger.yaml has no gateways to follow.`, {
    hint: "Add each gateway's id and audit file under gateways. docs/ledger.md shows one.",
  });
}

/** @param isServing whether it listens as well */
export async function runHere(folder: string, isServing: boolean, { passphraseFd, json }: ServeOptions): Promise<void> {
  const name = isServing ? SERVES : "glassgate ledger follow";
  const check = (config: LedgerConfig): Promise<void> => (isServing ? mustServe : mustFollow)(folder, config);
  const { config, opened } = await openToWrite(folder, name, passphraseFd, tellAlarm, check);
  const running = await runLedger({ folder, config, opened, say: (sentence) => say(visible(sentence)), isServing });
  say(`The ledger ${visible(config.origin)} has ${opened.log.size} entries and takes in more:`);
  if (config.tessera !== undefined) say(`  into the Tessera at ${visible(config.tessera.url)}`, 4);
  tellFollowed(config.gateways);
  for (const { address } of running.listening) say(`  listens on ${visible(address)}`, 4);
  tellMissing(folder, config);
  say("Ctrl-C stops it.");
  const stopped = new Promise<void>((resolve, reject) => {
    untilStopped(() => void running.stop().then(resolve, reject));
  });
  await Promise.race([stopped, running.ended]);
  const { size } = opened.log;
  say(`Stopped. The log has ${size} entries.`);
  if (json === true) resultJson({ size, ...running.status() });
}

export function addLedgerServe(ledger: Command): void {
  const command = ledger
    .command("serve")
    .description("follow the gateways of ledger.yaml, and take records in over HTTP")
    .argument("<dir>", "the ledger's folder")
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action((folder: string, options: ServeOptions) => runHere(folder, true, options));
  examples(command, ["glassgate ledger serve /var/lib/glassgate/ledger"]);
}
