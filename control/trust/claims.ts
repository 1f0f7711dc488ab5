/** The claims of a trust bundle, as the filter reads them (docs/members.md). */
import type { z } from "zod";
import type { bundleSchema, entitlementSchema, principalSchema, revokedSchema } from "./members.gen.js";

export {
  bundleSchema as bundleClaimsSchema,
  entitlementSchema,
  issuedBeforeSchema,
  principalSchema,
  revokedSchema,
} from "./members.gen.js";

export type Principal = z.infer<typeof principalSchema>;
export type Entitlement = z.infer<typeof entitlementSchema>;
export type BundleClaims = z.infer<typeof bundleSchema>;
export type Revoked = z.infer<typeof revokedSchema>;

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
