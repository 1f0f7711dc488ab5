/** What every command shares: where files are, how keys are opened. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { hintOf, reasonOf, systemCode, UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { homeFolder } from "../base/home.js";
import { nearest, visible } from "../base/text.js";
import { parseDuration } from "../base/time.js";
import type { PrivateKey } from "../signer/jwk.js";
import { type KeyFile, readKeyFile, unlockKey, WrongPassphrase } from "../signer/keyfile.js";
import { isTyped, passphraseFor, preparePassphrase } from "../signer/passphrase.js";
import { type Anchors, readAnchors } from "../trust/anchors.js";
import { verifyBundle } from "../trust/bundle.js";
import type { BundleClaims } from "../trust/claims.js";
import { warn } from "./output.js";

/** Below the home folder; undefined for a user that has none, as in many containers. */
export function defaultKeys(): string | undefined {
  const home = homeFolder();
  return home === undefined ? undefined : join(home, ".glassgate", "keys");
}

const NO_HOME = "(you have no home folder: name one)";
/** A variable that is set and empty is as good as none: keys never land in the folder one happens to be in. */
export const keysOption = (): Option =>
  new Option("--keys <dir>", "where your keys are")
    .env("GLASSGATE_KEYS")
    .argParser((folder: string) => (folder === "" ? (defaultKeys() ?? "") : folder))
    .default(defaultKeys() ?? "", defaultKeys() ?? NO_HOME);

function keysFolder(folder: string): string {
  if (folder !== "") return folder;
  throw new UserError("There is no home folder to have keys in.", {
    hint: "Name a folder of keys with --keys or GLASSGATE_KEYS.",
  });
}
export const anchorsOption = (): Option =>
  new Option("--anchors <file>", "root keys, threshold and audience").default("anchors.json");
export const bundleOption = (): Option =>
  new Option("--bundle <file>", "the signed trust bundle").default("bundle.jws");
export const rosterOption = (): Option =>
  new Option("--roster <file>", "people, roles and entitlements").default("roster.yaml");
export const jsonOption = (): Option => new Option("--json", "print the result as JSON");
export const keyOption = (whose: string): Option =>
  new Option("--key <name>", whose).env("GLASSGATE_KEY").makeOptionMandatory();
export const passphraseOption = (): Option =>
  new Option(
    "--passphrase-fd <n>",
    "read the passphrase from this file descriptor: a line for each key, or one for all (or set GLASSGATE_PASSPHRASE)",
  ).argParser(wholeNumber);

export function wholeNumber(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** For options: commander adds the option's name to the message. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError("Write 90s, 15m, 2h or 30d.");
  }
}

export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export const keyPath = (folder: string, name: string): string => join(keysFolder(folder), `${name}.key.json`);

/** Names of the key files in the folder. */
export function keyNames(folder: string): string[] {
  let files: string[];
  try {
    files = readdirSync(keysFolder(folder));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read the folder of keys ${visible(folder)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: systemCode(error) === "ENOTDIR" ? "Name a folder with --keys or GLASSGATE_KEYS." : (hintOf(error) ?? ""),
    });
  }
  return files
    .filter((file) => file.endsWith(".key.json"))
    .map((file) => file.slice(0, -".key.json".length))
    .sort();
}

export function findKeyFile(folder: string, name: string): KeyFile {
  const names = keyNames(folder);
  if (!names.includes(name)) {
    const near = nearest(name, names);
    const known = names.length === 0 ? `There is no key in ${folder}.` : `There are: ${names.join(", ")}.`;
    throw new UserError(`There is no key named ${name}.${near === undefined ? "" : ` Did you mean ${near}?`}`, {
      hint: `${known} \`glassgate key new NAME\` makes one.`,
    });
  }
  return readKeyFile(keyPath(folder, name));
}

/** At three in the morning a hand slips. */
const TRIES = 3;

/** Opens a key with its passphrase. */
export const openKey = async (folder: string, name: string, descriptor: number | undefined): Promise<PrivateKey> =>
  openKeyFile(findKeyFile(folder, name), descriptor);

export async function openKeyFile(file: KeyFile, descriptor: number | undefined): Promise<PrivateKey> {
  const source = descriptor === undefined ? {} : { descriptor };
  for (let tries = 1; ; tries++) {
    try {
      return await unlockKey(file, await passphraseFor(file.name, source));
    } catch (error) {
      if (!(error instanceof WrongPassphrase) || tries === TRIES || !isTyped(source)) throw error;
      warn(`${error.message} Try again.`);
    }
  }
}

/** Fewer characters are guessed in hours by who has the file. */
const SHORT = 12;

/** The passphrase of a key that is being made: asked for twice, checked, and gently weighed. */
export async function newPassphrase(name: string, descriptor: number | undefined): Promise<string> {
  const passphrase = await passphraseFor(name, descriptor === undefined ? {} : { descriptor }, true);
  if ([...preparePassphrase(passphrase)].length < SHORT)
    warn(`the passphrase of ${name} is short: several words are as easy to keep in mind, and much harder to guess.`);
  return passphrase;
}

export interface Trusted {
  readonly anchors: Anchors;
  readonly text: string;
  readonly claims: BundleClaims;
}

/** The bundle, verified under the anchors; refuses one that is not fully signed. */
export async function readTrusted(options: { anchors: string; bundle: string }): Promise<Trusted> {
  const anchors = readAnchors(options.anchors);
  const text = readText(
    options.bundle,
    "the trust bundle",
    "Build and sign one: `glassgate bundle build`, then `glassgate bundle sign`.",
  ).trim();
  const { claims, missing } = await verifyBundle(text, options.bundle, anchors);
  if (missing > 0) {
    throw new UserError(`${options.bundle} lacks ${missing} of ${anchors.threshold} root signatures.`, {
      hint: "Another root holder runs `glassgate bundle sign`.",
    });
  }
  return { anchors, text, claims };
}

/** Help with examples: every command has them. */
export function examples(command: Command, lines: readonly string[]): void {
  command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`);
}
