/** `glassgate ledger init`: a ledger to begin with, its folder, its key and its configuration: all of it or nothing. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { mustBeNew, writeNewTexts } from "../base/files.js";
import { visible } from "../base/text.js";
import { newLedgerConfig } from "../ledger/config.js";
import { newLogFiles } from "../ledger/log/files.js";
import { checkOrigin, openLogSigner } from "../ledger/log/key.js";
import { newKey } from "../signer/jwk.js";
import { sealKey } from "../signer/keyfile.js";
import { examples, jsonOption, keyPath, keysOption, newPassphrase, passphraseOption } from "./context.js";
import { result, resultJson, say, sayWhole } from "./output.js";

interface Options {
  readonly origin: string;
  readonly key?: string;
  readonly keys: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** A file's name from the log's: `ledger.example.com/eu/2026` is `ledger.example.com-eu-2026`. */
export const fileNameOf = (origin: string): string => origin.replaceAll(/[^A-Za-z0-9._-]/g, "-");

/** Without what a command left that was killed while it wrote. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => !/^\.glassgate-[0-9a-f]+\.tmp$/.test(name));

export function mustBeEmpty(folder: string): void {
  if (!existsSync(folder) || filesIn(folder).length === 0) return;
  throw new UserError(`${visible(folder)} is not empty. Nothing was changed.`, {
    hint: existsSync(join(folder, "checkpoint"))
      ? `It is a ledger already: \`glassgate ledger status ${visible(folder)}\` shows it.`
      : "Choose a new folder.",
  });
}

export function keyFileFor(folder: string, options: Pick<Options, "origin" | "key" | "keys">): string {
  const path = resolve(options.key ?? keyPath(options.keys, fileNameOf(options.origin)));
  if (path.startsWith(resolve(folder) + sep)) {
    throw new UserError("The key would stand in the ledger's folder. Nothing was changed.", {
      hint: "Name a file elsewhere with --key: beside the key stands what it has signed, which a restored copy of the folder must not bring back.",
    });
  }
  return path;
}

export function mustBeNoKey(path: string): void {
  for (const taken of [path, `${path}.signed`])
    mustBeNew(taken, `${visible(taken)} exists already. Nothing was changed.`, "Name another file with --key.");
}

async function init(folder: string, options: Options): Promise<void> {
  checkOrigin(options.origin);
  mustBeEmpty(folder);
  const path = keyFileFor(folder, options);
  mustBeNoKey(path);
  const key = newKey("Ed25519");
  const name = basename(path).replace(/\.key\.json$/, "");
  const passphrase = await newPassphrase(name, options.passphraseFd);
  const signer = openLogSigner(key, options.origin);
  const config = join(folder, "ledger.yaml");
  writeNewTexts([
    await sealKey(path, name, key, passphrase),
    { path: config, text: newLedgerConfig(options.origin, path) },
    ...newLogFiles({ folder, signer, signedPath: `${path}.signed` }),
  ]);
  say(`Made the ledger ${options.origin} in ${visible(folder)}: empty, and signed as such.`);
  say(
    `Its key is ${visible(path)} (encrypted); beside it stands what the key has signed. Keep these two together and out of the folder's backups: a ledger is never signed twice with two histories.`,
  );
  say("Its verifier key, for everybody who is to verify the ledger:");
  if (options.json === true)
    resultJson({ origin: options.origin, vkey: signer.vkey, key: { file: path, kid: key.kid }, config });
  else result(signer.vkey);
  say(`Next: write into ${visible(config)} which gateways it follows, and whose anchors count; then:`);
  sayWhole(`  glassgate ledger serve ${visible(folder)}`);
}

export function addLedgerInit(ledger: Command): void {
  const command = ledger
    .command("init")
    .description("make a ledger: folder, key, configuration; prints its verifier key")
    .argument("<dir>", "a new folder for the ledger")
    .addOption(
      new Option(
        "--origin <name>",
        "its name for ever: the address it will have, and the period",
      ).makeOptionMandatory(),
    )
    .option("--key <file>", "where to put its key, not in the folder (default: among your keys)")
    .addOption(keysOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(init);
  examples(command, [
    "glassgate ledger init ledger --origin ledger.example.com/eu/2026",
    "glassgate ledger init /srv/ledger --origin ledger.example.com/eu/2026 --key /etc/glassgate/ledger.key.json --passphrase-fd 3 3< passphrase.txt",
  ]);
}
