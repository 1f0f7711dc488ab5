/** Everything that is sent, made once before measuring. */
import { randomBytes, randomInt } from "node:crypto";
import type { Algorithm } from "../../control/signer/jwk.js";
import { newSigner, type Signer, segment } from "./signer.js";
import type { Signatures, World } from "./world.js";

export const ISSUER = "https://idp.example.com";

/** The normal callers' identity provider: keys of each kind. */
export class IdentityProvider {
  private readonly signers: Readonly<Record<Algorithm, readonly Signer[]>>;

  /** @param keys of each kind */
  constructor(keys = 1) {
    const make = (algorithm: Algorithm): Signer[] => Array.from({ length: keys }, () => newSigner(algorithm));
    this.signers = { Ed25519: make("Ed25519"), ES256: make("ES256") };
  }

  get jwks(): string {
    const { Ed25519, ES256 } = this.signers;
    return JSON.stringify({
      keys: [
        ...Ed25519.map(({ jwk }) => ({ ...jwk, alg: "EdDSA" })),
        ...ES256.map(({ jwk }) => ({ ...jwk, alg: "ES256" })),
      ],
    });
  }

  /** By one of the keys, drawn anew for each. */
  token(algorithm: Algorithm, claims: Readonly<Record<string, unknown>>): string {
    const alg = algorithm === "Ed25519" ? "EdDSA" : "ES256";
    const signer = this.signers[algorithm][randomInt(this.signers[algorithm].length)];
    if (signer === undefined) throw new RangeError("the identity provider has no key");
    return signer.compact({ alg }, segment({ ...claims, iss: ISSUER, aud: "api" }));
  }
}

export interface Tokens {
  readonly jwt: Readonly<Record<Algorithm, readonly string[]>>;
  /** One token with a grant's claims. */
  readonly worker: (claims: Readonly<Record<string, unknown>>) => string;
  readonly grants: Readonly<Record<Algorithm, Readonly<Record<Signatures, readonly string[]>>>>;
  readonly garbage: readonly string[];
  readonly unknown: readonly string[];
  /** Of one signature, and it belongs to another grant. */
  readonly wrongSignature: readonly string[];
  /** Of three, and the last approval's signature belongs to another grant: of many requesters, and of one. */
  readonly wrongApproval: readonly string[];
  readonly wrongApprovalOfOne: readonly string[];
}

/** Each token with the last signature of the next one: a well-formed signature by the right key, over something else. */
function withSignaturesOfOthers(tokens: readonly string[]): string[] {
  return tokens.map((token, i) => {
    const other = tokens[(i + 1) % tokens.length] ?? "";
    return `${token.slice(0, token.lastIndexOf("."))}${other.slice(other.lastIndexOf("."))}`;
  });
}

/** @param distinct how many of each kind */
export function makeTokens(world: World, idp: IdentityProvider, distinct: number): Tokens {
  const many = (make: (i: number) => string): string[] => Array.from({ length: distinct }, (_, i) => make(i));
  const jwt = (algorithm: Algorithm): string[] =>
    many((i) => idp.token(algorithm, { sub: `customer-${i}`, jti: String(i), exp: world.now + 7200 }));
  const grants = (algorithm: Algorithm) => ({
    1: many(() => world.grant(algorithm, 1)),
    2: many(() => world.grant(algorithm, 2)),
    3: many(() => world.grant(algorithm, 3)),
  });
  const all = { Ed25519: grants("Ed25519"), ES256: grants("ES256") };
  return {
    jwt: { Ed25519: jwt("Ed25519"), ES256: jwt("ES256") },
    worker: (claims) => idp.token("Ed25519", claims),
    grants: all,
    garbage: many(() => randomBytes(600).toString("base64url")),
    unknown: many(() => world.unknownGrant("Ed25519")),
    wrongSignature: withSignaturesOfOthers(all.Ed25519[1]),
    wrongApproval: withSignaturesOfOthers(many((i) => world.grantOfForger(i))),
    wrongApprovalOfOne: withSignaturesOfOthers(many(() => world.grantOfForger("first"))),
  };
}
