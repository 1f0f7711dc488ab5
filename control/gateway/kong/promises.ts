/** What a Kong gateway cannot keep of the promises, by name: said when it is rendered, not found out in an emergency. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { BundleClaims } from "../../trust/claims.js";

export interface Shortfall {
  readonly promise: string;
  readonly says: string;
}

/** Of what an Envoy gateway promises; docs/gateways/kong.md says why. */
export const SHORTFALLS: readonly Shortfall[] = [
  {
    promise: "No single key opens anything",
    says: "the upstream key in this file does: whoever reads it and reaches this Kong's loopback gets to the upstream. Each push draws a new one.",
  },
  {
    promise: "It dies by itself",
    says: "an answer that is still being sent when its grant ends, or is revoked, goes on: Kong gives the filter no way to end it. Upgrades are denied.",
  },
  {
    promise: "A grant can be bound to its holder's key",
    says: "the filter sees no client certificate, and has no memory of used DPoP proofs that its workers share: a bound grant is denied (binding_missing).",
  },
  {
    promise: "Everything leaves a record",
    says: "on Kong 3.4 and 3.5 none leaves. Later ones write it when the request ends: an open one is not on record yet, and a worker that dies takes those with it. Receipts are not to be had (audit_unavailable).",
  },
  {
    promise: "Applied means that every worker serves it",
    says: "Kong tells what it has stored, not what each worker runs: a push says how far it could see.",
  },
];

interface Demand {
  readonly entitlement: string;
  readonly says: string;
}

/** Entitlements of which no grant opens anything at a Kong gateway. */
export function demandsUnmet({ entitlements }: Pick<BundleClaims, "entitlements">): Demand[] {
  return entitlements.flatMap(({ id, require = [], ...rest }) => {
    if (require.includes("cnf"))
      return [
        { entitlement: id, says: "demands a grant that is bound to a key (cnf), which is denied: binding_missing" },
      ];
    if ("audit" in rest && rest.audit === "receipt")
      return [{ entitlement: id, says: "demands a ledger's receipt, which is denied: audit_unavailable" }];
    const actions = new Set(rest.authorization_details.flatMap((detail) => detail.actions));
    return actions.size === 1 && actions.has("CONNECT")
      ? [{ entitlement: id, says: "opens upgrades only (CONNECT), which are denied" }]
      : [];
  });
}

/** A line for each of them. Refused where no entitlement is left that this gateway could serve. */
export function unmetBy(claims: Pick<BundleClaims, "entitlements">): string[] {
  const unmet = demandsUnmet(claims);
  const lines = unmet.map(({ entitlement, says }) => `a Kong gateway cannot serve ${visible(entitlement)}: it ${says}`);
  if (unmet.length === 0 || unmet.length < claims.entitlements.length) return lines;
  throw new UserError(`A Kong gateway can serve no entitlement of this bundle: ${lines.join("; ")}.`, {
    hint: "Keep an Envoy gateway for them (`glassgate gateway render`), or build a bundle with entitlements that demand neither.",
    exitCode: 1,
  });
}
