/** The filter's decision as somebody would write it for a server in Node: OpenSSL by node:crypto, keys imported once. */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { z } from "zod";
import { type GrantClaims, grantClaimsSchema } from "../../control/grant/claims.js";
import { type Approver, missingSeats } from "../../control/grant/quorum.js";
import type { WindowedKey } from "../../control/signer/jwk.js";
import {
  type BundleClaims,
  type Entitlement,
  holdsRole,
  type Principal,
  personOf,
} from "../../control/trust/claims.js";
import type { Detail } from "../../control/trust/names.js";
import { isAmbiguous, judgeScope, type ReferenceRequest } from "../../test/reference/scope.js";

export interface Verdict {
  readonly code: string;
  readonly claims?: GrantClaims;
  readonly approvers?: readonly Approver[];
}

interface Key {
  readonly object: KeyObject;
  readonly algorithm: "Ed25519" | "ES256";
  readonly jwk: WindowedKey;
  readonly principal: Principal;
}
interface Accepted {
  readonly claims: GrantClaims;
  readonly key: Key;
  readonly entitlement: Entitlement;
  readonly approvers: readonly Approver[];
}

const header = z.strictObject({
  alg: z.enum(["Ed25519", "EdDSA", "ES256"]),
  kid: z.string(),
  typ: z.enum(["bg+jwt", "bg-approval+jws"]),
  iat: z.int().optional(),
});
const LEEWAY = 5;
const CACHED = 64;
class Refusal extends Error {}

const json = (segment: string): unknown => JSON.parse(Buffer.from(segment, "base64url").toString("utf8"));
const holds = ({ nbf = 0, exp = Number.POSITIVE_INFINITY }: WindowedKey, at: number): boolean => at >= nbf && at < exp;
const refuseIf = (condition: boolean, code: string): void => {
  if (condition) throw new Refusal(code);
};

export class Decider {
  private readonly keys = new Map<string, Key>();
  private readonly entitlements: ReadonlyMap<string, Entitlement>;
  /** Accepted grants, least recently used first. */
  private readonly cache = new Map<string, Accepted>();

  constructor(
    bundle: BundleClaims,
    private readonly audience: string,
  ) {
    this.entitlements = new Map(bundle.entitlements.map((entitlement) => [entitlement.id, entitlement]));
    for (const principal of bundle.principals) {
      for (const jwk of principal.keys) {
        const { nbf: _nbf, exp: _exp, ...plain } = jwk;
        const object = createPublicKey({ key: plain, format: "jwk" });
        this.keys.set(jwk.kid, { object, algorithm: jwk.kty === "OKP" ? "Ed25519" : "ES256", jwk, principal });
      }
    }
  }

  decide(grant: string, request: ReferenceRequest, now: number): Verdict {
    try {
      refuseIf(isAmbiguous(request.path), "path_ambiguous");
      const accepted = this.cache.get(grant) ?? this.accept(grant, now);
      this.remember(grant, accepted);
      const { claims, entitlement, approvers } = accepted;
      refuseIf(now >= claims.exp, "expired");
      const scope = judgeScope(claims.authorization_details.map(plain), request);
      refuseIf(scope !== "allow", scope);
      refuseIf(judgeScope(entitlement.authorization_details.map(plain), request) !== "allow", "entitlement_scope");
      return { code: "allow", claims, approvers };
    } catch (error) {
      if (error instanceof Refusal) return { code: error.message };
      if (error instanceof z.ZodError || error instanceof SyntaxError) return { code: "malformed" };
      throw error;
    }
  }

  private remember(grant: string, accepted: Accepted): void {
    this.cache.delete(grant);
    this.cache.set(grant, accepted);
    if (this.cache.size <= CACHED) return;
    for (const oldest of this.cache.keys()) {
      this.cache.delete(oldest);
      return;
    }
  }

  private keyOf(kid: string, alg: string): Key {
    const key = this.keys.get(kid);
    if (key === undefined) throw new Refusal("key_unknown");
    refuseIf(key.algorithm !== (alg === "EdDSA" ? "Ed25519" : alg), "algorithm");
    return key;
  }

  private verifies({ object, algorithm }: Key, head: string, payload: string, signature: string): boolean {
    const bytes = Buffer.from(signature, "base64url");
    refuseIf(bytes.length !== 64, "malformed");
    const hash = algorithm === "Ed25519" ? null : "sha256";
    return verify(hash, Buffer.from(`${head}.${payload}`), { key: object, dsaEncoding: "ieee-p1363" }, bytes);
  }

  private accept(grant: string, now: number): Accepted {
    const [request = "", ...approvals] = grant.split("~");
    const [head = "", payload = "", signature = "", ...more] = request.split(".");
    refuseIf(more.length > 0 || approvals.length > 8, "malformed");
    const { alg, kid, typ } = header.parse(json(head));
    refuseIf(typ !== "bg+jwt", "malformed");
    const claims = grantClaimsSchema.parse(json(payload));
    const key = this.keyOf(kid, alg);
    refuseIf(!holds(key.jwk, now), "key_not_valid");
    refuseIf(claims.iat > now + LEEWAY, "not_yet_valid");
    refuseIf(now >= claims.exp, "expired");
    refuseIf(![claims.aud].flat().includes(this.audience), "audience");
    refuseIf(!this.verifies(key, head, payload, signature), "signature");

    const { principal } = key;
    refuseIf(principal.id !== claims.sub, "key_owner");
    const entitlement = this.entitlements.get(claims.ent);
    if (entitlement === undefined) throw new Refusal("entitlement_unknown");
    refuseIf(!entitlement.requesters.some((role) => holdsRole(principal, role, now)), "requester");
    refuseIf(!entitlement.reasons.includes(claims.reason), "reason");
    refuseIf(claims.exp - claims.iat > entitlement.max_ttl, "ttl");

    const approvers: Approver[] = [];
    const checks = approvals.map((approval): (() => boolean) => {
      const [approvalHead = "", empty, approvalSignature = ""] = approval.split(".");
      const { alg: approvalAlg, kid: approvalKid, iat = 0, typ: approvalTyp } = header.parse(json(approvalHead));
      refuseIf(empty !== "" || approvalTyp !== "bg-approval+jws", "malformed");
      const approvalKey = this.keyOf(approvalKid, approvalAlg);
      refuseIf(!holds(approvalKey.jwk, now) || !holds(approvalKey.jwk, iat), "key_not_valid");
      refuseIf(iat < claims.iat - LEEWAY || iat > now + LEEWAY, "not_yet_valid");
      const person = personOf(approvalKey.principal);
      refuseIf(person === personOf(principal), "self_approval");
      refuseIf(
        approvers.some((other) => personOf(other.principal) === person),
        "duplicate_approval",
      );
      approvers.push({ principal: approvalKey.principal, iat });
      return () => this.verifies(approvalKey, approvalHead, payload, approvalSignature);
    });
    refuseIf(missingSeats(entitlement, approvers, now).length > 0, "quorum");
    refuseIf(!checks.every((check) => check()), "approval_signature");
    return { claims, key, entitlement, approvers };
  }
}

const plain = ({ locations, actions, paths }: Detail): { locations: string[]; actions: string[]; paths: string[] } => ({
  locations,
  actions,
  paths,
});
