/** `glassgate ledger verify`: from a folder of files, a key and a kept checkpoint to "proved". */
import { type Command, InvalidArgumentError } from "commander";
import { asciiJson } from "../ledger/audit/line.js";
import type { Rules } from "../ledger/audit/meaning.js";
import type { Report } from "../ledger/audit/report.js";
import { verifyLedger } from "../ledger/audit/verify.js";
import { isProved, notProvedBy, provedBy, wordsOf } from "../ledger/audit/words.js";
import { Auditor } from "../ledger/chain/auditor.js";
import { type Anchors, readAnchors } from "../trust/anchors.js";
import { examples, jsonOption, wholeNumber } from "./context.js";
import { progress, readToken, readVkey } from "./ledger-options.js";
import { witnessesOf } from "./ledger-policy.js";
import { readKept, type VerifyingOptions, verifying } from "./ledger-verifying.js";
import { result, resultRows } from "./output.js";

/** Each has memory of its own, and no machine that people verify on has more cores to give. */
const MOST_THREADS = 64;

function threads(text: string): number {
  const count = wholeNumber(text);
  if (count >= 1 && count <= MOST_THREADS) return count;
  throw new InvalidArgumentError(`It must be 1 to ${MOST_THREADS}.`);
}

interface Options extends VerifyingOptions {
  readonly threads?: number;
  readonly json?: boolean;
}

function rulesFor(origin: string, anchors: readonly Anchors[], { grace, silence }: Options): Rules {
  const auditor = new Auditor({ anchors, origin }, { gap: grace, silence });
  return {
    take: (index, entry, line) => void auditor.take(index, entry, line),
    end: () => auditor.end().filter(({ isUntold }) => isUntold === true),
    open: () => auditor.open,
    undecided: () => auditor.undecided,
    faults: () => auditor.faults,
  };
}

async function verify(where: string, options: Options): Promise<void> {
  const key = readVkey(options.key);
  const anchors = (options.anchors ?? []).map(readAnchors);
  const cosignedBy = options.policy === undefined ? undefined : witnessesOf(options.policy, key);
  const report = await verifyLedger({
    where,
    token: readToken(where, options.tokenFile),
    key,
    since: (options.since ?? []).map(readKept),
    witnesses: cosignedBy && (({ text }) => cosignedBy(text)),
    rules: rulesFor(key.name, anchors, options),
    threads: options.threads,
    progress: progress(),
  });
  const given = { anchors: anchors.length > 0 };
  if (!isProved(report)) process.exitCode = 1;
  if (options.json === true) result(asciiJson(jsonOf(report, given), 2));
  else resultRows(wordsOf(report, given));
}

/** Names as in the other commands' JSON. */
function jsonOf({ key, ...report }: Report, given: { readonly anchors: boolean }): Record<string, unknown> {
  const whole = { ...report, key };
  return {
    proved: provedBy(whole),
    notProved: isProved(whole) ? notProvedBy(whole, given) : [],
    ...report,
    vkey: key,
  };
}

export function addLedgerVerify(ledger: Command): void {
  const command = verifying(ledger.command("verify"))
    .description("prove what a copy of a ledger's files shows, and name the first thing that is wrong")
    .option("--threads <n>", `how many threads work on it, at most ${MOST_THREADS}; by default as many as fit`, threads)
    .addOption(jsonOption())
    .action(verify);
  examples(command, [
    "glassgate ledger verify copy/ --key ledger.vkey",
    "glassgate ledger verify copy/ --key ledger.vkey --since last-month.checkpoint --anchors anchors.json",
    "glassgate ledger verify https://ledger.example.com/eu --key ledger.vkey --policy witnesses.txt",
  ]);
}
