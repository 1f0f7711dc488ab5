/** `glassgate key new|list|show`. */
import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { mustBeNew } from "../base/files.js";
import { visible } from "../base/text.js";
import { type Algorithm, algorithms, newKey, type PublicKey, publicPart } from "../signer/jwk.js";
import { writeKeyFile } from "../signer/keyfile.js";
import { name as nameSchema } from "../trust/names.js";
import {
  examples,
  findKeyFile,
  jsonOption,
  keyNames,
  keyPath,
  keysOption,
  newPassphrase,
  passphraseOption,
} from "./context.js";
import { result, resultJson, say } from "./output.js";

/** The key as one line of YAML, as the roster's `keys:` take it. Values that YAML could read as another type are quoted. */
export function rosterLine(key: PublicKey): string {
  const members = Object.entries(key).map(
    ([name, value]) => `${name}: ${["x", "y", "kid"].includes(name) ? JSON.stringify(value) : value}`,
  );
  return `- { ${members.join(", ")} }`;
}

const WHERE = "under `keys:` of the person in roster.yaml (in place of []), or send this line to whoever keeps it";
/** Beside a ledger's key stands what it has signed (control/ledger/log/signed.ts). */
const isLedgers = (path: string): boolean => existsSync(`${path}.signed`);
const WHERE_LEDGERS =
  "under `ledgers:` in roster.yaml, where entitlements have `audit: receipt`: it is a ledger's key, and nobody's else";

interface MakeOptions {
  readonly keys: string;
  readonly algorithm: Algorithm;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

async function make(name: string, options: MakeOptions): Promise<void> {
  if (!nameSchema.safeParse(name).success) {
    const named = name.length > 100 ? `${name.slice(0, 100)}...` : name;
    throw new UserError(`"${visible(named)}" is not a name.`, { hint: "Use letters, digits and ._@+-, at most 64." });
  }
  const path = keyPath(options.keys, name);
  mustBeNew(
    path,
    `There is a key ${name} already. Nothing was changed.`,
    "Choose another name, for example with the year.",
  );
  const key = newKey(options.algorithm);
  await writeKeyFile(path, name, key, await newPassphrase(name, options.passphraseFd));
  say(`Wrote ${visible(path)} (encrypted, readable by you alone).`);
  say(`Next: paste the public key ${WHERE}:`);
  if (options.json === true) resultJson(publicPart(key));
  else result(rosterLine(publicPart(key)));
}

function list(options: { keys: string; json?: boolean }): void {
  const files = keyNames(options.keys).map((name) => findKeyFile(options.keys, name));
  if (options.json === true) resultJson(files.map(({ name, public: key }) => ({ name, ...key })));
  else if (files.length === 0) say(`There is no key in ${options.keys}. \`glassgate key new NAME\` makes one.`);
  else
    result(
      files.map(({ name, public: key }) => `${visible(name).padEnd(24)} ${key.crv.padEnd(8)} ${key.kid}`).join("\n"),
    );
}

function show(name: string, options: { keys: string; json?: boolean }): void {
  const { public: key } = findKeyFile(options.keys, name);
  if (options.json === true) resultJson(key);
  else {
    say(`${name}, kid ${key.kid}`);
    result(rosterLine(key));
    say(`Paste that line ${isLedgers(keyPath(options.keys, name)) ? WHERE_LEDGERS : WHERE}.`);
  }
}

export function addKey(program: Command): void {
  const key = program.command("key").description("make, list and show keys");
  const makeCommand = key
    .command("new")
    .description("make a key, encrypted under a passphrase; prints the public key as a line for the roster")
    .argument("<name>", "the key's name, for example rita-laptop")
    .addOption(new Option("--algorithm <name>", "signature algorithm").choices(algorithms).default("Ed25519"))
    .addOption(keysOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(make);
  examples(makeCommand, ["glassgate key new rita-laptop", "glassgate key new rita-laptop --algorithm ES256"]);
  const listCommand = key
    .command("list")
    .description("list your keys")
    .addOption(keysOption())
    .addOption(jsonOption())
    .action(list);
  examples(listCommand, ["glassgate key list"]);
  const showCommand = key
    .command("show")
    .description("show a key's public part")
    .argument("<name>", "the key's name")
    .addOption(keysOption())
    .addOption(jsonOption())
    .action(show);
  examples(showCommand, ["glassgate key show rita-laptop", "glassgate key show rita-laptop --json"]);
}
