/** `glassgate ledger follow`: a gateway's files and heartbeats into a ledger, in this process or at another place. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { releaseTerminal } from "../base/terminal.js";
import { visible } from "../base/text.js";
import { readAgentConfig } from "../ledger/config.js";
import { Follower } from "../ledger/follow/follower.js";
import { RemoteLedger } from "../ledger/follow/remote.js";
import { takeLock } from "../ledger/log/lock.js";
import { examples, jsonOption, passphraseOption } from "./context.js";
import { runHere, type ServeOptions, tellFollowed, untilStopped } from "./ledger-serve.js";
import { resultJson, say } from "./output.js";

interface Options extends ServeOptions {
  readonly config?: string;
}

/** Two would move one position. */
async function lockPositions(state: string): Promise<() => Promise<void>> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  try {
    const lock = await takeLock(join(state, "lock"), "glassgate ledger follow");
    return () => lock.release();
  } catch (error) {
    throw new UserError(`The positions in ${visible(state)} are in use: ${messageOf(error)}`, {
      cause: error,
      hint: "One agent follows with one `state` folder: end the other one, or give this one a folder of its own.",
      exitCode: 1,
    });
  }
}

/** The agent beside a gateway, whose ledger is elsewhere. */
async function runAgent(file: string, { json }: Options): Promise<void> {
  releaseTerminal(); // An agent has no passphrase to ask for.
  const { gateways, heartbeat, to, state } = readAgentConfig(file);
  if (gateways.length === 0)
    throw new UserError(`${visible(file)} has no gateways to follow.`, {
      hint: "config/ledger/follow.yaml is a complete example.",
    });
  const tell = (sentence: string): void => say(visible(sentence));
  const remote = new RemoteLedger(to, tell);
  const unlock = await lockPositions(state);
  try {
    const follower = new Follower({ gateways, heartbeatSeconds: heartbeat, state, sink: remote.sink, say: tell });
    untilStopped(() => {
      follower.stop();
      remote.stop();
    });
    say(`Following ${gateways.map(({ id }) => visible(id)).join(", ")} to ${visible(to.url)}. Ctrl-C stops it.`);
    tellFollowed(gateways);
    await follower.run();
    say("Stopped. The positions are kept.");
    if (json === true) resultJson(follower.status());
  } finally {
    await unlock();
  }
}

async function follow(folder: string | undefined, options: Options): Promise<void> {
  if ((folder === undefined) === (options.config === undefined))
    throw new UserError("Name a ledger's folder, or an agent's configuration with --config.", {
      hint: "A folder: the ledger is here. --config FILE: it is elsewhere; config/ledger/follow.yaml is an example.",
    });
  if (folder !== undefined) await runHere(folder, false, options);
  else if (options.config !== undefined) await runAgent(options.config, options);
}

export function addLedgerFollow(ledger: Command): void {
  const command = ledger
    .command("follow")
    .description("take in what gateways write, from their files: into a ledger here, or one elsewhere")
    .argument("[dir]", "the ledger's folder, where it is on this machine")
    .option("--config <file>", "the agent's configuration, where the ledger is elsewhere")
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(follow);
  examples(command, [
    "glassgate ledger follow /var/lib/glassgate/ledger",
    "glassgate ledger follow --config /etc/glassgate/follow.yaml",
  ]);
}
