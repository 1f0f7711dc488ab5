/** The people, keys and rules of the demonstration, made at run time and kept in memory. */
import { importJWK, SignJWT } from "jose";
import { nowSeconds } from "../base/time.js";
import { completeGrant, makeApproval, newClaims, signAsk } from "../grant/make.js";
import { newKey, type PrivateKey, publicPart } from "../signer/jwk.js";
import type { Anchors } from "../trust/anchors.js";
import { signFirst, signFurther } from "../trust/bundle.js";
import type { BundleClaims } from "../trust/claims.js";
import { nextClaims } from "../trust/next-text.js";
import { signRevocations } from "../trust/revocations.js";

export const HOST = "api.example.com";
export const ISSUER = "https://idp.example.com";

export interface World {
  readonly anchors: Anchors;
  /** The identity provider's keys, for normal callers. */
  readonly jwks: string;
  bundle(version: number, requesterKey: PrivateKey): Promise<string>;
  /** A grant for GET and POST on /orders/*, approved by `approvers`. */
  grant(options?: {
    ttl?: number;
    approvers?: readonly Approver[];
    requester?: PrivateKey;
    /** The thumbprint of the key that it is bound to. */
    jkt?: string;
  }): Promise<{ ask: string; grant: string; jti: string }>;
  /** An urgent revocation of that grant, signed by anna alone. */
  revocation(jti: string): Promise<string>;
  normalToken(): Promise<string>;
  readonly requester: PrivateKey;
}

export type Approver = "adam" | "anna" | "rita-admin";

export async function makeWorld(): Promise<World> {
  const roots = [newKey("Ed25519"), newKey("ES256"), newKey("Ed25519")];
  const anchors: Anchors = { audience: "demo", threshold: 2, roots: roots.map(publicPart) };
  const requester = newKey("Ed25519");
  const approvers = { adam: newKey("Ed25519"), anna: newKey("ES256"), "rita-admin": newKey("Ed25519") };
  const reviewer = newKey("Ed25519");
  const idp = newKey("Ed25519");

  const bundle = async (version: number, requesterKey: PrivateKey): Promise<string> => {
    const now = nowSeconds();
    const claims: BundleClaims = {
      schema: 1,
      version,
      iat: now - 60,
      exp: now + 86_400,
      aud: [anchors.audience],
      principals: [
        { id: "rita", roles: ["oncall"], keys: [publicPart(requesterKey)] },
        { id: "rita-admin", person: "rita", roles: ["lead"], keys: [publicPart(approvers["rita-admin"])] },
        { id: "adam", roles: ["lead"], keys: [publicPart(approvers.adam)] },
        { id: "anna", roles: ["security"], keys: [publicPart(approvers.anna)] },
        { id: "olga", roles: ["audit"], keys: [publicPart(reviewer)] },
      ],
      revokers: ["security"],
      reviewers: ["audit"],
      entitlements: [
        {
          id: "orders-repair",
          requesters: ["oncall"],
          reasons: ["outage"],
          approvals: [
            { role: "lead", count: 1 },
            { role: "security", count: 1 },
          ],
          max_ttl: 900,
          authorization_details: [
            { type: "break_glass_http", locations: [HOST], actions: ["GET", "POST"], paths: ["/orders/**"] },
          ],
        },
      ],
    };
    const [first, second] = roots;
    if (first === undefined || second === undefined) throw new Error("two roots are needed");
    return signFurther(await signFirst(claims, first), second);
  };

  const grant: World["grant"] = async (options = {}) => {
    const now = nowSeconds();
    const key = options.requester ?? requester;
    const claims = newClaims({
      ttl: options.ttl ?? 600,
      iat: now,
      sub: "rita",
      aud: anchors.audience,
      ent: "orders-repair",
      reason: "outage",
      text: "Refunds loop; repair order 42 by hand",
      authorization_details: [
        { type: "break_glass_http", locations: [HOST], actions: ["GET", "POST"], paths: ["/orders/*"] },
      ],
      ...(options.jkt === undefined ? {} : { cnf: { jkt: options.jkt } }),
    });
    const ask = await signAsk(claims, key);
    const approvals = await Promise.all(
      (options.approvers ?? ["adam", "anna"]).map((name) => makeApproval(ask, approvers[name], now)),
    );
    return { ask, grant: await completeGrant(ask, approvals, key), jti: claims.jti };
  };

  const revocation: World["revocation"] = (jti) => {
    const claims = nextClaims([], { revoked: { jti: [jti] }, aud: [anchors.audience] }, nowSeconds());
    return signRevocations(claims, approvers.anna);
  };

  const normalToken = async (): Promise<string> =>
    new SignJWT({ sub: "customer-7" })
      .setProtectedHeader({ alg: "EdDSA", kid: idp.kid })
      .setIssuer(ISSUER)
      .setAudience("api")
      .setExpirationTime("1h")
      .sign(await importJWK({ ...idp, alg: "EdDSA" }, "EdDSA"));

  const jwks = JSON.stringify({ keys: [{ ...publicPart(idp), alg: "EdDSA" }] });
  return { anchors, jwks, bundle, grant, revocation, normalToken, requester };
}
