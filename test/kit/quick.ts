/** Keys that sign by OpenSSL, fifty times faster than the kit's own: for those who make grants by the hundred thousand. */
import { createPrivateKey, sign } from "node:crypto";
import { newKey } from "../../control/signer/jwk.js";
import type { Algorithm, Signer } from "./token.js";
import { World } from "./world.js";

export function quickSigner(alg: Algorithm = "Ed25519"): Signer {
  const { d, ...jwk } = newKey(alg);
  const key = createPrivateKey({ key: { ...jwk, d }, format: "jwk" });
  const plain = { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
  const shown = "y" in jwk ? { ...plain, y: jwk.y } : plain;
  return {
    alg,
    kid: jwk.kid,
    jwk: { ...shown, kid: jwk.kid },
    sign: (message) =>
      alg === "Ed25519" ? sign(null, message, key) : sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }),
  };
}

/** The same people with such keys. */
export class QuickWorld extends World {
  override readonly roots = [quickSigner("Ed25519"), quickSigner("ES256"), quickSigner("Ed25519")] as const;
  override readonly rita = quickSigner("Ed25519");
  override readonly rita2 = quickSigner("ES256");
  override readonly ritaAdmin = quickSigner("Ed25519");
  override readonly adam = quickSigner("ES256");
  override readonly adam2 = quickSigner("Ed25519");
  override readonly anna = quickSigner("Ed25519");
  override readonly alex = quickSigner("ES256");
  override readonly bot = quickSigner("Ed25519");
  override readonly temp = quickSigner("Ed25519");
  override readonly late = quickSigner("Ed25519");
  override readonly gone = quickSigner("Ed25519");
  override readonly crowd = Array.from({ length: 9 }, () => quickSigner("Ed25519"));
  override readonly stranger = quickSigner("Ed25519");
}
