/** DPoP proofs made by hand, right or wrong: an independent maker, which shares no code with control/. */
import { createHash, randomBytes } from "node:crypto";
import { compact, type Signer } from "./token.js";
import { HOST, type Json } from "./world.js";

export interface ProofSpec {
  readonly grant: string;
  /** Replaces claims; `undefined` removes one. */
  readonly claims?: Json;
  /** The claims' text as it is. */
  readonly payload?: string;
  /** Replaces header members; `undefined` removes one. */
  readonly header?: Json;
  /** The header's text as it is. */
  readonly head?: string;
  /** Signs it; else the key itself. */
  readonly by?: Signer;
}

const without = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
export const hashOf = (grant: string): string => createHash("sha256").update(grant, "latin1").digest("base64url");

/** The JWK as a proof shows it: without its kid. */
export function publicJwk({ jwk }: Signer): Json {
  const { kid: _, ...members } = jwk;
  return members;
}

export const proofHeader = (key: Signer): Json => ({ typ: "dpop+jwt", alg: key.alg, jwk: publicJwk(key) });

export const proofClaims = (grant: string, changes: Json = {}): Json =>
  without({
    jti: randomBytes(12).toString("base64url"),
    htm: "GET",
    htu: `https://${HOST}/orders/7`,
    iat: Math.floor(Date.now() / 1000),
    ath: hashOf(grant),
    ...changes,
  });

/** A proof by the key for GET on /orders/7, bent as the spec says. */
export function proofOf(key: Signer, spec: ProofSpec): string {
  const header = spec.head ?? without({ ...proofHeader(key), ...spec.header });
  return compact(header, spec.payload ?? proofClaims(spec.grant, spec.claims), spec.by ?? key);
}
