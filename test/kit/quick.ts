/** Keys that sign by OpenSSL, fifty times faster than the kit's own: for those who make grants by the hundred thousand. */
import { createPrivateKey, sign } from "node:crypto";
import { newKey } from "../../control/signer/jwk.js";
import type { Algorithm, Signer } from "./token.js";

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
