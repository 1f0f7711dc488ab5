/** `glassgate ledger verify`: from a folder of files, a key and a kept checkpoint to "proved". */
import type { Command } from "commander";
import { readBytes } from "../base/files.js";
import { type Kept, type Report, verifyLedger } from "../ledger/audit/verify.js";
import { isProved, notProvedBy, provedBy, wordsOf } from "../ledger/audit/words.js";
import { MAX_NOTE_BYTES } from "../ledger/tlog/note.js";
import { collect, examples, jsonOption, wholeNumber } from "./context.js";
import { progress, readVkey, vkeyOption } from "./ledger-options.js";
import { resultJson, resultRows } from "./output.js";

interface Options {
  readonly key: string;
  readonly since?: readonly string[];
  readonly policy?: string;
  readonly anchors?: string;
  readonly threads?: number;
  readonly json?: boolean;
}

const readKept = (file: string): Kept => ({
  file,
  bytes: readBytes(file, "the kept checkpoint", { max: MAX_NOTE_BYTES }),
});

async function verify(where: string, options: Options): Promise<void> {
  const report = await verifyLedger({
    where,
    key: readVkey(options.key),
    since: (options.since ?? []).map(readKept),
    witnesses: undefined,
    rules: undefined,
    threads: options.threads,
    progress: progress(),
  });
  const given = { anchors: options.anchors !== undefined };
  if (!isProved(report)) process.exitCode = 1;
  if (options.json === true) resultJson(jsonOf(report, given));
  else resultRows(wordsOf(report, given));
}

const jsonOf = (report: Report, given: { readonly anchors: boolean }): Record<string, unknown> => ({
  proved: provedBy(report),
  notProved: isProved(report) ? notProvedBy(report, given) : [],
  ...report,
});

export function addLedgerVerify(ledger: Command): void {
  const command = ledger
    .command("verify")
    .description("prove what a copy of a ledger's files shows, and name the first thing that is wrong")
    .argument("<ledger>", "the folder, or its https:// address")
    .addOption(vkeyOption().makeOptionMandatory())
    .option("--since <file>", "a checkpoint that you kept: nothing older may have changed; repeatable", collect)
    .option("--policy <file>", "the witnesses that must have cosigned (C2SP tlog-policy)")
    .option("--anchors <file>", "pin the trust bundles in it to these roots")
    .option("--threads <n>", "how many threads work on it", wholeNumber)
    .addOption(jsonOption())
    .action(verify);
  examples(command, [
    "glassgate ledger verify copy/ --key ledger.vkey",
    "glassgate ledger verify copy/ --key ledger.vkey --since last-month.checkpoint --anchors anchors.json",
    "glassgate ledger verify https://ledger.example.com/eu --key ledger.vkey --policy witnesses.txt",
  ]);
}
