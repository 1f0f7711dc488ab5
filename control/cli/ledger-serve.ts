/** `glassgate ledger serve`: a ledger at work, until it is stopped. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { endSignals } from "../base/terminal.js";
import { visible } from "../base/text.js";
import type { Alarm } from "../ledger/chain/finding.js";
import { runLedger } from "../ledger/serve/run.js";
import { examples, jsonOption, passphraseOption } from "./context.js";
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

function tellAlarm({ code, says }: Alarm): void {
  warn(visible(`${code}: ${says}`));
}

/** @param isServing whether it listens as well */
export async function runHere(folder: string, isServing: boolean, { passphraseFd, json }: ServeOptions): Promise<void> {
  const name = isServing ? "glassgate ledger serve" : "glassgate ledger follow";
  const { config, opened } = await openToWrite(folder, name, passphraseFd, tellAlarm);
  if (isServing && config.listen === undefined) {
    await opened.close();
    throw new UserError(`${visible(folder)}/ledger.yaml has no listen.`, {
      hint: 'Add listen: { address: "127.0.0.1:7070" }, or use `glassgate ledger follow`, which only reads files.',
    });
  }
  if (!isServing && config.gateways.length === 0) {
    await opened.close();
    throw new UserError(`${visible(folder)}/ledger.yaml has no gateways to follow.`, {
      hint: "Add each gateway's id and audit file under gateways. docs/ledger.md shows one.",
    });
  }
  const running = await runLedger({ folder, config, opened, say: (sentence) => say(visible(sentence)), isServing });
  say(`The ledger ${visible(config.origin)} has ${opened.log.size} entries and takes in more:`);
  for (const { id, audit = [], answers = [] } of config.gateways)
    for (const { path } of [...audit, ...answers]) say(`  ${visible(id)}  ${visible(path)}`, 4);
  for (const { address } of running.listening) say(`  listens on ${visible(address)}`, 4);
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
