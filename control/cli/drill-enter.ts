/** `glassgate drill enter`: a signed report into the ledger, where the drill itself could not: it was away, or another process wrote to it. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { handInDrill, provenEntry, sendDrill } from "../drill/report/enter.js";
import { readFolder, signedIn } from "../drill/report/folder.js";
import { openSource } from "../ledger/audit/source.js";
import type { HandedIn } from "../ledger/closing.js";
import type { Vkey } from "../ledger/tlog/note.js";
import { examples, jsonOption, passphraseOption } from "./context.js";
import { tellAlarm } from "./ledger-alarm.js";
import { openToWrite } from "./ledger-open.js";
import { readToken, readVkey, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { result, resultJson, say } from "./output.js";
import { doorOf } from "./review-door.js";

interface Options {
  readonly ledger: string;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

const WORDS = {
  untouched: "Nothing was entered.",
  served: "Name the address where it listens in place of the folder, or end that process first.",
};

async function hand(ledger: string, token: string, passphraseFd: number | undefined): Promise<HandedIn> {
  const door = await doorOf(ledger, WORDS);
  if (door !== undefined) return sendDrill(door, token);
  const { opened } = await openToWrite(ledger, "glassgate drill", passphraseFd, tellAlarm);
  try {
    return await handInDrill(opened, token);
  } finally {
    await opened.close();
  }
}

export interface EnteredDrill {
  readonly entry: number;
  readonly isNew: boolean;
  /** Of the signed tree in which it was found; undefined where the ledger's word is all there is. */
  readonly size: number | undefined;
}

/**
 * @param ledger its address, or its folder: its key is opened where nothing serves it on this machine
 * @param proof the ledger's verifier key, and the token by which its log is read
 * @throws UserError with exit code 1 where the ledger refuses it, gives no answer, or does not prove what it answers
 */
export async function enterDrill(
  ledger: string,
  token: string,
  passphraseFd: number | undefined,
  proof: { readonly key: Vkey; readonly token: string | undefined } | undefined,
): Promise<EnteredDrill> {
  const done = await hand(ledger, token, passphraseFd);
  if (!("index" in done))
    throw new UserError(`The ledger refuses the signature of the drill: ${done.refused.map(visible).join(" ")}`, {
      exitCode: 1,
      hint: "Nothing was entered. The report and its signature stand where they were written.",
    });
  const { index, isNew } = done;
  const checkpoint = proof && (await provenEntry(openSource(ledger, proof.token), proof.key, index, token));
  return { entry: index, isNew, size: checkpoint?.size };
}

async function enter(path: string, options: Options): Promise<void> {
  const { ledger, key, tokenFile, passphraseFd } = options;
  const read = readFolder(path);
  signedIn(read);
  const { token } = read;
  const proof = key === undefined ? undefined : { key: readVkey(key), token: readToken(ledger, tokenFile) };
  const { entry, isNew, size } = await enterDrill(ledger, token, passphraseFd, proof);
  if (options.json === true) resultJson({ entry, new: isNew, ...(size === undefined ? {} : { proved: size }) });
  else {
    const proved = size === undefined ? "" : `, proved to be in its signed tree of ${size}`;
    result(`${isNew ? "Entered" : "It was entered before"}: entry ${entry}${proved}.`);
  }
  if (size === undefined) say("That is the ledger's own word: with --key it is proved.");
}

export function addDrillEnter(drill: Command): void {
  const command = drill
    .command("enter")
    .description("enter the signature of a drill's report into the ledger, where the drill itself could not")
    .argument("<report>", "the folder of a drill, or its report.json with report.jws beside it")
    .requiredOption(
      "--ledger <ledger>",
      "its address; or its folder, whose key is then asked for where nothing serves it",
    )
    .addOption(vkeyOption("its verifier key (NAME+ID+KEY), or a file that has it: the entry is read back, and proved"))
    .addOption(tokenFileOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(enter);
  examples(command, [
    "glassgate drill enter drills/20261127T004648Z-quarterly --ledger https://ledger.example.com/eu --key ledger.vkey",
    "glassgate drill enter drills/20261127T004648Z-quarterly --ledger ledger/",
  ]);
}
