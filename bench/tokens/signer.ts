/** Signing with OpenSSL by node:crypto: thousands of tokens in seconds. */
import { createPrivateKey, sign } from "node:crypto";
import { type Algorithm, newKey, type PublicKey, publicPart } from "../../control/signer/jwk.js";

export interface Signer {
  readonly algorithm: Algorithm;
  readonly kid: string;
  readonly jwk: PublicKey;
  /** `header.payload.signature` over a payload segment. */
  compact(header: Readonly<Record<string, unknown>>, payload: string): string;
  /** 64 octets. */
  sign(message: Uint8Array): Buffer;
}

export const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function newSigner(algorithm: Algorithm): Signer {
  const key = newKey(algorithm);
  const secret = createPrivateKey({ key: { ...key }, format: "jwk" });
  const signMessage = (message: Uint8Array): Buffer =>
    sign(algorithm === "Ed25519" ? null : "sha256", message, { key: secret, dsaEncoding: "ieee-p1363" });
  return {
    algorithm,
    kid: key.kid,
    jwk: publicPart(key),
    sign: signMessage,
    compact: (header, payload) => {
      const input = `${segment({ alg: algorithm, kid: key.kid, ...header })}.${payload}`;
      return `${input}.${signMessage(Buffer.from(input)).toString("base64url")}`;
    },
  };
}
