/** `glassgate ledger export`: the entries for other systems. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { WholeFile } from "../base/whole-file.js";
import { type Format, formats, lineOf } from "../ledger/audit/export.js";
import { openHead, readDecoded } from "../ledger/audit/reader.js";
import { openSource } from "../ledger/audit/source.js";
import { parseCount } from "../ledger/tlog/checkpoint.js";
import { examples } from "./context.js";
import { progress, readToken, readVkey, sayUnverified, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { say } from "./output.js";
import { type LineOutput, standardOutput } from "./stream-output.js";

interface Options {
  readonly format: Format;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly from?: number;
  readonly to?: number;
  readonly out?: string;
}

function count(text: string): number {
  const value = parseCount(text);
  if (value === undefined) throw new InvalidArgumentError("It must be an entry's index.");
  return value;
}

/** @returns lines written, and entries that have none in this format */
async function write(where: string, options: Options, output: LineOutput): Promise<[lines: number, left: number]> {
  const { format, key } = options;
  const vkey = key === undefined ? undefined : readVkey(key);
  const source = openSource(where, readToken(where, options.tokenFile));
  const { size, origin } = await openHead(source, vkey);
  const { from = 0, to = size } = options;
  if (from > to || to > size) {
    throw new UserError(`There are no entries ${from} to ${to}: the log has ${size}.`, {
      hint: "Indices count from 0; --to names the first that is left out.",
    });
  }
  if (vkey === undefined) sayUnverified();
  const tick = progress();
  let [lines, left] = [0, 0];
  for await (const entry of readDecoded(source, size, from, to)) {
    tick("exported", entry.index - from, to - from);
    const line = lineOf(entry, format, origin);
    if (line === undefined) left += 1;
    else if (await output.line(line)) lines += 1;
    else break;
  }
  return [lines, left];
}

async function exportLedger(where: string, options: Options): Promise<void> {
  const { out } = options;
  const file = out === undefined ? undefined : new WholeFile(out, 0o600);
  try {
    const output: LineOutput =
      file === undefined
        ? standardOutput()
        : {
            async line(text) {
              file.write(`${text}\n`);
              return true;
            },
          };
    const [lines, left] = await write(where, options, output);
    file?.commit();
    if (out !== undefined) say(`${plural(lines, "line")} in ${visible(out)}.`);
    if (left > 0)
      say(
        `${plural(left, "entry").replace("entrys", "entries")} of other types are no API activity, and were left out.`,
      );
  } finally {
    file?.close();
  }
}

export function addLedgerExport(ledger: Command): void {
  const command = ledger
    .command("export")
    .description("write a ledger's entries for other systems: JSON Lines, or OCSF events")
    .argument("<ledger>", "the folder, or its https:// address")
    .addOption(
      new Option("--format <format>", "jsonl: every entry; ocsf: the records, as API Activity 1.8.0")
        .choices(formats)
        .makeOptionMandatory(),
    )
    .addOption(vkeyOption())
    .addOption(tokenFileOption())
    .option("--from <index>", "the first entry", count)
    .option("--to <index>", "the entry to end before", count)
    .option("--out <file>", "write there, whole or not at all, instead of to standard output")
    .action(exportLedger);
  examples(command, [
    "glassgate ledger export ledger/ --key ledger.vkey --format jsonl --out november.jsonl",
    "glassgate ledger export https://ledger.example.com/eu --key ledger.vkey --format ocsf --from 4100 | siem-upload",
  ]);
}
