/** What every command takes that verifies a ledger before it says anything of it. */
import type { Command } from "commander";
import { readBytes } from "../base/files.js";
import type { Kept } from "../ledger/audit/signed.js";
import { MAX_NOTE_BYTES } from "../ledger/tlog/note.js";
import { collect } from "./context.js";
import { GRACE, graceOption, SILENCE, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { policyOption } from "./ledger-policy.js";

export interface VerifyingOptions {
  readonly key: string;
  readonly tokenFile?: string;
  readonly since?: readonly string[];
  readonly policy?: string;
  readonly anchors?: readonly string[];
  /** Seconds. */
  readonly grace: number;
  readonly silence: number;
}

export const verifying = (command: Command): Command =>
  command
    .argument("<ledger>", "the folder, or its https:// address")
    .addOption(vkeyOption().makeOptionMandatory())
    .addOption(tokenFileOption())
    .option("--since <file>", "a checkpoint that you kept: nothing older may have changed; repeatable", collect)
    .addOption(policyOption())
    .option("--anchors <file>", "pin the trust bundles in it to these roots; repeatable", collect)
    .addOption(graceOption("--grace <duration>", "how long it leaves a missing record open", GRACE))
    .addOption(graceOption("--silence <duration>", "how long it lets a gateway be without heartbeats", SILENCE));

export const readKept = (file: string): Kept => ({
  file,
  bytes: readBytes(file, "the kept checkpoint", { max: MAX_NOTE_BYTES }),
});
