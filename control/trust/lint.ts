/** What is weak in a bundle, in words. Nothing here is refused: it is for the people who sign. */
import { showDuration } from "../base/time.js";
import type { Anchors } from "./anchors.js";
import { type BundleClaims, type Entitlement, holdsRole, personOf, roleName } from "./claims.js";
import { quoted } from "./facts.js";
import { strangers } from "./strangers.js";

const HOUR = 3600;
const DAY = 86_400;
/** Nobody gets here by counting, nor by using the time in milliseconds. */
const HIGH_VERSION = 1_000_000_000_000_000;

function personsWith(claims: BundleClaims, role: string): Set<string> {
  const now = claims.iat;
  return new Set(
    claims.principals.filter((principal) => principal.keys.length > 0 && holdsRole(principal, role, now)).map(personOf),
  );
}

function lintScope(entitlement: Entitlement): string[] {
  const warnings: string[] = [];
  for (const { locations, actions, paths } of entitlement.authorization_details) {
    if (locations.includes("*")) warnings.push("opens every host");
    if (actions.includes("*")) warnings.push("opens every method");
    if (paths.includes("/**")) warnings.push("opens every path");
    if (actions.includes("CONNECT")) warnings.push("opens tunnels, whose content nobody judges");
    const endpoint = paths.find((path) => /\/(graphql|batch|rpc|\$batch)$/i.test(path));
    if (endpoint !== undefined)
      warnings.push(`${quoted(endpoint)} is one endpoint for many operations: body and query are outside the scope`);
  }
  return warnings;
}

function lintQuorum(claims: BundleClaims, entitlement: Entitlement): string[] {
  if (entitlement.approvals.length === 0) return ["needs no approval: ONE key opens it"];
  const warnings: string[] = [];
  for (const { role, count } of entitlement.approvals) {
    const persons = personsWith(claims, role);
    const people = `${persons.size} ${persons.size === 1 ? "person holds" : "people hold"} it`;
    if (persons.size < count) warnings.push(`can never be approved: it needs ${count} of ${role} and ${people}`);
    else if (persons.size === count) warnings.push(`needs everybody with the role ${role} at once (${people})`);
  }
  return warnings;
}

function lintEntitlement(claims: BundleClaims, entitlement: Entitlement): string[] {
  const warnings = [...lintQuorum(claims, entitlement), ...lintScope(entitlement)];
  if (!entitlement.requesters.some((role) => personsWith(claims, role).size > 0))
    warnings.push("nobody may ask for it");
  if (entitlement.audit !== undefined && (claims.ledgers ?? []).length === 0)
    warnings.push("can never be used: it demands a ledger's receipt, and the bundle has no ledgers who could sign one");
  if (entitlement.max_ttl > 4 * HOUR)
    warnings.push(`lives up to ${showDuration(entitlement.max_ttl)}: an emergency credential should die in minutes`);
  return warnings.map((warning) => `entitlement ${entitlement.id} ${warning}`);
}

/** Who asked for a grant, or approved it, cannot review it: somebody else must be left. */
function lintReviewers(claims: BundleClaims): string[] {
  if (claims.entitlements.length === 0) return [];
  const { reviewers = [] } = claims;
  if (reviewers.length === 0)
    return ["there are no reviewers: nobody can close the review of a grant, and each will be overdue"];
  const persons = new Set(reviewers.flatMap((role) => [...personsWith(claims, role)]));
  return persons.size === 1
    ? ["one person alone may close reviews: what that person asks for or approves nobody can review"]
    : [];
}

/** One line a weakness. */
export function lint(claims: BundleClaims, anchors?: Anchors): string[] {
  const warnings: string[] = [];
  if (anchors?.threshold === 1) warnings.push("the threshold is 1: ONE root key decides who may do what");
  if (anchors !== undefined && anchors.roots.length === anchors.threshold && anchors.threshold > 1) {
    warnings.push("every root key is needed: one lost key and the bundle can never be changed");
  }
  if (claims.version > HIGH_VERSION)
    warnings.push(
      `version ${claims.version} is near the highest there can be: versions only rise, and then none can follow`,
    );
  if (claims.exp - claims.iat > 400 * DAY)
    warnings.push(`the bundle holds for ${showDuration(claims.exp - claims.iat)}: over a year`);
  for (const entitlement of claims.entitlements) warnings.push(...lintEntitlement(claims, entitlement));
  warnings.push(...lintReviewers(claims));
  if (claims.exp - claims.iat < HOUR)
    warnings.push(
      `the bundle holds for ${showDuration(Math.max(0, claims.exp - claims.iat))} only, and every grant ends with it`,
    );
  for (const principal of claims.principals) {
    for (const role of principal.roles) {
      if (typeof role !== "string" && role.exp !== undefined && role.exp <= claims.iat)
        warnings.push(`principal ${principal.id}: the role ${roleName(role)} is past its exp`);
    }
    if (principal.keys.length === 0) warnings.push(`principal ${principal.id} has no key`);
    for (const key of principal.keys) {
      if (key.exp !== undefined && key.exp <= claims.iat)
        warnings.push(`principal ${principal.id}: the key ${quoted(key.kid)} is past its exp`);
    }
  }
  return [...warnings, ...strangers(claims)];
}
