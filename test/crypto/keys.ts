/** A test signer's public key as the filter's exports take it. */
import type { Signer } from "../kit/token.js";

/** 32 bytes, or x || y. */
export function publicBytes({ jwk }: Signer): Buffer {
  return Buffer.concat([jwk.x ?? "", jwk.y ?? ""].map((part) => Buffer.from(part, "base64url")));
}
