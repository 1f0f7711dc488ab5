/**
 * Urgent revocations that gateways were seen with (docs/trust-bundle.md). Which of them count is a matter of the newest bundle, which may
 * come after them: as the gateways do it, of each signer the newest, unless the bundle or a root silences him.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Anchors } from "../../trust/anchors.js";
import type { BundleClaims, Revoked } from "../../trust/claims.js";
import { isIgnored, type ReadRevocations, readRevocations, signerFor, signerOf } from "../../trust/revocations.js";
import { silencerOf } from "../../trust/silence.js";
import { drop, keep, newShared, type Shared } from "./bounded.js";
import type { Step } from "./finding.js";
import { holds, jsonOf, parseJws } from "./jws.js";

/** Of all senders together; gateways take eight at a time. */
const MAX_TEXTS = 256;
/** Five lists of 4096, with their members. */
const MAX_MEMBERS = 65_536;

interface Known {
  readonly text: string;
  readonly index: number;
  readonly kid: string;
  readonly version: number;
  readonly audiences: readonly string[];
}

export interface Texts {
  /** By the SHA-256 of the text. */
  known: Shared<string, Known>;
  /** Rises with each that comes. */
  changes: number;
}

export const newTexts = (): Texts => ({ known: newShared(), changes: 0 });

/** Something takes back what principals may do. */
export interface TakingBack {
  readonly revoked: Revoked;
  /** What it is, for a sentence. */
  readonly where: string;
}

interface Verified extends ReadRevocations {
  readonly signer: string;
}

/** Anchors, and the newest bundle under them. */
export type Court = readonly [anchors: Anchors, bundle: BundleClaims];

/** Its form alone, as strictly as a gateway reads it. */
function formOf(text: string): ReadRevocations | undefined {
  try {
    const read = readRevocations(text, "the text");
    return jsonOf(text.split(".")[1] ?? "", MAX_MEMBERS) === undefined ? undefined : read;
  } catch (error) {
    if (error instanceof UserError) return undefined; // It takes nothing back.
    throw error;
  }
}

function verify(text: string, [anchors, bundle]: Court): Verified | undefined {
  const read = formOf(text);
  const jws = parseJws(text);
  if (read === undefined || jws === undefined || isIgnored(read, anchors, bundle)) return undefined;
  const signer = signerFor(read, anchors, bundle);
  return "fault" in signer || !holds(jws, jws.payload, signer.key) ? undefined : { ...read, signer: signer.name };
}

/** Room for others': what its own signer has replaced counts nowhere any more. */
function dropOlder({ known }: Texts, courts: readonly Court[], { text, version }: Known): void {
  const held = courts.map((court) => ({ court, signer: verify(text, court)?.signer }));
  if (held.every(({ signer }) => signer === undefined)) return;
  for (const [sha256, older] of known.all) {
    const isReplaced = ({ court: [anchors, bundle], signer }: (typeof held)[number]): boolean =>
      !older.audiences.includes(anchors.audience) || signerOf(older.kid, anchors, bundle)?.name === signer;
    if (older.version < version && held.every(isReplaced)) drop(known, sha256);
  }
}

/** @param courts of all pinned anchors */
export function takeRevocations(texts: Texts, courts: readonly Court[], body: Buffer, step: Step): void {
  const text = body.toString("latin1").trim();
  const read = formOf(text);
  if (read === undefined) return;
  const { kid, claims } = read;
  const sha256 = createHash("sha256").update(text).digest("hex");
  const made = { text, index: step.index, kid, version: claims.version, audiences: [claims.aud].flat() };
  keep(texts.known, step.sender, sha256, texts.known.all.get(sha256) ?? made, MAX_TEXTS);
  texts.changes += 1;
  dropOlder(texts, courts, made);
}

function revokedIn({ known }: Texts, [anchors, bundle]: Court): TakingBack[] {
  const all = [...known.all.values()].flatMap(({ text, index }) => {
    const made = verify(text, [anchors, bundle]);
    return made === undefined ? [] : [{ ...made, index }];
  });
  const versions = new Map<string, number>();
  for (const { signer, claims } of all) versions.set(signer, Math.max(versions.get(signer) ?? 0, claims.version));
  const newest = all.filter(({ signer, claims }) => versions.get(signer) === claims.version);
  const speaking = newest.map(({ signer, claims }) => ({ signer, revoked: claims.revoked }));
  return newest
    .filter(({ signer, kid }) => silencerOf(signer, kid, anchors, bundle, speaking) === undefined)
    .map(({ signer, claims, index }) => ({
      revoked: claims.revoked,
      where: `an urgent text of ${visible(signer)} (version ${claims.version}, entry ${index})`,
    }));
}

interface Made {
  readonly changes: number;
  readonly bundle: BundleClaims;
  readonly those: readonly TakingBack[];
}
/** By anchors: made anew where a text or a bundle has come. */
const made = new WeakMap<Texts, Map<Anchors, Made>>();

/** What texts take back under these anchors and that bundle, the newest. */
export function textsInForce(texts: Texts, anchors: Anchors, bundle: BundleClaims): readonly TakingBack[] {
  const all = made.get(texts) ?? new Map<Anchors, Made>();
  made.set(texts, all);
  const there = all.get(anchors);
  if (there?.changes === texts.changes && there.bundle === bundle) return there.those;
  const those = revokedIn(texts, [anchors, bundle]);
  all.set(anchors, { changes: texts.changes, bundle, those });
  return those;
}
