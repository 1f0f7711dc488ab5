/** Grants that are bound to a key, and a proof of that key for each request: made right before it is sent, as it lasts a minute. */
import { createHash, randomBytes } from "node:crypto";
import type { Algorithm } from "../../control/signer/jwk.js";
import { newSigner, type Signer, segment } from "./signer.js";
import { HOST, type Signatures, type World } from "./world.js";

/** Of the same grants by turns: more than can be told from one, few enough to stay in the filter's cache. */
const GRANTS_OF_A_KEY = 4;

/** Headers of a request. */
type Sent = Readonly<Record<string, string>>;

function proof({ algorithm, jwk, sign }: Signer, grant: string): string {
  const { kid: _, ...key } = jwk;
  const claims = {
    jti: randomBytes(12).toString("base64url"),
    htm: "GET",
    htu: `https://${HOST}/orders/7`,
    iat: Math.floor(Date.now() / 1000),
    ath: createHash("sha256").update(grant).digest("base64url"),
  };
  const input = `${segment({ typ: "dpop+jwt", alg: algorithm, jwk: key })}.${segment(claims)}`;
  return `${input}.${sign(Buffer.from(input)).toString("base64url")}`;
}

const shown = (grant: string, key: Signer): Sent => ({ "x-break-glass": grant, dpop: proof(key, grant) });
/** A key's name is its thumbprint. */
const boundTo = (world: World, signatures: Signatures, { kid }: Signer): string =>
  world.grant("Ed25519", signatures, { cnf: { jkt: kid } });

/** What three kinds of holders send; the grants themselves are signed with Ed25519. */
export interface Holder {
  /** Another grant and another key each time: of 1 signature. */
  readonly first: () => Sent;
  /** Another grant each time, of 1 signature, and the key that was used before. */
  readonly fresh: () => Sent;
  /** The same grants, of 3 signatures, and the key that was used before. */
  readonly cached: (i: number) => Sent;
}

export function newHolder(world: World, algorithm: Algorithm): Holder {
  const key = newSigner(algorithm);
  const grants = Array.from({ length: GRANTS_OF_A_KEY }, () => boundTo(world, 3, key));
  return {
    first: () => {
      const other = newSigner(algorithm);
      return shown(boundTo(world, 1, other), other);
    },
    fresh: () => shown(boundTo(world, 1, key), key),
    cached: (i) => shown(grants[i % grants.length] ?? "", key),
  };
}
