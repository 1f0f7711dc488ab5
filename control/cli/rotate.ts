/** `glassgate rotate`: a new key for a principal, the old ones overlapping for a while; bundle, signatures and push in one command. */
import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { isMap, isSeq, parseDocument } from "yaml";
import { UserError } from "../base/errors.js";
import { readText, writeText } from "../base/files.js";
import { nearest } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { type Algorithm, newKey, type PublicKey, publicPart } from "../signer/jwk.js";
import { writeKeyFile } from "../signer/keyfile.js";
import { passphraseFor } from "../signer/passphrase.js";
import { parseRoster } from "../trust/roster.js";
import { addSignature, nextClaims, nextPath } from "./bundle.js";
import {
  anchorsOption,
  bundleOption,
  collect,
  duration,
  examples,
  jsonOption,
  keyPath,
  keysOption,
  openKey,
  passphraseOption,
  readTrusted,
  rosterOption,
} from "./context.js";
import { say } from "./output.js";
import { adminOption, gatewayOption, pushTo, reportPush } from "./push.js";

interface Options {
  readonly overlap: number;
  readonly root: readonly string[];
  readonly keys: string;
  readonly roster: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly gateway: string;
  readonly admin: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** The roster with the new key added and the old ones ending; comments stay. */
export function rotatedRoster(
  text: string,
  file: string,
  principal: string,
  key: PublicKey,
  oldKeysEnd: number,
): string {
  const roster = parseRoster(text, file);
  const index = roster.principals.findIndex(({ id }) => id === principal);
  if (index < 0) {
    const ids = roster.principals.map(({ id }) => id);
    const near = nearest(principal, ids);
    throw new UserError(`${file} has no principal ${principal}.`, {
      hint: near === undefined ? `There are: ${ids.join(", ")}.` : `Did you mean ${near}?`,
    });
  }
  const document = parseDocument(text);
  const keys = document.getIn(["principals", index, "keys"]);
  if (!isSeq(keys)) throw new UserError(`${file}: the keys of ${principal} are no list.`);
  for (const old of keys.items) {
    if (!isMap(old)) continue;
    const end = old.get("exp");
    if (typeof end !== "number" || end > oldKeysEnd) old.set("exp", oldKeysEnd);
  }
  keys.flow = false;
  keys.add(document.createNode(key));
  return document.toString({ lineWidth: 0 });
}

async function rotate(principal: string, options: Options & { algorithm: Algorithm }): Promise<void> {
  const now = nowSeconds();
  const name = `${principal}-${new Date(now * 1000).toISOString().slice(0, 19).replace(/[-:]/g, "")}`;
  const path = keyPath(options.keys, name);
  if (existsSync(path))
    throw new UserError(`There is a key ${name} already.`, { hint: "Wait a second and try again." });
  const before = readText(options.roster, "the roster");
  const key = newKey(options.algorithm);
  const roster = rotatedRoster(before, options.roster, principal, publicPart(key), now + options.overlap);
  const source = options.passphraseFd === undefined ? {} : { descriptor: options.passphraseFd };
  const roots = [];
  for (const root of options.root) roots.push(await openKey(options.keys, root, options.passphraseFd));
  await writeKeyFile(path, name, key, await passphraseFor(name, source, true));

  writeText(options.roster, roster);
  try {
    const { claims } = nextClaims(options);
    writeText(nextPath(options.bundle), `${JSON.stringify(claims, null, 2)}\n`);
    let missing = 1;
    for (const root of roots) {
      if (missing > 0) ({ missing } = await addSignature(options, root));
    }
    if (missing > 0) {
      say(
        `The new key ${name} is in ${options.roster}. ${missing} more root holder must run \`glassgate bundle sign\`, then \`glassgate push\`.`,
      );
      return;
    }
  } catch (error) {
    writeText(options.roster, before);
    rmSync(path, { force: true });
    rmSync(nextPath(options.bundle), { force: true });
    throw error;
  }
  const pushed = await pushTo(options, await readTrusted(options));
  reportPush(pushed, options.json);
  say(`${principal} signs with ${name} from now on; the old keys end at ${showTime(now + options.overlap)}.`);
}

export function addRotate(program: Command): void {
  const command = program
    .command("rotate")
    .description("give a principal a new key: roster, bundle, root signatures and push in one command")
    .argument("<principal>", "whose key")
    .requiredOption("--root <name>", "a root key to sign the bundle with (repeat)", collect)
    .option("--overlap <duration>", "how long the old keys stay good; 1s ends them at once", duration, 3600)
    .option(
      "--algorithm <name>",
      "signature algorithm of the new key",
      (value): Algorithm => {
        if (value !== "Ed25519" && value !== "ES256")
          throw new UserError(`"${value}" is not an algorithm.`, { hint: "Ed25519 or ES256." });
        return value;
      },
      "Ed25519",
    )
    .addOption(rosterOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(keysOption())
    .addOption(gatewayOption())
    .addOption(adminOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(rotate);
  examples(command, [
    "glassgate rotate rita --root root-1 --root root-2",
    "glassgate rotate rita --root root-1 --root root-2 --overlap 1s",
  ]);
}
