/** What changed between two bundles, in words: what a root holder reads before signing. */
import { showDuration, showTime } from "../base/time.js";
import { type BundleClaims, type Entitlement, type Principal, personOf, roleName } from "./claims.js";

interface Named {
  readonly id: string;
}

function compareLists<T extends Named>(
  kind: string,
  before: readonly T[],
  after: readonly T[],
  changes: (a: T, b: T) => string[],
): string[] {
  const old = new Map(before.map((item) => [item.id, item]));
  const fresh = new Map(after.map((item) => [item.id, item]));
  const lines: string[] = [];
  for (const item of after) {
    const previous = old.get(item.id);
    if (previous === undefined) lines.push(`${kind} ${item.id} is new`);
    else for (const change of changes(previous, item)) lines.push(`${kind} ${item.id}: ${change}`);
  }
  for (const item of before) if (!fresh.has(item.id)) lines.push(`${kind} ${item.id} is gone`);
  return lines;
}

function setChanges(what: string, before: readonly string[], after: readonly string[]): string[] {
  const gained = after.filter((item) => !before.includes(item));
  const lost = before.filter((item) => !after.includes(item));
  return [
    ...(gained.length > 0 ? [`gains ${what} ${gained.join(", ")}`] : []),
    ...(lost.length > 0 ? [`loses ${what} ${lost.join(", ")}`] : []),
  ];
}

function roleText(role: Principal["roles"][number]): string {
  if (typeof role === "string") return role;
  const from = role.nbf === undefined ? "" : ` from ${showTime(role.nbf)}`;
  const until = role.exp === undefined ? "" : ` until ${showTime(role.exp)}`;
  return `${roleName(role)}${from}${until}`;
}

function keyText(key: Principal["keys"][number]): string {
  const until = key.exp === undefined ? "" : ` (until ${showTime(key.exp)})`;
  return `${key.kid}${until}`;
}

function principalChanges(before: Principal, after: Principal): string[] {
  const person =
    personOf(before) === personOf(after) ? [] : [`is now person ${personOf(after)}, was ${personOf(before)}`];
  return [
    ...person,
    ...setChanges("role", before.roles.map(roleText), after.roles.map(roleText)),
    ...setChanges("key", before.keys.map(keyText), after.keys.map(keyText)),
  ];
}

const approvalText = (entitlement: Entitlement): string =>
  entitlement.approvals.map(({ role, count }) => `${count} of ${role}`).join(" and ") || "none";
const scopeText = (entitlement: Entitlement): string[] =>
  entitlement.authorization_details.map(
    ({ locations, actions, paths }) => `${actions.join(",")} ${locations.join(",")} ${paths.join(",")}`,
  );

function entitlementChanges(before: Entitlement, after: Entitlement): string[] {
  const lines = [
    ...setChanges("requester role", before.requesters, after.requesters),
    ...setChanges("reason", before.reasons, after.reasons),
    ...setChanges("scope", scopeText(before), scopeText(after)),
    ...setChanges("requirement", before.require ?? [], after.require ?? []),
  ];
  if (approvalText(before) !== approvalText(after))
    lines.push(`approvals are now ${approvalText(after)}, were ${approvalText(before)}`);
  if (before.max_ttl !== after.max_ttl)
    lines.push(`lives up to ${showDuration(after.max_ttl)}, was ${showDuration(before.max_ttl)}`);
  if ((before.drill ?? false) !== (after.drill ?? false))
    lines.push(after.drill === true ? "is now for drills only" : "is no longer for drills");
  return lines;
}

const emptyRevoked = { jti: [], sub: [], kid: [], incident: [] } as const;

/** One line a change; empty when nothing but version and dates differ. */
export function describeChanges(before: BundleClaims, after: BundleClaims): string[] {
  const oldRevoked = { ...emptyRevoked, ...before.revoked };
  const newRevoked = { ...emptyRevoked, ...after.revoked };
  return [
    ...setChanges("audience", before.aud, after.aud).map((change) => `the bundle ${change}`),
    ...compareLists("principal", before.principals, after.principals, principalChanges),
    ...compareLists("entitlement", before.entitlements, after.entitlements, entitlementChanges),
    ...(["jti", "sub", "kid", "incident"] as const).flatMap((kind) =>
      setChanges(`revoked ${kind}`, oldRevoked[kind] ?? [], newRevoked[kind] ?? []).map(
        (change) => `the bundle ${change}`,
      ),
    ),
  ];
}
