/** What changed between two bundles, in words: what a root holder reads before signing. No change is silent. */
import { showDuration, showTime } from "../base/time.js";
import type { BundleClaims, Entitlement, Principal } from "./claims.js";
import {
  audienceFact,
  bundleFacts,
  describeEntitlement,
  describePrincipal,
  detailFacts,
  detailText,
  entitlementFacts,
  type Fact,
  listed,
  principalFacts,
  quoted,
  revokedFacts,
} from "./facts.js";

const counts = (items: readonly string[]): Map<string, number> => {
  const found = new Map<string, number>();
  for (const item of items) found.set(item, (found.get(item) ?? 0) + 1);
  return found;
};

/** Lists are compared as what they hold, how often, and in which order. */
function listChanges(one: string, before: readonly string[], after: readonly string[]): string[] {
  const [old, fresh] = [counts(before), counts(after)];
  const more = (from: Map<string, number>, to: Map<string, number>): string[] =>
    [...to].flatMap(([item, times]) => {
      const had = from.get(item) ?? 0;
      if (times <= had) return [];
      return [times === 1 ? item : `${item} (named ${times} times, against ${had})`];
    });
  const [gained, lost] = [more(old, fresh), more(fresh, old)];
  const lines = [...gained.map((item) => `gains ${one} ${item}`), ...lost.map((item) => `loses ${one} ${item}`)];
  const common = (items: readonly string[], other: Map<string, number>): string =>
    JSON.stringify(items.filter((item) => other.has(item)));
  if (lines.length === 0 && common(before, fresh) !== common(after, old))
    lines.push(`has the same ${one} entries in another order: ${listed(after)}`);
  return lines;
}

function factChanges(before: readonly Fact[], after: readonly Fact[]): string[] {
  const labels = [...new Set([...after, ...before].map(({ label }) => label))];
  return labels.flatMap((label) => {
    const old = before.find((fact) => fact.label === label);
    const fresh = after.find((fact) => fact.label === label);
    if (old === undefined) return [`${label}: ${listed(fresh?.items ?? [])}, was not named`];
    if (fresh === undefined) return [`${label}: no longer named, was ${listed(old.items)}`];
    if (fresh.isList) return listChanges(fresh.one, old.items, fresh.items);
    const [was, is] = [listed(old.items), listed(fresh.items)];
    return was === is ? [] : [`${label}: ${is}, was ${was}`];
  });
}

/** As many details as before are compared one by one; else whole ones come and go. */
function scopeChanges(before: Entitlement, after: Entitlement): string[] {
  const [old, fresh] = [before.authorization_details, after.authorization_details];
  if (old.length !== fresh.length) return listChanges("scope", old.map(detailText), fresh.map(detailText));
  return fresh.flatMap((detail, i) => {
    const label = fresh.length === 1 ? "scope" : `scope ${i + 1}`;
    const previous = old[i];
    return previous === undefined ? [] : factChanges(detailFacts(previous, label), detailFacts(detail, label));
  });
}

const principalChanges = (before: Principal, after: Principal): string[] =>
  factChanges(principalFacts(before), principalFacts(after));
const entitlementChanges = (before: Entitlement, after: Entitlement): string[] => [
  ...factChanges(entitlementFacts(before), entitlementFacts(after)),
  ...scopeChanges(before, after),
];

/** By id; an id that occurs twice, which the filter refuses, is told apart. */
function named<T extends { readonly id: string }>(items: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) {
    let key = quoted(item.id);
    for (let n = 2; found.has(key); n++) key = `${quoted(item.id)} (number ${n} of this id)`;
    found.set(key, item);
  }
  return found;
}

function compareItems<T extends { readonly id: string }>(
  kind: string,
  before: readonly T[],
  after: readonly T[],
  changes: (a: T, b: T) => string[],
  describe: (item: T, indent: string) => string[],
): string[] {
  const [old, fresh] = [named(before), named(after)];
  const lines: string[] = [];
  for (const [id, item] of fresh) {
    const previous = old.get(id);
    if (previous !== undefined) lines.push(...changes(previous, item).map((change) => `${kind} ${id}: ${change}`));
    else lines.push(`${kind} ${id} is new:`, ...describe(item, "    "));
  }
  for (const [id, item] of old)
    if (!fresh.has(id)) lines.push(`${kind} ${id} is gone; it was:`, ...describe(item, "    "));
  const order = (ids: Iterable<string>): string => listed([...ids].filter((id) => old.has(id) && fresh.has(id)));
  if (order(old.keys()) !== order(fresh.keys()))
    lines.push(`the ${kind}s stand in another order: ${order(fresh.keys())}`);
  return lines;
}

const span = ({ iat, exp }: BundleClaims): string =>
  exp > iat ? showDuration(exp - iat) : `NONE (it ends ${iat - exp} seconds before it begins)`;

/** Version and dates: always told, also where they are as before. */
function dateLines(before: BundleClaims, after: BundleClaims): string[] {
  const step = after.version - before.version;
  const skip =
    step === 1
      ? ""
      : step > 1
        ? `: ${step - 1} NUMBERS ARE SKIPPED, and versions only rise`
        : ": IT DOES NOT RISE, gateways refuse it";
  const lifetime = span(after) === span(before) ? ", as before" : `, WAS ${span(before)}`;
  return [
    `version ${after.version}, was ${before.version}${skip}`,
    `issued ${showTime(after.iat)}, was ${showTime(before.iat)}`,
    `holds until ${showTime(after.exp)}, was ${showTime(before.exp)}`,
    `lifetime ${span(after)}${lifetime}`,
  ];
}

const asWhole = (changes: readonly string[]): string[] => changes.map((change) => `the bundle: ${change}`);

function revokedChanges(before: BundleClaims, after: BundleClaims): string[] {
  const changes = factChanges(revokedFacts(before), revokedFacts(after));
  // A list of nothing and no list: the same to the filter, and told apart all the same, as the bytes differ.
  if (before.revoked !== undefined && after.revoked === undefined) changes.push("now has no list of what is revoked");
  if (before.revoked === undefined && after.revoked !== undefined && changes.length === 0)
    changes.push("now has an empty list of what is revoked");
  return changes;
}

type Changes = (before: BundleClaims, after: BundleClaims) => readonly string[];
/** Told first and always: `dateLines`. */
const told = (): string[] => [];

/** The changes of each member, in the order of the screen; one that nobody thought of here does not compile. */
const changesOf =
  (facts: (claims: BundleClaims) => readonly Fact[], words: string): Changes =>
  (before, after) => {
    const changes = factChanges(facts(before), facts(after));
    return asWhole(changes.length > 0 || facts(before).length === facts(after).length ? changes : [words]);
  };

const memberChanges: { readonly [Member in keyof Required<BundleClaims>]: Changes } = {
  // There is one.
  schema: () => [],
  version: told,
  iat: told,
  exp: told,
  aud: (before, after) => asWhole(factChanges([audienceFact(before)], [audienceFact(after)])),
  revokers: changesOf(bundleFacts.revokers, "has an empty list of revokers, or has none any more"),
  reviewers: changesOf(bundleFacts.reviewers, "has an empty list of reviewers, or has none any more"),
  ledgers: changesOf(bundleFacts.ledgers, "has an empty list of ledgers, or has none any more"),
  texts: changesOf(bundleFacts.texts, "has an empty list of ignored texts, or has none any more"),
  revoked: (before, after) => asWhole(revokedChanges(before, after)),
  principals: (before, after) =>
    compareItems("principal", before.principals, after.principals, principalChanges, describePrincipal),
  entitlements: (before, after) =>
    compareItems("entitlement", before.entitlements, after.entitlements, entitlementChanges, describeEntitlement),
};

/** What changed besides version and dates; empty when nothing did. */
export const contentChanges = (before: BundleClaims, after: BundleClaims): string[] =>
  Object.values(memberChanges).flatMap((changes) => changes(before, after));

/** One line a change, the dates first and always. */
export function describeChanges(before: BundleClaims, after: BundleClaims): string[] {
  return [...dateLines(before, after), ...contentChanges(before, after)];
}
