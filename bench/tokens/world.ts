/** The people, keys and rules of the benchmark: everybody holds a key of each kind. */
import { randomBytes } from "node:crypto";
import { type Algorithm, newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { type Anchors, anchorsSchema } from "../../control/trust/anchors.js";
import { signFirst, signFurther } from "../../control/trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { newSigner, type Signer, segment } from "./signer.js";

export const HOST = "api.example.com";
const AUDIENCE = "bench";
/** Seconds: longer than any run. */
const LIFETIME = 7200;

interface Person {
  readonly Ed25519: Signer;
  readonly ES256: Signer;
}
const newPerson = (): Person => ({ Ed25519: newSigner("Ed25519"), ES256: newSigner("ES256") });
/** The entitlement that needs that many signatures, the requester's included. */
const ENTITLEMENTS = { 1: "alone", 2: "paired", 3: "repair" } as const;
export type Signatures = keyof typeof ENTITLEMENTS;

const detail = (paths: readonly string[]) => ({
  type: "break_glass_http" as const,
  locations: [HOST],
  actions: ["GET", "POST"],
  paths: [...paths],
});

export class World {
  private readonly roots: readonly [PrivateKey, PrivateKey, PrivateKey] = [
    newKey("Ed25519"),
    newKey("ES256"),
    newKey("Ed25519"),
  ];
  private readonly rita = newPerson();
  private readonly adam = newPerson();
  private readonly anna = newPerson();
  private readonly stranger = newPerson();
  readonly now = Math.floor(Date.now() / 1000);
  readonly anchors: Anchors = anchorsSchema.parse({
    audience: AUDIENCE,
    threshold: 2,
    roots: this.roots.map(publicPart),
  });

  bundleClaims(): BundleClaims {
    const principal = (id: string, role: string, { Ed25519, ES256 }: Person) => ({
      id,
      roles: [role],
      keys: [Ed25519.jwk, ES256.jwk],
    });
    const entitlement = (id: string, approvals: readonly string[]) => ({
      id,
      requesters: ["oncall"],
      reasons: ["outage"],
      approvals: approvals.map((role) => ({ role, count: 1 })),
      max_ttl: LIFETIME + 60,
      authorization_details: [detail(["/orders/**"])],
    });
    return bundleClaimsSchema.parse({
      schema: 1,
      version: 1,
      iat: this.now - 60,
      exp: this.now + 86_400,
      aud: [AUDIENCE],
      principals: [
        principal("rita", "oncall", this.rita),
        principal("adam", "lead", this.adam),
        principal("anna", "security", this.anna),
      ],
      entitlements: [
        entitlement(ENTITLEMENTS[1], []),
        entitlement(ENTITLEMENTS[2], ["lead"]),
        entitlement(ENTITLEMENTS[3], ["lead", "security"]),
      ],
    });
  }

  async bundle(): Promise<string> {
    const [first, second] = this.roots;
    return signFurther(await signFirst(this.bundleClaims(), first), second);
  }

  claims(signatures: Signatures): Readonly<Record<string, unknown>> {
    return {
      jti: randomBytes(16).toString("base64url"),
      sub: "rita",
      aud: AUDIENCE,
      iat: this.now,
      exp: this.now + LIFETIME,
      ent: ENTITLEMENTS[signatures],
      reason: "outage",
      text: "refund loop, customers charged twice",
      incident: "INC-7",
      authorization_details: [detail(["/orders/*"])],
    };
  }

  /** A good grant with that many signatures, all of one algorithm. */
  grant(algorithm: Algorithm, signatures: Signatures): string {
    return this.signed(algorithm, signatures, this.rita[algorithm]);
  }

  /** A grant by a key that no bundle holds. */
  unknownGrant(algorithm: Algorithm): string {
    return this.signed(algorithm, 1, this.stranger[algorithm]);
  }

  private signed(algorithm: Algorithm, signatures: Signatures, requester: Signer): string {
    const payload = segment(this.claims(signatures));
    const approvers = [this.adam, this.anna].slice(0, signatures - 1).map((person) => person[algorithm]);
    return [
      requester.compact({ typ: "bg+jwt" }, payload),
      ...approvers.map((by) =>
        by.compact({ typ: "bg-approval+jws", iat: this.now }, payload).replace(`.${payload}.`, ".."),
      ),
    ].join("~");
  }
}
