/** `glassgate ledger next`: seals a ledger and makes the one that goes on from it. Stopped anywhere, it is run again. */
import { existsSync } from "node:fs";
import { basename, join, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { type NewFile, readText, readTextIfThere, writeNewTexts, writeText } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { type LedgerConfig, parseLedgerConfig, readLedgerConfig } from "../ledger/config.js";
import { positionName } from "../ledger/follow/follower.js";
import { newLogFiles } from "../ledger/log/files.js";
import { checkOrigin, openLogSigner } from "../ledger/log/key.js";
import { mustHaveLog } from "../ledger/log/tessera-folder.js";
import { pinsOf, stateFolder } from "../ledger/serve/open.js";
import { nextConfig } from "../ledger/shards/config.js";
import { type Next, nextShard, type Shard } from "../ledger/shards/next.js";
import { newKey, type PrivateKey } from "../signer/jwk.js";
import { type KeyFile, readKeyFile, sealKey } from "../signer/keyfile.js";
import { readAnchors } from "../trust/anchors.js";
import { examples, jsonOption, keysOption, newPassphrase, openKeyFile, passphraseOption } from "./context.js";
import { fileNameOf, filesIn, keyFileFor, mustBeEmpty, mustBeNoKey } from "./ledger-init.js";
import { progress } from "./ledger-options.js";
import { result, resultJson, say, sayWhole, warn } from "./output.js";

interface Options {
  readonly origin: string;
  readonly key?: string;
  readonly newKey?: boolean;
  readonly keys: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

const configFile = (folder: string): string => join(folder, "ledger.yaml");

/**
 * Beside the old key: which key's file goes on with it under that name. A second one would sign a second history under the same name and
 * key, each with a record of its own.
 */
const noteOf = (oldKey: string, origin: string): string => `${oldKey}.next-${fileNameOf(origin)}`;

/** @throws where the name was given to another key's file before */
function mustBeOnly(oldKey: string, origin: string, path: string): void {
  const note = noteOf(oldKey, origin);
  const before = readTextIfThere(note, "the note of its successor's key")?.trimEnd();
  if (before === undefined || before === path) return;
  throw new UserError(`${visible(origin)} was made before: its key is ${visible(before)}. Nothing was changed.`, {
    hint: `Name the folder that goes with that key. A key never signs two ledgers of one name; only where nothing was ever written to that one, or its key was moved here: rm ${visible(note)}`,
    exitCode: 1,
  });
}

/** The old key under another name, so that bundles which name it go on; its record of what it signed is a new one. */
function copyOf(file: KeyFile, path: string, name: string): NewFile {
  return { path, text: `${JSON.stringify({ ...file, name }, null, 2)}\n`, mode: 0o600 };
}

const keyIn = (file: KeyFile, oldKey: PrivateKey, passphraseFd: number | undefined): Promise<PrivateKey> =>
  file.public.kid === oldKey.kid ? Promise.resolve(oldKey) : openKeyFile(file, passphraseFd);

const unmadeKey = (oldKey: PrivateKey, { newKey: isNew }: Options): PrivateKey =>
  isNew === true ? newKey("Ed25519") : oldKey;

/** A run that was killed left no more of the folder than its configuration, and that beside no other key. */
function isBegun(to: string, configText: string, note: string, keyPath: string): boolean {
  const names = existsSync(to) ? filesIn(to) : [];
  return (
    names.length === 1 &&
    readTextIfThere(configFile(to), "the new ledger's configuration") === configText &&
    readTextIfThere(note, "the note of its successor's key")?.trimEnd() === keyPath
  );
}

/**
 * Of a log's files those that an earlier run has not written yet.
 * @throws where the key signed something, or what it signed is missing beside it: it goes on only in the folder that it signed in
 */
function unwritten(files: readonly NewFile[], key: KeyFile | undefined): NewFile[] {
  return files.filter(({ path, text }) => {
    const found = readTextIfThere(path, "what an earlier run has made");
    if (found === text) return false;
    if (found === undefined && (key === undefined || !path.endsWith(".signed"))) return true;
    throw new UserError(`${visible(path)} is not what a run that was stopped leaves. Nothing was changed.`, {
      hint: "That key was used already. Bring back the ledger's folder as it was.",
      exitCode: 1,
    });
  });
}

/** The new folder, its key and configuration, the checkpoint last: where this is stopped before that, it goes on with what is there. */
async function make(from: string, to: string, old: LedgerConfig, oldKey: PrivateKey, options: Options): Promise<Shard> {
  const { origin, passphraseFd } = options;
  const path = keyFileFor(to, options);
  const note = noteOf(old.key, origin);
  const text = nextConfig(readText(configFile(from), "the ledger's configuration"), resolve(configFile(from)), {
    origin,
    key: path,
  });
  parseLedgerConfig(text, configFile(to));
  const hasBegun = isBegun(to, text, note, path);
  if (!hasBegun) {
    mustBeEmpty(to);
    mustBeNoKey(path);
  }
  mustBeOnly(old.key, origin, path);
  const name = basename(path).replace(/\.key\.json$/, "");
  const made = hasBegun && existsSync(path) ? readKeyFile(path) : undefined;
  const key = made === undefined ? unmadeKey(oldKey, options) : await keyIn(made, oldKey, passphraseFd);
  const shard = { folder: to, signer: openLogSigner(key, origin), signedPath: `${path}.signed` };
  const files = hasBegun ? unwritten(newLogFiles(shard), made) : newLogFiles(shard);
  if (made === undefined) {
    const isNew = options.newKey === true;
    // Behind the record of what it signed, which nobody may lose, and before the checkpoint.
    const keyFile = isNew
      ? await sealKey(path, name, key, await newPassphrase(name, passphraseFd))
      : copyOf(readKeyFile(old.key), path, name);
    files.splice(-1, 0, keyFile);
  }
  if (!hasBegun) files.unshift({ path: configFile(to), text });
  if (!existsSync(note)) writeNewTexts([{ path: note, text: `${path}\n`, mode: 0o600 }]);
  writeNewTexts(files);
  return shard;
}

/** What an earlier run has made. */
async function reopen(to: string, from: LedgerConfig, oldKey: PrivateKey, options: Options): Promise<Shard> {
  const { origin, passphraseFd } = options;
  const config = readLedgerConfig(configFile(to));
  if (config.origin !== origin)
    throw new UserError(`${visible(to)} is the ledger ${visible(config.origin)} already.`, {
      hint: `To go on with it: --origin ${visible(config.origin)}; else name a new folder.`,
    });
  mustBeOnly(from.key, origin, config.key);
  const key = await keyIn(readKeyFile(config.key), oldKey, passphraseFd);
  return { folder: to, signer: openLogSigner(key, origin), signedPath: `${config.key}.signed` };
}

/** How far each log was read: without it the successor would take the old lines for late ones. */
function bringPositions(from: string, to: string, { gateways }: LedgerConfig): void {
  for (const { id, audit = [], answers = [] } of gateways)
    for (const { path } of [...audit, ...answers]) {
      const name = positionName(id, path);
      const text = readTextIfThere(join(stateFolder(from), name), "the position");
      if (text !== undefined) writeText(join(stateFolder(to), name), text, { mode: 0o600 });
    }
}

function tell({ sealed, vms, openGaps, wasDone }: Next, to: string, isNewKey: boolean, old: LedgerConfig): void {
  const { publish } = readLedgerConfig(configFile(to));
  if (wasDone) say("It was done already: nothing was changed.");
  else
    say(
      `Sealed ${visible(sealed.origin)} at ${sealed.size} entries. Its successor goes on with ${plural(vms, "chain")} of records and ${plural(openGaps, "open gap")}.`,
    );
  if (isNewKey)
    say(
      "It has a key of its own: where gateways ask for receipts, the bundle's `ledgers` must name it before they do.",
    );
  if (publish !== undefined && publish.to === old.publish?.to)
    warn(
      `${visible(configFile(to))} publishes to ${visible(publish.to)}, as the old one does, and each ledger has a prefix of its own: name another one there before you start it.`,
    );
  say("Next: start the new one, and verify the old one while both are at hand:");
  sayWhole(`  glassgate ledger serve ${visible(to)}`);
  say("The new one's verifier key, for everybody who is to verify it:");
}

async function run(from: string, to: string, options: Options): Promise<void> {
  checkOrigin(options.origin);
  const config = readLedgerConfig(configFile(from));
  mustHaveLog(
    from,
    "End its writers, and begin a log of another name: its own Tessera, and a folder by `glassgate ledger init`.",
  );
  const oldKey = await openKeyFile(readKeyFile(config.key), options.passphraseFd);
  const old = { folder: from, signer: openLogSigner(oldKey, config.origin), signedPath: `${config.key}.signed` };
  if (resolve(to).startsWith(resolve(from) + sep))
    throw new UserError(`${visible(to)} would stand in the folder of the old ledger. Nothing was changed.`, {
      hint: "Name a folder beside it: the old one goes as a whole one day.",
    });
  if (options.origin === config.origin)
    throw new UserError(`${visible(options.origin)} is the name of the old ledger: the new one needs another.`, {
      hint: "The period is in the name: --origin ledger.example.com/eu/2026-12",
    });
  const fresh = existsSync(join(to, "checkpoint"))
    ? await reopen(to, config, oldKey, options)
    : await make(from, to, config, oldKey, options);
  const tick = progress();
  const next = await nextShard({
    old,
    fresh,
    pins: pinsOf(config, config.anchors.map(readAnchors)),
    grace: { gap: config.grace, silence: config.silence },
    clock: Date.now,
    progress: (done, of) => tick("Reading the old one", done, of),
    bring: () => bringPositions(from, to, config),
  });
  tell(next, to, fresh.signer.kid !== old.signer.kid, config);
  const { origin, vkey, kid } = fresh.signer;
  const key = { file: fresh.signedPath.replace(/\.signed$/, ""), kid };
  if (options.json !== true) result(vkey);
  else resultJson({ origin, vkey, key, predecessor: config.origin, sealed: next.sealed.text, done: next.wasDone });
}

export function addLedgerNext(ledger: Command): void {
  const command = ledger
    .command("next")
    .description("seal a ledger and make the one that goes on from it: another period, another name")
    .argument("<old>", "the folder of the ledger that ends; nobody may write to it now")
    .argument("<new>", "a new folder for its successor")
    .addOption(new Option("--origin <name>", "the successor's name: its address, and the period").makeOptionMandatory())
    .option("--key <file>", "where to put its key (default: among your keys)")
    .option("--new-key", "make a new key; else the old one goes along under the new name")
    .addOption(keysOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(run);
  examples(command, ["glassgate ledger next eu-2026-11 eu-2026-12 --origin ledger.example.com/eu/2026-12"]);
}
