/** `glassgate ledger tail`. */
import { type Command, InvalidArgumentError } from "commander";
import { nearest } from "../base/text.js";
import { wrap } from "../base/wrap.js";
import { grantOf, type ReadEntry, toJsonLine } from "../ledger/audit/reader.js";
import { showEntry } from "../ledger/audit/show.js";
import { openSource } from "../ledger/audit/source.js";
import { tailLedger } from "../ledger/audit/tail.js";
import { entryTypes } from "../ledger/entry.js";
import { collect, examples, jsonOption, wholeNumber } from "./context.js";
import { readToken, readVkey, sayUnverified, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { warn, widthOf } from "./output.js";
import { standardOutput } from "./stream-output.js";

interface Options {
  readonly key?: string;
  readonly tokenFile?: string;
  readonly lines: number;
  readonly follow?: boolean;
  readonly type?: readonly string[];
  readonly grant?: string;
  readonly json?: boolean;
}

/** Further lines of an entry stand behind its index. */
const HANG = 4;

function types(value: string, before: readonly string[] | undefined): string[] {
  const known: readonly string[] = entryTypes;
  if (known.includes(value)) return collect(value, before);
  const near = nearest(value, known);
  throw new InvalidArgumentError(near === undefined ? `There are: ${known.join(", ")}.` : `Did you mean ${near}?`);
}

async function tail(where: string, options: Options): Promise<void> {
  const key = options.key === undefined ? undefined : readVkey(options.key);
  if (key === undefined) sayUnverified();
  const output = standardOutput();
  const width = widthOf(process.stdout);
  const { type, grant } = options;
  await tailLedger(openSource(where, readToken(where, options.tokenFile)), {
    key,
    lines: options.lines,
    follow: options.follow === true,
    wanted: (entry: ReadEntry) =>
      (type === undefined || (entry.head !== undefined && type.includes(entry.head.type))) &&
      (grant === undefined || grantOf(entry) === grant),
    show: (entry) => output.line(options.json === true ? toJsonLine(entry) : wrap(showEntry(entry), width, HANG)),
    trouble: warn,
  });
}

export function addLedgerTail(ledger: Command): void {
  const command = ledger
    .command("tail")
    .description("show the newest entries of a ledger, and those that come")
    .argument("<ledger>", "the folder, or its https:// address")
    .addOption(vkeyOption())
    .addOption(tokenFileOption())
    .option("-n, --lines <n>", "how many to begin with", wholeNumber, 20)
    .option("--follow", "go on with what comes, until Ctrl-C")
    .option("--type <type>", `only entries of this type; repeatable (${entryTypes.join(", ")})`, types)
    .option("--grant <sha256>", "only entries about this grant (grant_sha256)")
    .addOption(jsonOption())
    .action(tail);
  examples(command, [
    "glassgate ledger tail ledger/ --key ledger.vkey --follow",
    "glassgate ledger tail ledger/ --key ledger.vkey --type alarm --type quarantine",
    "glassgate ledger tail https://ledger.example.com/eu --key ledger.vkey --lines 100 --json",
  ]);
}
