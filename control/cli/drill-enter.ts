/** `glassgate drill enter`: a signed report into the ledger, where the drill itself could not: it was away, or another process wrote to it. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { handInDrill, sendDrill } from "../drill/report/enter.js";
import { readFolder } from "../drill/report/folder.js";
import type { HandedIn } from "../ledger/closing.js";
import { examples, jsonOption, passphraseOption } from "./context.js";
import { tellAlarm } from "./ledger-alarm.js";
import { openToWrite } from "./ledger-open.js";
import { result, resultJson } from "./output.js";
import { doorOf } from "./review-door.js";

interface Options {
  readonly ledger: string;
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

/**
 * @param ledger its address, or its folder: its key is opened where nothing serves it on this machine
 * @throws UserError with exit code 1 where the ledger refuses it, or gives no answer
 */
export async function enterDrill(
  ledger: string,
  token: string,
  passphraseFd: number | undefined,
): Promise<{ readonly entry: number; readonly isNew: boolean }> {
  const done = await hand(ledger, token, passphraseFd);
  if ("index" in done) return { entry: done.index, isNew: done.isNew };
  throw new UserError(`The ledger refuses the signature of the drill: ${done.refused.map(visible).join(" ")}`, {
    exitCode: 1,
    hint: "Nothing was entered. The report and its signature stand where they were written.",
  });
}

async function enter(path: string, options: Options): Promise<void> {
  const { token } = readFolder(path);
  const { entry, isNew } = await enterDrill(options.ledger, token, options.passphraseFd);
  if (options.json === true) resultJson({ entry, new: isNew });
  else result(`${isNew ? "Entered" : "It was entered before"}: entry ${entry}.`);
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
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(enter);
  examples(command, [
    "glassgate drill enter drills/20261127T004648Z-quarterly --ledger https://ledger.example.com/eu",
    "glassgate drill enter drills/20261127T004648Z-quarterly --ledger ledger/",
  ]);
}
