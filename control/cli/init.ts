/** `glassgate init`: a project directory to start from. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { mustBeNew, type NewFile, readText, writeNewTexts } from "../base/files.js";
import { parseJson } from "../base/schema.js";
import { visible } from "../base/text.js";
import { newKey, type PrivateKey, type PublicKey, publicKeySchema, publicPart } from "../signer/jwk.js";
import { sealKey } from "../signer/keyfile.js";
import { type Anchors, anchorsSchema } from "../trust/anchors.js";
import { fingerprintOf } from "../trust/fingerprint.js";
import { collect, examples, keyPath, keysOption, newPassphrase, passphraseOption, wholeNumber } from "./context.js";
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

/** What `key show --json` or `key new` printed: an object, or a list of one. */
const rootFile = z.preprocess(
  (value) => (Array.isArray(value) && value.length === 1 ? value[0] : value),
  publicKeySchema,
);

function readPublicKeys(files: readonly string[]): PublicKey[] {
  return files.map((file) =>
    parseJson(readText(file, "the root key"), file, rootFile, "`glassgate key show NAME` prints it."),
  );
}

interface Root {
  readonly name: string;
  readonly path: string;
  readonly key: PrivateKey;
}

function newRoots(options: Options): Root[] {
  return Array.from({ length: ROOTS }, (_, i) => {
    const name = `root-${i + 1}`;
    const path = keyPath(options.keys, name);
    mustBeNew(
      path,
      `There is a key ${name} in ${options.keys} already. Nothing was changed.`,
      "Use another --keys folder, or pass public keys with --root.",
    );
    return { name, path, key: newKey("Ed25519") };
  });
}

/** All passphrases are asked for before the first key is encrypted, and all keys before the first is written. */
async function sealed(roots: readonly Root[], options: Options): Promise<NewFile[]> {
  const passphrases: string[] = [];
  for (const { name } of roots) passphrases.push(await newPassphrase(name, options.passphraseFd));
  return Promise.all(roots.map(({ name, path, key }, i) => sealKey(path, name, key, passphrases[i] ?? "")));
}

function anchorsOf(options: Options, roots: readonly PublicKey[]): Anchors {
  const anchors = anchorsSchema.safeParse({ audience: options.audience, threshold: options.threshold, roots });
  if (anchors.success) return anchors.data;
  const issue = anchors.error.issues[0];
  throw new UserError(
    `The anchors ${issue?.path.join(".") ?? ""} ${issue?.message ?? "are wrong"}. Nothing was written.`,
    {
      hint: "See `glassgate init --help`.",
    },
  );
}

async function init(folder: string, options: Options): Promise<void> {
  const anchorsPath = join(folder, "anchors.json");
  const rosterPath = join(folder, "roster.yaml");
  // The roster's first line names it: editors then check while one types.
  const schemaPath = join(folder, "roster.schema.json");
  for (const path of [anchorsPath, rosterPath, schemaPath])
    mustBeNew(path, `${path} exists already. Nothing was changed.`, "Choose an empty directory.");
  const given = readPublicKeys(options.root ?? []);
  const made = given.length > 0 ? [] : newRoots(options);
  const anchors = anchorsOf(options, given.length > 0 ? given : made.map(({ key }) => publicPart(key)));
  const keys = await sealed(made, options);
  writeNewTexts([
    { path: anchorsPath, text: `${JSON.stringify(anchors, null, 2)}\n` },
    { path: rosterPath, text: sample("roster.yaml") },
    { path: schemaPath, text: sample("roster.schema.json") },
    ...keys,
  ]);
  result(`${anchorsPath}\n${rosterPath}`);
  if (given.length === 0) {
    say(
      `Made ${ROOTS} root keys in ${visible(options.keys)}; ${options.threshold} of them must sign each trust bundle.`,
    );
    warn(
      "All root keys are on this machine. In production each holder makes one with `glassgate key new` and sends you the line that it prints; then: glassgate init DIR --root a.yaml --root b.yaml ...",
    );
  }
  say(`The anchors in words: ${fingerprintOf(anchors)} (\`glassgate anchors\` shows them again)`);
  if (options.threshold === 1) warn("The threshold is 1: ONE root key decides who may do what.");
  say(
    `Next: each person runs \`glassgate key new NAME\`; paste the lines into ${visible(rosterPath)}; then, in ${visible(folder)}, \`glassgate bundle build\`.`,
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
    "glassgate init break-glass --audience production --root a.yaml --root b.yaml --root c.yaml",
  ]);
}
