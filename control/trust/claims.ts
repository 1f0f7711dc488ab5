/** The claims of a trust bundle, as the filter reads them (docs/trust-bundle.md, "Claims"). */
import { z } from "zod";
import { windowedKeySchema } from "../signer/jwk.js";
import { entitlementDetails, name, numericDate } from "./names.js";

const role = z.union([name, z.strictObject({ role: name, nbf: numericDate.optional(), exp: numericDate.optional() })]);

export const principalSchema = z.strictObject({
  id: name,
  person: name.optional(),
  roles: z.array(role).max(64, "has more than 64 roles"),
  keys: z.array(windowedKeySchema),
});
export type Principal = z.infer<typeof principalSchema>;

const quorum = z.int("must be a whole number").min(1, "must be 1 to 8").max(8, "must be 1 to 8");
export const entitlementSchema = z.strictObject({
  id: name,
  requesters: z.array(name).min(1).max(64),
  reasons: z.array(name).min(1).max(64),
  approvals: z.array(z.strictObject({ role: name, count: quorum })).max(8),
  max_ttl: z.int().min(1),
  authorization_details: entitlementDetails,
  require: z.array(z.literal("incident")).max(1).optional(),
  drill: z.boolean().optional(),
});
export type Entitlement = z.infer<typeof entitlementSchema>;

const revokedName = z
  .string()
  .min(1, "is empty")
  .max(64, "is longer than 64 bytes: no grant can name it, so it would take nothing back");
export const revokedSchema = z.strictObject({
  jti: z.array(revokedName).optional(),
  sub: z.array(revokedName).optional(),
  kid: z.array(revokedName).optional(),
  incident: z.array(revokedName).optional(),
});

export const bundleClaimsSchema = z.strictObject({
  schema: z.literal(1),
  version: z.int("must be a whole number").nonnegative(),
  iat: numericDate,
  exp: numericDate,
  aud: z.array(name).min(1).max(16),
  principals: z.array(principalSchema).max(4096),
  entitlements: z.array(entitlementSchema).max(1024),
  revoked: revokedSchema.optional(),
});
export type BundleClaims = z.infer<typeof bundleClaimsSchema>;

/** The name of a role, held plainly or for a time. */
export const roleName = (held: Principal["roles"][number]): string => (typeof held === "string" ? held : held.role);

/** Whether the principal holds the role at that time. */
export function holdsRole(principal: Principal, role: string, at: number): boolean {
  return principal.roles.some((held) => {
    if (typeof held === "string") return held === role;
    return held.role === role && at >= (held.nbf ?? 0) && at < (held.exp ?? Number.POSITIVE_INFINITY);
  });
}

export const personOf = (principal: Principal): string => principal.person ?? principal.id;
