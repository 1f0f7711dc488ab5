/**
 * The proof key at rest: a compact JWE under a key that only the requester's own key yields (HKDF, RFC 5869), so that it costs no
 * passphrase of its own: whoever asks has just typed the one that opens the requester's key.
 */
import { hkdfSync } from "node:crypto";
import { CompactEncrypt, compactDecrypt, errors } from "jose";
import { UserError } from "../base/errors.js";
import { type PrivateKey, privateKeySchema } from "../signer/jwk.js";

/** Names the use: no other key is ever made of a requester's key. */
const INFO = "glassgate proof key, sealed";
const KEY_BYTES = 32;

const sealingKey = (requester: PrivateKey, jkt: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", Buffer.from(requester.d, "base64url"), jkt, INFO, KEY_BYTES));

export function seal(proofKey: PrivateKey, requester: PrivateKey): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(proofKey)))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", cty: "jwk+json" })
    .encrypt(sealingKey(requester, proofKey.kid));
}

/** @param jkt its thumbprint, as the grant has it */
export async function unseal(sealed: string, requester: PrivateKey, jkt: string): Promise<PrivateKey> {
  try {
    const { plaintext } = await compactDecrypt(sealed, sealingKey(requester, jkt), {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return privateKeySchema.parse(JSON.parse(Buffer.from(plaintext).toString("utf8")));
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw new UserError("The proof key cannot be opened: it was sealed by another key, or its file is damaged.", {
      cause: error,
      hint: "Ask again: `glassgate ask --again GRANT` makes another.",
    });
  }
}
