/**
 * Urgent revocations: a text that a root or a revoker signs alone (docs/trust-bundle.md, "Urgent revocations"). What is said here of a
 * text is what the filter will say of it (assembly/trust/revocations.ts).
 */
import { createHash } from "node:crypto";
import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { algorithmOf, type PrivateKey, type PublicKey, type WindowedKey } from "../signer/jwk.js";
import { sha256Hex, signClaims } from "../signer/sign.js";
import type { Anchors } from "./anchors.js";
import { firstFault } from "./bundle.js";
import { type BundleClaims, holdsRole } from "./claims.js";
import { revocationsSchema } from "./members.gen.js";

export type RevocationClaims = z.infer<typeof revocationsSchema>;

/** As many texts as a configuration holds, and their bytes together (assembly/limits.ts). */
export const MAX_TEXTS = 8;
export const MAX_TEXTS_BYTES = 192 * 1024;
const MAX_REVOKED = 4096;

/** The filter's rules about numbers: nobody can use them up beyond the time at which he signs. */
const claimsSchema = revocationsSchema.superRefine(({ version, iat, revoked }, context) => {
  const refuse = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: "custom", path, message });
  if (version > iat) refuse(["version"], "is larger than iat");
  (revoked.issued_before ?? []).forEach(({ at }, i) => {
    if (at > iat) refuse(["revoked", "issued_before", i, "at"], "is after iat");
  });
  for (const [kind, entries = []] of Object.entries(revoked))
    if (entries.length > MAX_REVOKED) refuse(["revoked", kind], `has more than ${MAX_REVOKED} entries`);
});

/** The text, signed. @throws UserError where no filter would take it */
export async function signRevocations(claims: RevocationClaims, key: PrivateKey): Promise<string> {
  const checked = claimsSchema.safeParse(claims);
  if (!checked.success) {
    throw new UserError(`No gateway would take these revocations: ${firstFault(checked.error)}`, {
      cause: checked.error,
      hint: "Nothing was signed.",
    });
  }
  const text = await signClaims("bg-revocations+jwt", checked.data, key);
  if (text.length > MAX_TEXTS_BYTES) {
    throw new UserError(
      `These revocations come to ${Math.ceil(text.length / 1024)} KiB, and gateways take ${MAX_TEXTS_BYTES / 1024}.`,
      { hint: "Build a bundle, which takes them in, and revoke the rest then." },
    );
  }
  return text;
}

const headerSchema = z.strictObject({
  alg: z.enum(["Ed25519", "EdDSA", "ES256"]),
  kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  typ: z.literal("bg-revocations+jwt"),
});
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/;

/** A text as it was read: nothing is verified. */
export interface ReadRevocations {
  readonly text: string;
  readonly kid: string;
  readonly alg: "Ed25519" | "ES256";
  readonly claims: RevocationClaims;
  /** Of the payload segment: two texts of one version with the same one are the same. */
  readonly sha256: string;
}

/** @param source what it is called in errors */
export function readRevocations(text: string, source: string): ReadRevocations {
  const hint = "It is what `glassgate revoke` writes; copy it whole.";
  if (text.length > MAX_TEXTS_BYTES || !SHAPE.test(text))
    throw new UserError(`${source} is no signed text of revocations.`, { hint });
  const payload = text.split(".")[1] ?? "";
  try {
    const { kid, alg } = headerSchema.parse(decodeProtectedHeader(text));
    const claims = claimsSchema.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    return { text, kid, alg: alg === "ES256" ? "ES256" : "Ed25519", claims, sha256: sha256Hex(payload) };
  } catch (error) {
    throw new UserError(`${source} is no text of revocations that this version reads: ${firstFault(error)}`, {
      cause: error,
      hint,
    });
  }
}

/** Under whom versions count: a root by its kid, a principal by its id whichever key signed. */
export interface RevocationSigner {
  readonly name: string;
  readonly isRoot: boolean;
  readonly key: PublicKey | WindowedKey;
}

/** Whose key signed it, under these anchors and this bundle. Undefined for a key of nobody's. */
export function signerOf(
  kid: string,
  anchors: Anchors,
  bundle: BundleClaims | undefined,
): RevocationSigner | undefined {
  const root = anchors.roots.find((candidate) => candidate.kid === kid);
  if (root !== undefined) return { name: kid, isRoot: true, key: root };
  for (const { id, keys } of bundle?.principals ?? []) {
    const key = keys.find((candidate) => candidate.kid === kid);
    if (key !== undefined) return { name: id, isRoot: false, key };
  }
  return undefined;
}

/** The version up to which the bundle has that signer's texts ignored; -1 for none. A key of nobody's is its own signer. */
export const floorOf = (name: string, bundle: BundleClaims | undefined): number => {
  const texts = bundle?.texts ?? {};
  return Object.hasOwn(texts, name) ? (texts[name] ?? -1) : -1;
};

/** Whether gateways with that bundle ignore the text, whatever it says: it is under a floor, or its key is revoked. */
export function isIgnored(read: ReadRevocations, anchors: Anchors, bundle: BundleClaims | undefined): boolean {
  const name = signerOf(read.kid, anchors, bundle)?.name ?? read.kid;
  return read.claims.version <= floorOf(name, bundle) || bundle?.revoked?.kid?.includes(read.kid) === true;
}

function unfit({ claims, kid }: ReadRevocations, signer: RevocationSigner, bundle: BundleClaims): string | undefined {
  const { iat } = claims;
  if (signer.isRoot) return undefined;
  const principal = bundle.principals.find(({ id }) => id === signer.name);
  if (principal === undefined || !(bundle.revokers ?? []).some((role) => holdsRole(principal, role, iat)))
    return `${signer.name} held no role of a revoker at ${showTime(iat)}`;
  const { nbf = 0, exp = Number.POSITIVE_INFINITY } = principal.keys.find((key) => key.kid === kid) ?? {};
  return iat >= nbf && iat < exp ? undefined : `the key of ${signer.name} did not hold at ${showTime(iat)}`;
}

interface Unfit {
  readonly fault: string;
  readonly hint: string;
}

/** By whose key it would hold for gateways with these anchors and this bundle; its signature is another matter. */
export function signerFor(read: ReadRevocations, anchors: Anchors, bundle: BundleClaims): RevocationSigner | Unfit {
  const audiences = [read.claims.aud].flat();
  if (!audiences.includes(anchors.audience)) {
    const fault = `it is for ${audiences.join(", ")}, not for ${anchors.audience}`;
    return { fault, hint: "Use the anchors of that environment." };
  }
  const signer = signerOf(read.kid, anchors, bundle);
  if (signer === undefined)
    return {
      fault: `its key ${read.kid} is no root's and nobody's in the bundle`,
      hint: "A root or a revoker signs it.",
    };
  const fault = unfit(read, signer, bundle);
  return fault === undefined ? signer : { fault, hint: "A root can sign the same revocations." };
}

export interface VerifiedRevocations extends ReadRevocations {
  readonly signer: RevocationSigner;
}

/**
 * Verifies a text as a gateway with these anchors and this bundle does: audience, signer, windows, signature.
 * @throws UserError where the text makes a configuration unusable. One that is ignored (`isIgnored`) may do that too: ask first.
 */
export async function verifyRevocations(
  text: string,
  source: string,
  anchors: Anchors,
  bundle: BundleClaims,
): Promise<VerifiedRevocations> {
  const read = readRevocations(text, source);
  const refuse = (sentence: string, hint: string, cause?: unknown): never => {
    throw new UserError(`${source}: ${visible(sentence)}.`, { cause, hint });
  };
  const signer = signerFor(read, anchors, bundle);
  if ("fault" in signer) return refuse(signer.fault, signer.hint);
  const alg = algorithmOf(signer.key);
  const { kty, crv, x } = signer.key;
  const point = signer.key.kty === "EC" ? { y: signer.key.y } : {};
  if (read.alg !== alg) refuse("its alg is not that of its key", "It was changed. Sign it again.");
  try {
    await compactVerify(text, await importJWK({ kty, crv, x, ...point, alg }, alg), { algorithms: [alg, "EdDSA"] });
  } catch (error) {
    refuse("its signature does not hold", "It was changed. Sign it again.", error);
  }
  return { ...read, signer };
}

export interface InForce {
  /** A `RevocationSigner`'s name. */
  readonly signer: string;
  readonly version: number;
}

/**
 * What the gauge `revocations_applied` shows when every thread holds exactly these texts: 48 bits, which a gauge keeps exactly. Over those
 * that the bundle does not ignore (`isIgnored`), also those that a root or the bundle's `sub` has silenced. Never 0, which stands for threads that differ.
 */
export function appliedDigest(texts: readonly InForce[]): number {
  const order = (a: InForce, b: InForce): number => Buffer.compare(Buffer.from(a.signer), Buffer.from(b.signer));
  const lines = [...texts].sort(order).map(({ signer, version }) => `${signer}\n${version}\n`);
  return Math.max(1, createHash("sha256").update(lines.join("")).digest().readUIntBE(0, 6));
}
