/** DPoP proofs (RFC 9449): what a caller adds to each request under a grant that is bound to a key (`cnf: {"jkt"}`). */
import { createHash, randomBytes } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { UserError } from "../base/errors.js";
import { type Algorithm, algorithmOf, newKey, type PrivateKey } from "../signer/jwk.js";

/** What a proof is made for, and by which key. */
export interface ProofRequest {
  /** Its `kid` is the grant's `jkt`. */
  readonly key: PrivateKey;
  /** As it is sent; `GET` for a WebSocket. */
  readonly method: string;
  /**
   * Absolute: `http`, `https`, `ws` or `wss`, the host that the gateway is asked for, and the path as it is sent: the gateway
   * compares it byte for byte. `fetch` and Node send a path as `URL` writes it, so give them and this a `URL`. Query and fragment
   * do not matter.
   */
  readonly url: string | URL;
  /** The header `x-break-glass`, byte for byte as it is sent beside the proof. */
  readonly grant: string;
  /** Seconds since 1970, within a minute of the gateway's clock. Default: now. */
  readonly iat?: number;
}

/**
 * A key to bind one grant to: random, held in memory, thrown away with the grant. Its `kid` is what the grant's claim
 * `cnf: {"jkt": kid}` says.
 */
export function newProofKey(algorithm: Algorithm = "Ed25519"): PrivateKey {
  return newKey(algorithm);
}

const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The public key without its name: the gateway computes that itself. */
function publicMembers(key: PrivateKey): Readonly<Record<string, string>> {
  return key.kty === "OKP"
    ? { kty: key.kty, crv: key.crv, x: key.x }
    : { kty: key.kty, crv: key.crv, x: key.x, y: key.y };
}

function targetOf(url: string | URL): string {
  const text = String(url);
  const match = /^((?:https?|wss?):\/\/[^/?#@\s\\]+)(\/[^?#]*)?(?:[?#]|$)/i.exec(text);
  if (match === null)
    throw new UserError(`A proof cannot be made for ${JSON.stringify(text)}: it is no http, https, ws or wss URL.`, {
      hint: "Give the whole URL without a user's name, as https://api.example.com/orders/7.",
    });
  const [, origin = "", path = "/"] = match;
  return `${origin}${path}`;
}

/**
 * The value of the header `DPoP` for one request. A proof opens one request once, so make a new one also for a retry. It says
 * nothing of the body and the query.
 * @throws UserError where the URL is none that a gateway could be asked for
 */
export function makeProof({ key, method, url, grant, iat }: ProofRequest): string {
  const alg = algorithmOf(key);
  const claims = {
    jti: randomBytes(16).toString("base64url"),
    htm: method,
    htu: targetOf(url),
    iat: iat ?? Math.floor(Date.now() / 1000),
    ath: createHash("sha256").update(grant, "latin1").digest("base64url"),
  };
  const input = `${segment({ typ: "dpop+jwt", alg, jwk: publicMembers(key) })}.${segment(claims)}`;
  const message = Buffer.from(input, "ascii");
  const secret = Buffer.from(key.d, "base64url");
  const signature = alg === "Ed25519" ? ed25519.sign(message, secret) : p256.sign(message, secret);
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}
