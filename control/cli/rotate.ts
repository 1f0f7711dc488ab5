/** `glassgate rotate`: a person's new key in, the old ones overlapping for a while; bundle, signatures and push in one command. */
import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { parse } from "yaml";
import { UserError } from "../base/errors.js";
import { readText, readTextIfThere, writeText } from "../base/files.js";
import { isRecord } from "../base/schema.js";
import { plural, visible } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { type PublicKey, publicKeySchema, thumbprint } from "../signer/jwk.js";
import { buildClaims } from "../trust/bundle.js";
import { describeChanges } from "../trust/diff.js";
import { parseRoster, type Roster } from "../trust/roster.js";
import { rotatedRoster } from "../trust/roster-edit.js";
import { addSignature, draftOf, nextPath } from "./bundle-draft.js";
import { changesByRoster } from "./bundle-report.js";
import {
  anchorsOption,
  bundleOption,
  collect,
  duration,
  examples,
  jsonOption,
  keysOption,
  openKey,
  passphraseOption,
  readTrusted,
  rosterOption,
  type Trusted,
} from "./context.js";
import {
  adminOption,
  type GatewayOptions,
  gatewayOption,
  pushToAll,
  reached,
  readGateways,
  reportPushes,
} from "./gateways.js";
import { say } from "./output.js";

interface Options extends GatewayOptions {
  readonly newKey: string;
  readonly overlap: number;
  readonly root: readonly string[];
  readonly keys: string;
  readonly roster: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

const HOW = "The person makes it with `glassgate key new NAME` and sends what that prints.";

/** JSON or YAML, on one line or many, also as an item of a list. */
function parseKey(text: string): unknown {
  try {
    const value: unknown = parse(text, { maxAliasCount: 0 });
    return Array.isArray(value) && value.length === 1 ? value[0] : value;
  } catch {
    return undefined; // The caller says what it should be.
  }
}

/** The public key that a person sent, as a file or as its text. */
export function readPublicKey(argument: string): PublicKey {
  const isFile = existsSync(argument);
  const value = parseKey(isFile ? readText(argument, "the new key") : argument);
  const name = isFile ? argument : "--new-key";
  if (!isRecord(value))
    throw new UserError(
      isFile
        ? `${visible(argument)} holds no public key.`
        : `There is no file ${visible(argument).slice(0, 80)}, and it is no public key either.`,
      { hint: HOW },
    );
  if ("d" in value || "encrypted" in value)
    throw new UserError(`${name} is a private key: it belongs on its owner's machine alone.`, {
      hint: `Give the public part. ${HOW}`,
    });
  const parsed = publicKeySchema.safeParse(value);
  if (!parsed.success)
    throw new UserError(`${name} is no public key: ${parsed.error.issues[0]?.message ?? "its members are others"}.`, {
      hint: HOW,
    });
  if (thumbprint(parsed.data) !== parsed.data.kid)
    throw new UserError(`${name}: the kid is not the key's thumbprint; it was changed on its way.`, { hint: HOW });
  return parsed.data;
}

/** Files as they were, to be put back when something fails half-way. */
function remember(paths: readonly string[]): () => void {
  const texts = paths.map((path) => [path, readTextIfThere(path, "the file")] as const);
  return () => {
    for (const [path, text] of texts) {
      if (text === undefined) rmSync(path, { force: true });
      else if (readTextIfThere(path, "the file") !== text) writeText(path, text);
    }
  };
}

/** Nobody reads what a rotation signs, so it signs the rotation alone: what else the roster says, people must see first. */
function refuseOtherChanges({ claims }: Trusted, roster: Roster, file: string): void {
  const others = changesByRoster(claims, roster);
  if (others.length === 0) return;
  throw new UserError(
    `${file} holds other changes than the new key, which nobody has read:\n${others.map((line) => `  ${line}`).join("\n")}`,
    {
      hint: "Have them read and signed first: `glassgate bundle build`, then `glassgate bundle sign`. Nothing was written.",
    },
  );
}

async function rotate(principal: string, options: Options): Promise<void> {
  const gateways = readGateways(options);
  const end = nowSeconds() + options.overlap;
  const key = readPublicKey(options.newKey);
  const before = readText(options.roster, "the roster", "Name the file with --roster.");
  const roster = rotatedRoster(before, options.roster, principal, key, end);
  const current = await readTrusted(options);
  refuseOtherChanges(current, parseRoster(before, options.roster), options.roster);
  const roots = [];
  for (const root of options.root) roots.push(await openKey(options.keys, root, options.passphraseFd));

  const putBack = remember([options.roster, nextPath(options.bundle), options.bundle]);
  try {
    writeText(options.roster, roster);
    const { anchors, claims: old } = current;
    const claims = buildClaims(parseRoster(roster, options.roster), [anchors.audience], old.version + 1, nowSeconds());
    for (const change of describeChanges(old, claims)) say(`  ${change}`);
    const content = `${JSON.stringify(claims, null, 2)}\n`;
    writeText(nextPath(options.bundle), content);
    let draft = draftOf(content, nextPath(options.bundle));
    let missing = 1;
    for (const root of roots) {
      if (missing > 0) ({ missing, draft } = await addSignature(options.bundle, root, draft, anchors));
    }
    if (missing > 0) {
      say(
        `The new key is in ${options.roster}, and no gateway knows it yet. ${plural(missing, "more root holder")} must run \`glassgate bundle sign\`, then \`glassgate push\`.`,
      );
      return;
    }
  } catch (error) {
    putBack();
    throw error;
  }
  const pushed = await pushToAll(gateways, await readTrusted(options));
  const names = reached(pushed);
  if (names.length === 0)
    say(`${options.roster} and ${options.bundle} hold the new key; no gateway does. \`glassgate push\` tries again.`);
  else
    say(
      `${principal} signs with ${key.kid} from now on; the old keys end at ${showTime(end)} on ${names.map(visible).join(", ")}. Any other gateway keeps them until it is pushed.`,
    );
  reportPushes(pushed, options.json);
}

export function addRotate(program: Command): void {
  const command = program
    .command("rotate")
    .description("bring in a person's new key: roster, bundle, root signatures and push in one command")
    .argument("<principal>", "whose key")
    .requiredOption("--new-key <file or text>", "the new public key, as `glassgate key new` printed it to its owner")
    .requiredOption("--root <name>", "a root key to sign the bundle with (repeat)", collect)
    .option("--overlap <duration>", "how long the old keys stay good; 1s ends them at once", duration, 3600)
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
    "glassgate rotate rita --new-key rita-2027.pub --root root-1 --root root-2",
    "glassgate rotate rita --new-key rita-2027.pub --root root-1 --root root-2 --overlap 1s",
  ]);
}
