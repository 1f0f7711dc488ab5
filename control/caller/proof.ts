/** DPoP proofs (RFC 9449): what a caller adds to each request under a grant that is bound to a key (`cnf: {"jkt"}`). */
import { createHash, randomBytes } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { UserError } from "../base/errors.js";
import { algorithmOf, newKey, type PrivateKey } from "../signer/jwk.js";

const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A key for one grant: random, to be held in memory and thrown away with the grant. Its `kid` is the grant's `jkt`. */
export function newProofKey(algorithm: "Ed25519" | "ES256" = "Ed25519"): PrivateKey {
  return newKey(algorithm);
}

/** What a proof is made for. */
export interface ProofTarget {
  /** As it is sent. `GET` for a WebSocket. */
  readonly method: string;
  /** Absolute, `http`, `https`, `ws` or `wss`, with the host that the gateway sees. Query and fragment are left out of the proof. */
  readonly url: string | URL;
  /** The header `x-break-glass`, byte for byte as it is sent beside the proof. */
  readonly grant: string;
  /** Seconds since 1970; default: now. Within a minute of the gateway's clock. */
  readonly iat?: number;
}

/**
 * The value of the header `DPoP` for one request. A proof opens one request, once: make a new one also for a retry.
 *
 * The path is signed as `URL` writes it, which is what `fetch` and Node send. Whoever sends another spelling (`%7E` and `~` are
 * two) passes that one's URL as a string and must send it unchanged.
 * @throws UserError where the URL is none that a gateway could be asked for
 */
export function makeProof(key: PrivateKey, { method, url, grant, iat = Math.floor(Date.now() / 1000) }: ProofTarget): string {
  const { kid: _, d, ...jwk } = key;
  const alg = algorithmOf(key);
  const header = { typ: "dpop+jwt", alg, jwk: publicMembers(key) };
  const claims = {
    jti: randomBytes(16).toString("base64url"),
    htm: method,
    htu: targetOf(url),
    iat,
    ath: createHash("sha256").update(grant, "latin1").digest("base64url"),
  };
  const input = `${segment(header)}.${segment(claims)}`;
  const secret = Buffer.from(key.d, "base64url");
  const message = Buffer.from(input, "ascii");
  const signature = alg === "Ed25519" ? ed25519.sign(message, secret) : p256.sign(message, secret);
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}
