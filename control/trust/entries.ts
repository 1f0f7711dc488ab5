/** What is revoked, as single entries: the lists of several texts and of a bundle are joined, compared and told apart by them. */
import type { Revoked } from "./claims.js";

export const nameKinds = ["jti", "sub", "kid", "incident"] as const;
export type NameKind = (typeof nameKinds)[number];

export type Entry =
  | { readonly kind: NameKind; readonly name: string }
  /** Grants with `iat` before `at`; with `sub` only those in which that principal asked or approved. */
  | { readonly kind: "issued_before"; readonly at: number; readonly sub?: string };

export function entriesOf(revoked: Revoked = {}): Entry[] {
  const named = nameKinds.flatMap((kind) => (revoked[kind] ?? []).map((name): Entry => ({ kind, name })));
  const before = (revoked.issued_before ?? []).map(
    ({ at, sub }): Entry => ({ kind: "issued_before", at, ...(sub === undefined ? {} : { sub }) }),
  );
  return [...named, ...before];
}

/** Whether whatever `entry` takes away, `other` takes away as well. */
function takesIn(other: Entry, entry: Entry): boolean {
  if (entry.kind === "issued_before")
    return (
      other.kind === "issued_before" && other.at >= entry.at && (other.sub === undefined || other.sub === entry.sub)
    );
  return other.kind === entry.kind && other.name === entry.name;
}

export const isCovered = (entry: Entry, by: Revoked | undefined): boolean =>
  entriesOf(by).some((other) => takesIn(other, entry));

/** The entries of `part` that `whole` does not take away. */
export const missingFrom = (whole: Revoked | undefined, part: Revoked | undefined): Entry[] =>
  entriesOf(part).filter((entry) => !isCovered(entry, whole));

/** Lists of those entries, each once; what another takes in is left out. Lists of nothing are left out, too. */
export function listsOf(entries: readonly Entry[]): Revoked {
  const named = nameKinds.flatMap((kind) => {
    const names = new Set(entries.flatMap((entry) => (entry.kind === kind ? [entry.name] : [])));
    return names.size === 0 ? [] : [[kind, [...names]] as const];
  });
  const latest = new Map<string | undefined, number>();
  for (const entry of entries)
    if (entry.kind === "issued_before") latest.set(entry.sub, Math.max(entry.at, latest.get(entry.sub) ?? 0));
  const everything = latest.get(undefined) ?? -1;
  const before = [...latest]
    .filter(([sub, at]) => sub === undefined || at > everything)
    .map(([sub, at]) => ({ at, ...(sub === undefined ? {} : { sub }) }));
  return { ...Object.fromEntries(named), ...(before.length === 0 ? {} : { issued_before: before }) };
}

/** All that any of them takes away. */
export const unionOf = (...lists: readonly (Revoked | undefined)[]): Revoked =>
  listsOf(lists.flatMap((list) => entriesOf(list)));

/** Without those very entries. Of `issued_before` the subject counts, whatever its time. */
export function without(revoked: Revoked | undefined, entries: readonly Entry[]): Revoked {
  const isTaken = (entry: Entry): boolean =>
    entries.some((other) =>
      entry.kind === "issued_before"
        ? other.kind === "issued_before" && other.sub === entry.sub
        : other.kind === entry.kind && other.name === entry.name,
    );
  return listsOf(entriesOf(revoked).filter((entry) => !isTaken(entry)));
}

export interface IssuedGrant {
  readonly jti: string;
  readonly iat: number;
  readonly incident?: string | undefined;
  /** Requester and approvers. */
  readonly subs: readonly string[];
  readonly kids: readonly string[];
}

/** Whether the grant is taken away, as the filter decides it. */
export function revokes(revoked: Revoked | undefined, grant: IssuedGrant): boolean {
  return entriesOf(revoked).some((entry) => {
    switch (entry.kind) {
      case "jti":
        return entry.name === grant.jti;
      case "sub":
        return grant.subs.includes(entry.name);
      case "kid":
        return grant.kids.includes(entry.name);
      case "incident":
        return entry.name === grant.incident;
      case "issued_before":
        return grant.iat < entry.at && (entry.sub === undefined || grant.subs.includes(entry.sub));
      default:
        return false;
    }
  });
}

/** `sub:rita`, `issued_before`, `issued_before:rita`: as an entry is named on a command line. */
export function nameOf(entry: Entry): string {
  if (entry.kind !== "issued_before") return `${entry.kind}:${entry.name}`;
  return entry.sub === undefined ? entry.kind : `${entry.kind}:${entry.sub}`;
}

/** The entry of that name; of `issued_before` the time means nothing. Undefined where it is no name of an entry. */
export function entryNamed(text: string): Entry | undefined {
  const [kind = "", ...rest] = text.split(":");
  const name = rest.join(":");
  if (kind === "issued_before") return { kind, at: 0, ...(text === kind ? {} : { sub: name }) };
  const known = nameKinds.find((other) => other === kind);
  return known === undefined || name === "" ? undefined : { kind: known, name };
}
