/**
 * The closed list of what is signed. A signer takes (typ, claims) and builds the bytes itself: it never signs bytes that
 * came from elsewhere, so nothing can be an approval in disguise.
 */
import { createHash } from "node:crypto";
import { CompactSign, importJWK } from "jose";
import { algorithmOf, type PrivateKey } from "./jwk.js";

export const attachedTypes = [
  "bg-ask+jwt",
  "bg+jwt",
  "bg-bundle+jwt",
  "bg-revocations+jwt",
  "bg-review+jws",
  "bg-challenge+jws",
  "bg-drill+jws",
] as const;
export const detachedTypes = ["bg-approval+jws", "bg-bundle-approval+jws"] as const;
export type AttachedType = (typeof attachedTypes)[number];
export type DetachedType = (typeof detachedTypes)[number];

async function sign(payload: Uint8Array, header: { typ: string; iat?: number }, key: PrivateKey): Promise<string> {
  const alg = algorithmOf(key);
  const imported = await importJWK({ ...key, alg }, alg);
  return new CompactSign(payload).setProtectedHeader({ alg, kid: key.kid, ...header }).sign(imported);
}

/** A compact JWS over the claims (RFC 7515, section 7.1). */
export async function signClaims(
  typ: AttachedType,
  claims: Readonly<Record<string, unknown>>,
  key: PrivateKey,
): Promise<string> {
  return sign(Buffer.from(JSON.stringify(claims)), { typ }, key);
}

/**
 * Signs the payload of an existing JWS again under another typ: a request over an ask's payload, byte for byte.
 * @param payload the payload segment, canonical base64url
 */
export async function signPayload(typ: AttachedType, payload: string, key: PrivateKey): Promise<string> {
  return sign(Buffer.from(payload, "base64url"), { typ }, key);
}

/** A detached JWS, `header..signature` (RFC 7515, Appendix F), over a payload segment. */
export async function signDetached(typ: DetachedType, payload: string, key: PrivateKey, iat?: number): Promise<string> {
  const compact = await sign(Buffer.from(payload, "base64url"), iat === undefined ? { typ } : { typ, iat }, key);
  const [header, , signature] = compact.split(".");
  return `${header}..${signature}`;
}

/** Lower-case hex SHA-256 of bytes, or of ASCII text: `grant_sha256` is this of the payload segment. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
