/** Names in a bundle that match nobody, or never can: most are a slip of the pen, and a revocation among them takes nothing back. */
import { nearest } from "../base/text.js";
import { type BundleClaims, personOf, roleName } from "./claims.js";
import { quoted } from "./facts.js";

const JTI = /^[A-Za-z0-9_-]{16,64}$/;
const KID = /^[A-Za-z0-9_-]{43}$/;
const MAX_INCIDENT_BYTES = 64;

/** Comparing with more names than this takes longer than it helps. */
const MAX_CANDIDATES = 5000;

function guess(wrong: string, candidates: Iterable<string>): string {
  const near = nearest(wrong, [...candidates].slice(0, MAX_CANDIDATES));
  return near === undefined ? "" : `; did you mean ${quoted(near)}?`;
}

function strangeRoles(claims: BundleClaims): string[] {
  const held = new Map<string, string[]>();
  for (const { id, roles } of claims.principals)
    for (const role of new Set(roles.map(roleName))) {
      const holders = held.get(role);
      if (holders === undefined) held.set(role, [id]);
      else holders.push(id);
    }
  const asked = new Set<string>();
  const lines: string[] = [];
  for (const { id, requesters, approvals } of claims.entitlements) {
    const wanted = [
      ...requesters.map((role) => [role, "may ask for it"] as const),
      ...approvals.map(({ role }) => [role, "must approve it"] as const),
    ];
    for (const [role, what] of wanted) {
      asked.add(role);
      if (!held.has(role))
        lines.push(`entitlement ${id}: nobody holds the role ${role}, which ${what}${guess(role, held.keys())}`);
    }
  }
  for (const [what, roles] of [
    ["may revoke urgently", claims.revokers ?? []],
    ["may close a review", claims.reviewers ?? []],
  ] as const)
    for (const role of roles) {
      asked.add(role);
      if (!held.has(role)) lines.push(`nobody holds the role ${role}, which ${what}${guess(role, held.keys())}`);
    }
  for (const [role, holders] of held) {
    if (!asked.has(role))
      lines.push(
        `no entitlement names the role ${role}, which ${holders.join(", ")} ${holders.length === 1 ? "holds" : "hold"}${guess(role, asked)}`,
      );
  }
  return [...new Set(lines)];
}

/** A person's name that is nearly another's: one human would count as two, and could approve for himself. */
function strangePersons({ principals }: BundleClaims): string[] {
  const known = new Set(principals.map(personOf));
  return principals.flatMap(({ id, person }) => {
    if (person === undefined || principals.some((other) => other.id !== id && personOf(other) === person)) return [];
    const near = guess(
      person,
      [...known].filter((other) => other !== person && other !== id),
    );
    return near === "" ? [] : [`principal ${id}: nobody else is the person ${person}${near}`];
  });
}

function strangeSubject(sub: string, claims: BundleClaims): string | undefined {
  const ids = claims.principals.map(({ id }) => id);
  if (ids.includes(sub)) return undefined;
  const accounts = claims.principals.filter((principal) => personOf(principal) === sub).map(({ id }) => id);
  const mend = accounts.length > 0 ? `; it is a person: revoke the accounts ${accounts.join(", ")}` : guess(sub, ids);
  return `revoked sub ${quoted(sub)} is no principal of this bundle and takes nothing back${mend}`;
}

function strangeKey(kid: string, kids: ReadonlySet<string>): string | undefined {
  if (kids.has(kid)) return undefined;
  const reason = KID.test(kid) ? "is no key of this bundle" : "can never match: a kid is a thumbprint of 43 characters";
  return `revoked kid ${quoted(kid)} ${reason}, and takes nothing back${guess(kid, kids)}`;
}

/** Letters that are taken for one another, and marks that people leave out or change. */
const blurred = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/o/g, "0")
    .replace(/[il|]/g, "1")
    .replace(/[\p{P}\p{Z}\p{C}\s]/gu, "");

function strangeIncidents(incidents: readonly string[]): string[] {
  const seen = new Map<string, string>();
  return incidents.flatMap((incident) => {
    const lines: string[] = [];
    const shown = quoted(incident);
    if (incident === "" || Buffer.byteLength(incident) > MAX_INCIDENT_BYTES)
      lines.push(`revoked incident ${shown} can never match: an incident has 1 to ${MAX_INCIDENT_BYTES} bytes`);
    else if (incident !== incident.trim())
      lines.push(`revoked incident ${shown} has white space around it, which is compared as well`);
    else if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(incident))
      lines.push(`revoked incident ${shown} has characters that are hard to type: they are compared byte for byte`);
    const twin = seen.get(blurred(incident));
    if (twin === incident) lines.push(`revoked incident ${shown} is named twice`);
    else if (twin !== undefined)
      lines.push(
        `revoked incidents ${quoted(twin)} and ${shown} look alike and are two: which one do the grants name?`,
      );
    seen.set(blurred(incident), incident);
    return lines;
  });
}

/** How the filter compares incidents, said where one is revoked: nobody can know here which ones the grants name. */
function incidentRule(incidents: readonly string[]): string[] {
  const [example] = incidents;
  if (example === undefined) return [];
  const others = [
    example.toLowerCase(),
    example.toUpperCase(),
    example.replaceAll("-", "_"),
    example.replaceAll("0", "O"),
    example.replace(/[^A-Za-z0-9]/g, ""),
  ];
  const different = [...new Set(others)].filter((other) => other !== example && other !== "").map(quoted);
  if (different.length === 0) return [];
  return [
    `revoked incidents are compared byte for byte: ${quoted(example)} does not take back grants for ${different.join(" or ")}`,
  ];
}

/** One line a name that matches nobody. */
export function strangers(claims: BundleClaims): string[] {
  const { jti = [], sub: subs = [], kid = [], incident = [], issued_before: before = [] } = claims.revoked ?? {};
  const sub = [...new Set([...subs, ...before.flatMap((one) => one.sub ?? [])])];
  const kids = new Set(claims.principals.flatMap(({ keys }) => keys.map((key) => key.kid)));
  return [
    ...strangeRoles(claims),
    ...strangePersons(claims),
    ...jti
      .filter((id) => !JTI.test(id))
      .map((id) => `revoked jti ${quoted(id)} can never match: a jti is of 16 to 64 letters, digits, - and _`),
    ...sub.flatMap((id) => strangeSubject(id, claims) ?? []),
    ...kid.flatMap((id) => strangeKey(id, kids) ?? []),
    ...strangeIncidents(incident),
    ...incidentRule(incident),
  ];
}
