/** Which urgent revocations come into the next bundle: from files, or from the gateways' own; and what a person reads of it. */
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { visible } from "../base/text.js";
import type { Anchors } from "../trust/anchors.js";
import { domainOf } from "../trust/anchors.js";
import type { BundleClaims } from "../trust/claims.js";
import { type Entry, entryNamed, nameOf } from "../trust/entries.js";
import { wordsOf } from "../trust/entry-words.js";
import { quoted } from "../trust/facts.js";
import type { Folded, FoldedText } from "../trust/fold.js";
import { countingTexts, type Decisions, replacedBy, type SourcedText } from "../trust/next-bundle.js";
import { collect } from "./context.js";
import { type Gateway, type GatewayOptions, gatewayOption, readGateways, readHeldOf } from "./gateways.js";
import { say, warn } from "./output.js";

export interface TextOptions extends GatewayOptions {
  readonly texts?: readonly string[];
}

export interface DecisionOptions {
  readonly leaveOut?: readonly string[];
  readonly takeBack?: readonly Entry[];
}

function entryOption(text: string, before: readonly Entry[] = []): Entry[] {
  const entry = entryNamed(text);
  if (entry !== undefined) return [...before, entry];
  throw new UserError(`${quoted(text)} names nothing that is revoked.`, {
    hint: "Write it as `bundle show` lists it: sub:rita, kid:KID, jti:JTI, incident:INC-7, issued_before or issued_before:rita.",
  });
}

export function addTextOptions(command: Command): Command {
  return command
    .addOption(gatewayOption("and have the urgent revocations read from there", "none"))
    .option("--texts <file>", "a file of urgent revocations (repeat)", collect);
}

export function addDecisionOptions(command: Command): Command {
  return command
    .option("--leave-out <signer>", "push a revoker out, with all that he revoked urgently (repeat)", collect)
    .addOption(
      new Option("--take-back <entry>", "let that through again, for example sub:rita (repeat)").argParser(entryOption),
    );
}

export const decisionsOf = ({ leaveOut, takeBack }: DecisionOptions): Decisions => ({
  ...(leaveOut === undefined ? {} : { leftOut: leaveOut }),
  ...(takeBack === undefined ? {} : { takenBack: takeBack }),
});

async function atGateway(gateway: Gateway, anchors: Anchors): Promise<SourcedText[]> {
  const { file } = gateway;
  const held = await readHeldOf(gateway);
  if (held === undefined) return [];
  if (domainOf(held.anchors) !== domainOf(anchors))
    throw new UserError(`${visible(file)} has other anchors than these.`, {
      hint: "Build with the anchors of that gateway (--anchors).",
    });
  return held.texts.map(({ text, signer, claims }) => [
    text,
    `${visible(file)}, version ${claims.version} of ${quoted(signer)}`,
  ]);
}

function inFile(file: string): SourcedText[] {
  const texts = readText(file, "the urgent revocations")
    .split(/\s+/)
    .filter((text) => text !== "");
  return texts.map((text) => [text, visible(file)]);
}

/** The texts that count beside the bundle in force. */
export async function readTexts(
  gateways: readonly Gateway[],
  files: readonly string[],
  anchors: Anchors,
  current: BundleClaims | undefined,
  leftOut: readonly string[] = [],
): Promise<FoldedText[]> {
  const found = await Promise.all(gateways.map((gateway) => atGateway(gateway, anchors)));
  return countingTexts([...found.flat(), ...files.flatMap(inFile)], anchors, current, leftOut);
}

/** Without --gateway none is read: a bundle is often built where no gateway is. */
export const gatewaysOf = (options: TextOptions): Gateway[] =>
  options.gateway === undefined ? [] : readGateways(options);

/** What became of what is in force, in words; what could still matter and is left out is a warning. */
export function sayFolded({ fromTexts, carried, dropped, leftOut }: Folded, bundles: readonly BundleClaims[]): void {
  const words = (entry: Entry): string => wordsOf(entry, bundles);
  const lines = (heading: string, entries: readonly string[]): void => {
    if (entries.length > 0) say(heading);
    for (const entry of entries) say(`  ${entry}`, 4);
  };
  lines(
    "Taken in from urgent revocations:",
    fromTexts.map(([entry, signer]) => `${words(entry)} (${quoted(signer)})`),
  );
  lines(
    "Still taken away, as in the bundle in force (--take-back lets it through again):",
    carried.map((entry) => `${words(entry)}: ${visible(nameOf(entry))}`),
  );
  lines("Dropped, as all grants that it could take away have died:", dropped.map(words));
  for (const [entry, signer] of leftOut)
    warn(
      `LEFT OUT, and so let through again: ${words(entry)} (${signer === undefined ? "in the bundle in force" : quoted(signer)})`,
    );
}

/** For whoever signs: what the draft leaves out of the texts that it takes the place of, as far as they can be seen here. */
export function sayReplaced(
  draft: BundleClaims,
  current: BundleClaims | undefined,
  texts: readonly FoldedText[],
): void {
  const { lost, unseen } = replacedBy(draft, current, texts);
  for (const [entry, signer] of lost)
    warn(`this bundle LEAVES OUT what ${quoted(signer)} revoked urgently: ${wordsOf(entry, [draft])}`);
  for (const signer of unseen)
    warn(
      `urgent revocations of ${quoted(signer)} count no more with this bundle, and whether it holds all that they took away cannot be seen here: give --gateway FILE or --texts FILE`,
    );
}
