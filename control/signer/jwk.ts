/** Keys as JWK (RFC 7517). Private keys are 32 random bytes; the curve library derives the rest. */
import { createHash, randomBytes } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { z } from "zod";

export const algorithms = ["Ed25519", "ES256"] as const;
export type Algorithm = (typeof algorithms)[number];

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url");
const kid = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be an RFC 7638 thumbprint");
const okp = {
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: coordinate,
  kid,
  alg: z.enum(["Ed25519", "EdDSA"]).optional(),
};
const ec = {
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: coordinate,
  y: coordinate,
  kid,
  alg: z.literal("ES256").optional(),
};
const window = { nbf: z.int().nonnegative().optional(), exp: z.int().nonnegative().optional() };

/** A root key as anchors hold it. */
export const publicKeySchema = z.discriminatedUnion("kty", [z.strictObject(okp), z.strictObject(ec)]);
export type PublicKey = z.infer<typeof publicKeySchema>;

/** A principal's key as a bundle holds it: with a window. */
export const windowedKeySchema = z.discriminatedUnion("kty", [
  z.strictObject({ ...okp, ...window }),
  z.strictObject({ ...ec, ...window }),
]);
export type WindowedKey = z.infer<typeof windowedKeySchema>;

export const privateKeySchema = z.discriminatedUnion("kty", [
  z.strictObject({ ...okp, d: coordinate }),
  z.strictObject({ ...ec, d: coordinate }),
]);
export type PrivateKey = z.infer<typeof privateKeySchema>;

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** RFC 7638: SHA-256 over the required members in lexical order. */
export function thumbprint(
  key: { kty: "OKP"; crv: string; x: string } | { kty: "EC"; crv: string; x: string; y: string },
): string {
  const required =
    key.kty === "OKP" ? { crv: key.crv, kty: key.kty, x: key.x } : { crv: key.crv, kty: key.kty, x: key.x, y: key.y };
  return createHash("sha256").update(JSON.stringify(required)).digest("base64url");
}

/** A new key. Never through generateKeyPair: exporting its result as JWK can deadlock on Node 20. */
export function newKey(algorithm: Algorithm): PrivateKey {
  if (algorithm === "Ed25519") {
    const secret = randomBytes(32);
    const parts = { kty: "OKP" as const, crv: "Ed25519" as const, x: base64url(ed25519.getPublicKey(secret)) };
    return { ...parts, kid: thumbprint(parts), alg: "Ed25519", d: base64url(secret) };
  }
  const secret = p256.utils.randomSecretKey();
  const point = p256.getPublicKey(secret, false);
  const parts = {
    kty: "EC" as const,
    crv: "P-256" as const,
    x: base64url(point.subarray(1, 33)),
    y: base64url(point.subarray(33, 65)),
  };
  return { ...parts, kid: thumbprint(parts), alg: "ES256", d: base64url(secret) };
}

/** Without the private member. */
export function publicPart(key: PrivateKey): PublicKey {
  const { d: _, ...rest } = key;
  return rest;
}

export function algorithmOf(key: PublicKey | PrivateKey): Algorithm {
  return key.kty === "OKP" ? "Ed25519" : "ES256";
}
