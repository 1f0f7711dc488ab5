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
import type { Anchors } from "../trust/anchors.js";
import type { Folded, FoldedText } from "../trust/fold.js";
import { nextBundle } from "../trust/next-bundle.js";
import { parseRoster } from "../trust/roster.js";
import { rotatedRoster } from "../trust/roster-edit.js";
import {
  currentBundle,
  type Draft,
  draftOf,
  keepSigned,
  nextPath,
  refusalOfDraft,
  type Signed,
  signDraft,
} from "./bundle-draft.js";
import { reportOf, sayReport } from "./bundle-report.js";
import { readTexts, sayFolded } from "./bundle-texts.js";
import {
  anchorsOption,
  bundleOption,
  collect,
  duration,
  examples,
  findKeyFile,
  jsonOption,
  keysOption,
  openKey,
  passphraseOption,
  readTrusted,
  rosterOption,
} from "./context.js";
import {
  adminOption,
  type GatewayOptions,
  gatewayOption,
  pushToAll,
  reached,
  readEnvoys,
  reportPushes,
} from "./gateways.js";
import { askPerson, paint, say, warn } from "./output.js";

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

/** Before anybody is asked for anything. */
function checkRoots({ root: names, keys, anchors: file }: Options, anchors: Anchors): void {
  const seen = new Set<string>();
  for (const name of names) {
    const { kid } = findKeyFile(keys, name).public;
    if (seen.has(kid)) throw new UserError(`The root ${visible(name)} is named twice.`, { hint: "Each signs once." });
    seen.add(kid);
    if (!anchors.roots.some((root) => root.kid === kid))
      throw new UserError(`The key ${visible(name)} is not one of the roots in ${visible(file)}.`, {
        hint: "Sign with a root key.",
      });
  }
}

/** The next bundle by a roster that is not written yet, and the one in force. */
function draftBy(
  roster: string,
  options: Options,
  anchors: Anchors,
  texts: readonly FoldedText[],
): { draft: Draft; current: Draft | undefined; folded: Folded } {
  const current = currentBundle(options.bundle);
  const parsed = parseRoster(roster, options.roster);
  const { claims, folded } = nextBundle(parsed, anchors, current?.claims, texts, nowSeconds());
  return { draft: draftOf(JSON.stringify(claims, null, 2), nextPath(options.bundle)), current, folded };
}

/** Shows all that will be signed, and asks once: for the roster, the bundle and the push. */
async function agree(roster: string, options: Options, anchors: Anchors, texts: readonly FoldedText[]): Promise<Draft> {
  const { draft, current, folded } = draftBy(roster, options, anchors, texts);
  const refusal = await refusalOfDraft(draft, anchors);
  if (refusal !== undefined)
    throw new UserError(`The filter would refuse this bundle: ${refusal}.`, {
      hint: "Mend the roster. Nothing was changed.",
    });
  const report = await reportOf(draft, current, anchors);
  say(paint("bold", `You are asked to sign this trust bundle with ${options.root.map(visible).join(" and ")}:`));
  sayReport(report, draft, current);
  sayFolded(folded, [draft.claims, ...(current === undefined ? [] : [current.claims])]);
  if (existsSync(draft.file)) warn(`${draft.file} is there already, and this takes its place, signatures included.`);
  say();
  say("Is this what was agreed? The signature is on all of it, also on what else the roster has changed.");
  if ((await askPerson('Type "yes" to sign and push, anything else to stop: ')) !== "yes")
    throw new UserError("Not signed. Nothing was changed.", { exitCode: 1 });
  return draft;
}

/** Signs the very bytes that were shown, by as many of the roots as are needed. Writes nothing. */
async function signBy(draft: Draft, options: Options, anchors: Anchors): Promise<Signed> {
  let signed: Signed | undefined;
  for (const root of options.root) {
    if (signed?.missing === 0) break;
    signed = await signDraft(signed?.draft ?? draft, await openKey(options.keys, root, options.passphraseFd), anchors);
  }
  if (signed === undefined) throw new UserError("No root key is named.", { hint: "Name one with --root." });
  return signed;
}

/** Roster and bundle, both or neither. */
async function keep(signed: Signed, roster: string, before: string, options: Options, anchors: Anchors): Promise<void> {
  if (readText(options.roster, "the roster") !== before)
    throw new UserError(`${visible(options.roster)} was changed while you read. Nothing was changed by this command.`, {
      hint: "Run it again: it shows what is in the roster now.",
    });
  const putBack = remember([options.roster, nextPath(options.bundle), options.bundle]);
  try {
    writeText(options.roster, roster);
    await keepSigned(signed, options.bundle, anchors);
  } catch (error) {
    putBack();
    throw error;
  }
}

async function rotate(principal: string, options: Options): Promise<void> {
  const gateways = readEnvoys(
    options,
    "Leave it out here, and bring the new bundle there afterwards by `glassgate push --gateway kong.yaml --kong URL`.",
  );
  const { anchors } = await readTrusted(options); // What the change is compared with is signed by the roots.
  const end = nowSeconds() + options.overlap;
  const key = readPublicKey(options.newKey);
  const before = readText(options.roster, "the roster", "Name the file with --roster.");
  const roster = rotatedRoster(before, options.roster, principal, key, end);
  checkRoots(options, anchors);
  const texts = await readTexts(gateways, [], anchors, currentBundle(options.bundle)?.claims);
  const draft = await agree(roster, options, anchors, texts);
  const signed = await signBy(draft, options, anchors);
  await keep(signed, roster, before, options, anchors);
  const { missing, claims } = signed;
  if (missing > 0) {
    say(
      `The new key is in ${options.roster}, and no gateway knows it yet. ${plural(missing, "more root holder")} must run \`glassgate bundle sign\`, then \`glassgate push\`.`,
    );
    return;
  }
  const pushed = await pushToAll(gateways, { anchors, text: signed.draft.text, claims });
  const names = reached(pushed);
  if (names.length === 0)
    say(
      `${options.roster} and ${options.bundle} hold the new key; that a gateway does was not seen. \`glassgate push\` tries again.`,
    );
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
