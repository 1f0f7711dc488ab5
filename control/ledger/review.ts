/**
 * The closing signature of a review, `bg-review+jws`: what a person who had no part in a grant says about it, over exactly the entries
 * that were shown. Whether it holds is judged by chain/reviews.ts.
 */
import { hash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import type { PrivateKey } from "../signer/jwk.js";
import { signClaims } from "../signer/sign.js";
import { readSigned, type Signed } from "./chain/jws.js";

export const classifications = ["real", "drill", "misuse", "unused"] as const;
export type Classification = (typeof classifications)[number];

export const REVIEW_TYPE = "bg-review+jws";
/** Of the whole token: it fits into an entry, whatever its text is made of. */
export const MAX_REVIEW_BYTES = 60_000;
export const MAX_FINDINGS_BYTES = 4000;
export const MAX_ACTIONS = 20;
export const MAX_WHAT_BYTES = 500;
export const MAX_OWNER_BYTES = 64;

/** Text of a person, bounded as it is sent. */
const text = (max: number) =>
  z.string().refine((value) => value.trim() !== "" && Buffer.byteLength(value) <= max, `must have 1 to ${max} bytes`);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hex");
const count = z.int().nonnegative();

/** Grants that never opened anything share one review a person and hour. */
const SHARED = /^denied:[\s\S]{0,64}:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}Z$/;
export const sharedKey = (sub: string, at: number): string =>
  `denied:${sub}:${new Date(at).toISOString().slice(0, "2026-11-26T17".length)}Z`;
export const isSharedKey = (review: string): boolean => SHARED.test(review);

export const actionSchema = z.strictObject({
  what: text(MAX_WHAT_BYTES),
  owner: text(MAX_OWNER_BYTES),
  /** A day. */
  due: z.iso.date("must be a day that there is, as 2026-12-15"),
});

export const reviewClaimsSchema = z.strictObject({
  v: z.literal(1),
  /** The log's. */
  origin: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .max(200),
  /** `grant_sha256`, or the key of a shared review. */
  review: z.union([sha256, z.string().regex(SHARED)]),
  classification: z.enum(classifications),
  findings: text(MAX_FINDINGS_BYTES),
  actions: z.array(actionSchema).max(MAX_ACTIONS),
  counts: z.strictObject({ allowed: count, denied: count, answers: count, alarms: count }),
  digest: sha256,
  /** The newest that the reviewer saw. */
  checkpoint: z.strictObject({ size: count, root: sha256 }),
  sub: z.string().min(1).max(64),
  iat: count,
});
export type ReviewClaims = z.infer<typeof reviewClaimsSchema>;
export type ReviewCounts = ReviewClaims["counts"];
export type ReviewAction = z.infer<typeof actionSchema>;

export type SignedReview = Signed<ReviewClaims>;

/** Signs what was shown. */
export async function signReview(claims: ReviewClaims, key: PrivateKey): Promise<string> {
  const token = await signClaims(REVIEW_TYPE, reviewClaimsSchema.parse(claims), key);
  if (token.length > MAX_REVIEW_BYTES)
    throw new UserError(`The review is longer than ${MAX_REVIEW_BYTES} bytes when it is signed.`, {
      hint: "Say it shorter, and name the document with the rest.",
    });
  return token;
}

/** Its form alone: who signed it, and whether that holds, is another matter. Undefined for what is none. */
export const readReview = (token: string): SignedReview | undefined =>
  readSigned(token, { typ: REVIEW_TYPE, maxBytes: MAX_REVIEW_BYTES, schema: reviewClaimsSchema });

// By way of a string: a buffer of crypto's own has memory of its own.
const digestOf = (bytes: Buffer): string => hash("sha256", bytes, "hex");

/** H(0). Hex, as in the claims. */
export const NO_DIGEST = "0".repeat(64);

/**
 * The digest of one grant: H(n+1) = SHA-256(H(n), leaf hash), over its entries in the order in which they join it. That is the log's
 * order; an answer that came before its record joins right behind it.
 * @param leaf RFC 6962 leaf hash of the entry
 */
export const rollDigest = (digest: string, leaf: Buffer): string =>
  digestOf(Buffer.concat([Buffer.from(digest, "hex"), leaf]));

/** The digest of a shared review: the same over the digests of its grants, in the order in which they were first seen. */
export const sharedDigest = (digests: readonly string[]): string =>
  digests.reduce((digest, one) => rollDigest(digest, Buffer.from(one, "hex")), NO_DIGEST);
