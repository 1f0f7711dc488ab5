/** A key that signs notes, as Go writes it (golang.org/x/mod/sumdb/note), made from a JWK. */
import { createHash, createPrivateKey, sign } from "node:crypto";
import { newKey } from "../../control/signer/jwk.js";

export interface NoteKey {
  readonly name: string;
  /** `PRIVATE+KEY+...` */
  readonly signerKey: string;
  readonly vkey: string;
  /** The text with this key's signature under it. */
  sign(text: string): string;
}

/** Signature types of C2SP signed-note. */
export const NOTE = 1;
export const COSIGNATURE = 4;

export function keyIdOf(name: string, type: number, publicKey: Buffer): Buffer {
  return createHash("sha256")
    .update(`${name}\n`)
    .update(Buffer.from([type]))
    .update(publicKey)
    .digest()
    .subarray(0, 4);
}

export function noteKey(name: string): NoteKey {
  const jwk = newKey("Ed25519");
  const seed = Buffer.from(jwk.d, "base64url");
  const publicKey = Buffer.from(jwk.x, "base64url");
  const id = keyIdOf(name, NOTE, publicKey);
  const typed = (bytes: Buffer): string => Buffer.concat([Buffer.from([NOTE]), bytes]).toString("base64");
  const key = createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", d: jwk.d, x: jwk.x }, format: "jwk" });
  return {
    name,
    signerKey: `PRIVATE+KEY+${name}+${id.toString("hex")}+${typed(seed)}`,
    vkey: `${name}+${id.toString("hex")}+${typed(publicKey)}`,
    sign: (text) =>
      `${text}\n\u2014 ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), key)]).toString("base64")}\n`,
  };
}
