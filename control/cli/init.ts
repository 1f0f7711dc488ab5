/** `glassgate init`: a project directory to start from. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { readText, writeText } from "../base/files.js";
import { parseJson } from "../base/schema.js";
import { newKey, type PrivateKey, type PublicKey, publicKeySchema, publicPart } from "../signer/jwk.js";
import { writeKeyFile } from "../signer/keyfile.js";
import { passphraseFor } from "../signer/passphrase.js";
import { anchorsSchema } from "../trust/anchors.js";
import { fingerprintOf } from "../trust/fingerprint.js";
import { collect, examples, keyPath, keysOption, passphraseOption, wholeNumber } from "./context.js";
import { result, say, warn } from "./output.js";

const sample = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../../config/${file}`, import.meta.url)), "utf8");
const ROOTS = 3;

interface Options {
  readonly audience: string;
  readonly threshold: number;
  readonly root?: readonly string[];
  readonly keys: string;
  readonly passphraseFd?: number;
}

function readPublicKeys(files: readonly string[]): PublicKey[] {
  return files.map((file) =>
    parseJson(readText(file, "the root key"), file, publicKeySchema, "`glassgate key show NAME --json` prints it."),
  );
}

async function newRoots(options: Options): Promise<PrivateKey[]> {
  const roots: PrivateKey[] = [];
  for (let i = 1; i <= ROOTS; i++) {
    const name = `root-${i}`;
    const path = keyPath(options.keys, name);
    if (existsSync(path)) {
      throw new UserError(`There is a key ${name} in ${options.keys} already.`, {
        hint: "Use another --keys folder, or pass public keys with --root.",
      });
    }
    const key = newKey("Ed25519");
    const source = options.passphraseFd === undefined ? {} : { descriptor: options.passphraseFd };
    await writeKeyFile(path, name, key, await passphraseFor(name, source, true));
    roots.push(key);
  }
  return roots;
}

async function init(folder: string, options: Options): Promise<void> {
  const anchorsPath = join(folder, "anchors.json");
  const rosterPath = join(folder, "roster.yaml");
  for (const path of [anchorsPath, rosterPath]) {
    if (existsSync(path))
      throw new UserError(`${path} exists already. Nothing was changed.`, { hint: "Choose an empty directory." });
  }
  const given = readPublicKeys(options.root ?? []);
  const roots = given.length > 0 ? given : (await newRoots(options)).map(publicPart);
  const anchors = anchorsSchema.safeParse({ audience: options.audience, threshold: options.threshold, roots });
  if (!anchors.success) {
    const issue = anchors.error.issues[0];
    throw new UserError(`The anchors ${issue?.path.join(".") ?? ""} ${issue?.message ?? "are wrong"}.`);
  }
  writeText(anchorsPath, `${JSON.stringify(anchors.data, null, 2)}\n`);
  writeText(rosterPath, sample("roster.yaml"));
  // The roster's first line names it: editors then check while one types.
  writeText(join(folder, "roster.schema.json"), sample("roster.schema.json"));
  result(`${anchorsPath}\n${rosterPath}`);
  if (given.length === 0) {
    say(`Made ${ROOTS} root keys in ${options.keys}; ${options.threshold} of them must sign each trust bundle.`);
    warn(
      "All root keys are on this machine. In production each holder makes his own with `glassgate key new` and sends you",
    );
    say(
      "         the public part (`glassgate key show NAME --json`); then: glassgate init DIR --root a.json --root b.json ...",
    );
  }
  say(`The anchors in words: ${fingerprintOf(anchors.data)} (\`glassgate anchors\` shows them again)`);
  if (options.threshold === 1) warn("The threshold is 1: ONE root key decides who may do what.");
  say(
    `Next: each person runs \`glassgate key new NAME\`; put the public keys into ${rosterPath}; then \`glassgate bundle build\`.`,
  );
}

export function addInit(program: Command): void {
  const command = program
    .command("init")
    .description("start a project: root keys, anchors and a roster to edit")
    .argument("<dir>", "where to put anchors.json and roster.yaml")
    .option("--audience <name>", "the environment that these roots speak for", "production")
    .option("--threshold <n>", "how many roots must sign a bundle", wholeNumber, 2)
    .addOption(new Option("--root <file>", "a root's public key made elsewhere (repeat)").argParser(collect))
    .addOption(keysOption())
    .addOption(passphraseOption())
    .action(init);
  examples(command, [
    "glassgate init break-glass",
    "glassgate init break-glass --audience production --root a.json --root b.json --root c.json",
  ]);
}
