/**
 * Texts of revocations beside a bundle: which ones a configuration with that bundle holds. A push never leaves one out but those that
 * the bundle itself takes the place of, and of one signer the older.
 */
import { UserError } from "../base/errors.js";
import type { Anchors } from "../trust/anchors.js";
import { readClaims } from "../trust/bundle.js";
import type { BundleClaims } from "../trust/claims.js";
import type { Configuration } from "../trust/configuration.js";
import { missingFrom } from "../trust/entries.js";
import { wordsOf } from "../trust/entry-words.js";
import {
  appliedDigest,
  isIgnored,
  MAX_TEXTS,
  MAX_TEXTS_BYTES,
  type ReadRevocations,
  readRevocations,
  signerOf,
  verifyRevocations,
} from "../trust/revocations.js";
import { silencerOf } from "../trust/silence.js";
import type { Bundle } from "./ecds.js";

export const textsIn = (configuration: Pick<Configuration, "revocations"> | undefined): string[] =>
  [configuration?.revocations ?? []].flat();

const known = new Map<string, BundleClaims | undefined>();

/** Undefined where this glassgate cannot read it: whether it can serve is the filter's business. */
export function claimsOf(bundle: Bundle | undefined): BundleClaims | undefined {
  if (bundle === undefined) return undefined;
  if (!known.has(bundle.payload))
    known.set(
      bundle.payload,
      tried(() => readClaims(bundle.text, "the bundle")),
    );
  return known.get(bundle.payload);
}

/** What cannot be read is the filter's business, which refuses it by name. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

export interface NamedText extends ReadRevocations {
  /** Under whom its version counts with that bundle. */
  readonly signer: string;
}

export function named(text: string, anchors: Anchors, bundle: BundleClaims | undefined): NamedText | undefined {
  const read = tried(() => readRevocations(text, "a text of revocations"));
  return read && { ...read, signer: signerOf(read.kid, anchors, bundle)?.name ?? read.kid };
}

const isFull = (texts: readonly string[]): boolean =>
  texts.length > MAX_TEXTS || texts.reduce((bytes, { length }) => bytes + length, 0) > MAX_TEXTS_BYTES;

/** What a root's text silences takes nothing away: where there is no room for all, it makes room. So no revoker keeps a root out. */
function withRoom(
  beside: string[],
  read: readonly NamedText[],
  anchors: Anchors,
  bundle: BundleClaims | undefined,
): string[] {
  if (!isFull(beside)) return beside;
  const speaking = read.map(({ signer, claims: { revoked } }) => ({ signer, revoked }));
  const silenced = read.filter(({ signer, kid }) => silencerOf(signer, kid, anchors, bundle, speaking) !== undefined);
  return beside.filter((text) => !silenced.some((one) => one.text === text));
}

interface Counting {
  readonly texts: string[];
  /** Those of them that can be read. */
  readonly read: NamedText[];
}

/** The texts that the bundle does not ignore, of each signer the newest, in their order; and what cannot be read. */
function counting(texts: readonly string[], anchors: Anchors, bundle: BundleClaims | undefined): Counting {
  const newest = new Map<string, NamedText>();
  const unread = new Set<string>();
  for (const text of texts) {
    const read = named(text, anchors, bundle);
    if (read === undefined) unread.add(text);
    else if (!isIgnored(read, anchors, bundle)) {
      const before = newest.get(read.signer);
      // Of one version the first: it was written before.
      if (before === undefined || read.claims.version > before.claims.version) newest.set(read.signer, read);
    }
  }
  const read = [...newest.values()];
  const kept = [...new Set(texts)].filter((text) => unread.has(text) || read.some((one) => one.text === text));
  return { texts: kept, read };
}

/** Texts that no later push may forget: those that count, also where they have made room in the gateway's own file. */
export const textsThatCount = (
  texts: readonly string[],
  anchors: Anchors,
  bundle: BundleClaims | undefined,
): readonly string[] => counting(texts, anchors, bundle).texts;

/**
 * Of those texts the ones that stand beside the bundle, in their order. What cannot be read stays, and so does what a root or the
 * bundle silences, while there is room: nobody loses it silently.
 */
export function textsBeside(texts: readonly string[], anchors: Anchors, bundle: BundleClaims | undefined): string[] {
  const { texts: kept, read } = counting(texts, anchors, bundle);
  return withRoom(kept, read, anchors, bundle);
}

/**
 * Whether the gauge `revocations_applied` says that every thread holds the texts that stand beside the bundle, and no other that
 * takes anything away. Silenced ones that have made room may be remembered there, each or none: a new VM has never seen them.
 */
export function isApplied(
  applied: number | undefined,
  texts: readonly string[],
  anchors: Anchors,
  bundle: BundleClaims | undefined,
): boolean {
  const { texts: kept, read } = counting(texts, anchors, bundle);
  const beside = withRoom(kept, read, anchors, bundle);
  const isBeside = ({ text }: NamedText): boolean => beside.includes(text);
  const hasMadeRoom = read.filter((one) => !isBeside(one)).slice(0, MAX_TEXTS);
  const sets = [read.filter(isBeside)];
  for (const one of hasMadeRoom) sets.push(...sets.map((set) => [...set, one]));
  return sets.some((set) => digestOfTexts(set) === applied);
}

/** What the gauge shows when every thread holds these texts and no others. */
const digestOfTexts = (texts: readonly NamedText[]): number =>
  appliedDigest(texts.map(({ signer, claims }) => ({ signer, version: claims.version })));

/** What texts that the bundle has ignored took away, and it does not: told by the push that ends it. */
export function lostBy(texts: readonly string[], anchors: Anchors, bundle: BundleClaims | undefined): string[] {
  const beside = textsBeside(texts, anchors, bundle);
  return texts.flatMap((text) => {
    const read = beside.includes(text) ? undefined : named(text, anchors, bundle);
    if (read === undefined || bundle === undefined || !isIgnored(read, anchors, bundle)) return [];
    const words = missingFrom(bundle.revoked, read.claims.revoked).map((entry) => wordsOf(entry, [bundle]));
    return words.length === 0
      ? []
      : [
          `version ${read.claims.version} of ${read.signer} counts no more with this bundle, which lets through again: ${words.join("; ")}`,
        ];
  });
}

/** Why the filter refuses the bundle and the texts beside it, and what to do: the texts or the bundle may be at fault. */
export async function unusable(
  { anchors, text: brought }: { readonly anchors: Anchors; readonly text?: string },
  bundle: Bundle,
  texts: readonly string[],
  refusal: string,
): Promise<UserError> {
  const claims = claimsOf(bundle);
  const refused = (sentence: string, hint: string): UserError => new UserError(sentence, { hint, exitCode: 1 });
  for (const text of claims === undefined ? [] : texts) {
    const read = named(text, anchors, claims);
    const whose = read === undefined ? "a text of revocations" : `version ${read.claims.version} of ${read.signer}`;
    const why = await faultOf(text, anchors, claims);
    if (why === undefined) continue;
    if (text === brought) return refused(`No gateway with that bundle takes these revocations: ${why}`, SIGNERS);
    return refused(
      `The gateway has revocations in force that cannot be used beside bundle ${bundle.version}: ${whose}. ${why}`,
      `${FOLD} To push that signer out with all that he revoked, add --leave-out ${read?.signer ?? "SIGNER"}.`,
    );
  }
  if (refusal.includes("revocations"))
    return refused(
      `The filter refuses the revocations beside bundle ${bundle.version}: ${refusal}.`,
      isFull(texts)
        ? `${FOLD} A root that silences a signer (\`glassgate revoke --sub NAME\`) makes room at once.`
        : FOLD,
    );
  return refused(`The filter refuses this bundle: ${refusal}.`, "Mend the roster, build and sign again.");
}

const FOLD = "Take them into the bundle: `glassgate bundle build --gateway FILE`, have it signed, and push that one.";
const SIGNERS = "A root or a holder of a role in the bundle's `revokers` can revoke.";

/** Why a gateway with that bundle does not take the text. */
export async function faultOf(
  text: string,
  anchors: Anchors,
  bundle: BundleClaims | undefined,
): Promise<string | undefined> {
  if (bundle === undefined) return "there is no bundle, so nobody can tell who may revoke.";
  try {
    await verifyRevocations(text, "the text", anchors, bundle);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
