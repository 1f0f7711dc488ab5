/** `glassgate ledger append`: lines of a log, once, into a ledger that nobody else writes to now. */
import { createReadStream } from "node:fs";
import { userInfo } from "node:os";
import type { Readable } from "node:stream";
import type { Command } from "commander";
import { hintOf, reasonOf, systemCode, UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import type { Alarm } from "../ledger/chain/finding.js";
import type { Sender } from "../ledger/entry.js";
import { LineSplitter } from "../ledger/follow/lines.js";
import type { Intake } from "../ledger/intake.js";
import { examples, jsonOption, passphraseOption } from "./context.js";
import { tellAlarm } from "./ledger-alarm.js";
import { openToWrite } from "./ledger-open.js";
import { untilStopped } from "./ledger-serve.js";
import { resultJson, say, warn } from "./output.js";

/** Handed in at once: one commit's worth. */
const BATCH_LINES = 4096;
const BATCH_BYTES = 4 * 1024 * 1024;
/** More alarms than this are counted. */
const MAX_TOLD = 10;

interface Options {
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return `uid-${process.getuid?.() ?? "unknown"}`; // The system has no name for this user.
  }
}

/** Who says so: whoever runs this, on this machine. */
const localSender = (): Sender => ({
  sender: `local:${userName().replaceAll(/[^\x21-\x7e]/g, "_")}`.slice(0, 128),
  via: "local",
});

/** What was handed in, and is durable. */
interface Count {
  lines: number;
  fresh: number;
}

async function takeAll(intake: Intake, input: Readable, count: Count): Promise<void> {
  const sender = localSender();
  const splitter = new LineSplitter();
  let batch: Buffer[] = [];
  let bytes = 0;
  const hand = async (): Promise<void> => {
    const taken = await intake.take(batch.map((line) => ({ kind: "line", bytes: line, sender })));
    count.lines += batch.length;
    count.fresh += taken.filter(({ isNew }) => isNew).length;
    batch = [];
    bytes = 0;
  };
  const put = async (line: Buffer): Promise<void> => {
    batch.push(line);
    bytes += line.length;
    if (batch.length >= BATCH_LINES || bytes >= BATCH_BYTES) await hand();
  };
  for await (const chunk of input) for (const line of splitter.push(chunk)) await put(line.bytes);
  for (const line of splitter.flush()) await put(line.bytes);
  if (batch.length > 0) await hand();
}

async function append(folder: string, file: string | undefined, options: Options): Promise<void> {
  const name = file === undefined || file === "-" ? undefined : file;
  const alarms: Alarm[] = [];
  const { opened } = await openToWrite(folder, "glassgate ledger append", options.passphraseFd, (alarm) => {
    alarms.push(alarm);
  });
  const input: Readable = name === undefined ? process.stdin : createReadStream(name);
  let isStopped = false;
  untilStopped(() => {
    isStopped = true;
    input.destroy();
  });
  const count: Count = { lines: 0, fresh: 0 };
  try {
    await takeAll(opened.ledger, input, count);
  } catch (error) {
    const so =
      count.lines === 0 ? "Nothing was entered." : `${plural(count.lines, "line")} before that: in the ledger.`;
    const again = "Run it again: what is there already is not entered twice.";
    if (isStopped) throw new UserError(`Stopped. ${so}`, { exitCode: 130, hint: again, cause: error });
    if (error instanceof UserError) throw error;
    const what = name === undefined ? "standard input" : visible(name);
    throw new UserError(`Cannot read ${what}: ${reasonOf(error)}. ${so}`, {
      cause: error,
      hint: hintOf(error) ?? again,
    });
  } finally {
    await opened.close();
  }
  for (const alarm of alarms.slice(0, MAX_TOLD)) tellAlarm(alarm);
  if (alarms.length > MAX_TOLD)
    warn(`and ${alarms.length - MAX_TOLD} more; \`glassgate ledger tail ${visible(folder)} --type alarm\` shows them.`);
  const { size } = opened.log;
  say(
    `Took ${plural(count.lines, "line")}: ${count.fresh} new, ${count.lines - count.fresh} were there. The ledger has ${size} entries, synced and signed.`,
  );
  if (options.json === true) resultJson({ lines: count.lines, new: count.fresh, alarms: alarms.length, size });
}

export function addLedgerAppend(ledger: Command): void {
  const command = ledger
    .command("append")
    .description("enter the lines of a log; not beside `ledger serve`, which takes them itself")
    .argument("<dir>", "the ledger's folder")
    .argument("[file]", "the lines; standard input by default, or -")
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(append);
  examples(command, [
    "glassgate ledger append ledger audit.log",
    "zcat audit.log.1.gz | glassgate ledger append ledger --passphrase-fd 3 3< passphrase.txt",
  ]);
}
