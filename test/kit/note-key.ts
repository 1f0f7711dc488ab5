/** A key that signs notes, as Go writes it (golang.org/x/mod/sumdb/note), made from a JWK. */
import { createPrivateKey, sign } from "node:crypto";
import { COSIGNATURE, cosignedMessage } from "../../control/ledger/cosignature.js";
import { ED25519, keyIdOf } from "../../control/ledger/tlog/note.js";
import { newKey, type PrivateKey } from "../../control/signer/jwk.js";

export interface NoteKey {
  readonly name: string;
  readonly jwk: PrivateKey;
  /** `PRIVATE+KEY+...` */
  readonly signerKey: string;
  readonly vkey: string;
  /** Of the same key as a witness's. */
  readonly witnessVkey: string;
  /** The text with this key's signature under it. */
  sign(text: string): string;
  /** As a witness: the signature line over a checkpoint's text. */
  cosign(text: string, time: number): string;
}

export function noteKey(name: string): NoteKey {
  const jwk = newKey("Ed25519");
  const seed = Buffer.from(jwk.d, "base64url");
  const publicKey = Buffer.from(jwk.x, "base64url");
  const id = keyIdOf(name, ED25519, publicKey);
  const witnessId = keyIdOf(name, COSIGNATURE, publicKey);
  const typed = (type: number, bytes: Buffer): string => Buffer.concat([Buffer.from([type]), bytes]).toString("base64");
  const line = (...parts: readonly Buffer[]): string => `\u2014 ${name} ${Buffer.concat(parts).toString("base64")}`;
  const key = createPrivateKey({ key: { kty: "OKP", crv: "Ed25519", d: jwk.d, x: jwk.x }, format: "jwk" });
  return {
    name,
    jwk,
    signerKey: `PRIVATE+KEY+${name}+${id.toString("hex")}+${typed(ED25519, seed)}`,
    vkey: `${name}+${id.toString("hex")}+${typed(ED25519, publicKey)}`,
    witnessVkey: `${name}+${witnessId.toString("hex")}+${typed(COSIGNATURE, publicKey)}`,
    sign: (text) => `${text}\n${line(id, sign(null, Buffer.from(text), key))}\n`,
    cosign: (text, time) => {
      const timestamp = Buffer.alloc(8);
      timestamp.writeBigUInt64BE(BigInt(time));
      return line(witnessId, timestamp, sign(null, cosignedMessage(time, text), key));
    },
  };
}
