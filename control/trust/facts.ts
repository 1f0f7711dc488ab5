/**
 * All that a bundle says, as labelled texts: what is shown, and what is compared, are made of the same. Two different values never have
 * the same text, and nothing is left out or cut.
 */
import { visible } from "../base/text.js";
import { showDuration, showTime } from "../base/time.js";
import type { BundleClaims, Entitlement, Principal, Revoked } from "./claims.js";
import { memberNames } from "./members.gen.js";

/** One member: a single text, or a list whose order means nothing. */
export interface Fact {
  readonly label: string;
  /** One of them, in a sentence: `gains role lead`. */
  readonly one: string;
  readonly items: readonly string[];
  readonly isList: boolean;
}

const PLAIN = /^[A-Za-z0-9._@+/*:~!$&=%[\]-]+$/;

/** A text from the bundle: in quotes, with escapes, where it could be read as something else. */
export const quoted = (text: string): string => (PLAIN.test(text) ? text : visible(JSON.stringify(text)));

/** A list in one line. */
export const listed = (items: readonly string[]): string => (items.length === 0 ? "(none)" : items.join(", "));

const single = (label: string, text: string): Fact => ({ label, one: label, items: [text], isList: false });
const list = (label: string, one: string, items: readonly string[]): Fact => ({ label, one, items, isList: true });

function windowText({ nbf, exp }: { nbf?: number | undefined; exp?: number | undefined }): string {
  const from = nbf === undefined ? "" : ` from ${showTime(nbf)}`;
  return `${from}${exp === undefined ? "" : ` until ${showTime(exp)}`}`;
}

function roleText(role: Principal["roles"][number]): string {
  if (typeof role === "string") return quoted(role);
  return `${quoted(role.role)}${windowText(role) || " (without a window)"}`;
}

function keyText(key: Principal["keys"][number]): string {
  const point = key.kty === "EC" ? `x ${quoted(key.x)} y ${quoted(key.y)}` : `x ${quoted(key.x)}`;
  const alg = key.alg === undefined ? "" : ` alg ${key.alg}`;
  return `${quoted(key.kid)} ${key.crv}${windowText(key)} (${point}${alg})`;
}

/** What is said of each member: one that nobody thought of here does not compile. */
type FactsOf<T> = { readonly [Member in keyof Required<T>]: (value: T) => readonly Fact[] };
const factsOf = <T>(members: FactsOf<T>, value: T): Fact[] =>
  Object.values<(value: T) => readonly Fact[]>(members).flatMap((facts) => facts(value));

/** The name stands above, and tells them apart. */
const named = (): Fact[] => [];

const principalMembers: FactsOf<Principal> = {
  id: named,
  person: ({ person }) => [single("person", person === undefined ? "(itself)" : quoted(person))],
  roles: ({ roles }) => [list("roles", "role", roles.map(roleText))],
  keys: ({ keys }) => [list("keys", "key", keys.map(keyText))],
};
export const principalFacts = (principal: Principal): Fact[] => factsOf(principalMembers, principal);

type Detail = Entitlement["authorization_details"][number];

export const detailText = ({ actions, locations, paths }: Detail): string =>
  `methods ${listed(actions.map(quoted))}; hosts ${listed(locations.map(quoted))}; paths ${listed(paths.map(quoted))}`;

export function detailFacts({ actions, locations, paths }: Detail, label: string): Fact[] {
  return [
    list(`${label} methods`, `${label} method`, actions.map(quoted)),
    list(`${label} hosts`, `${label} host`, locations.map(quoted)),
    list(`${label} paths`, `${label} path`, paths.map(quoted)),
  ];
}

const entitlementMembers: FactsOf<Entitlement> = {
  id: named,
  requesters: ({ requesters }) => [list("asked for by", "requester role", requesters.map(quoted))],
  reasons: ({ reasons }) => [list("reasons", "reason", reasons.map(quoted))],
  approvals: ({ approvals }) => {
    const rules = approvals.map(({ role, count }) => `${count} of ${quoted(role)}`);
    return [single("approvals", rules.join(" and ") || "NONE: one key opens it")];
  },
  max_ttl: ({ max_ttl }) => [single("lives up to", showDuration(max_ttl))],
  max_wait: ({ max_wait }) =>
    max_wait === undefined ? [] : [single("waits up to", max_wait === 0 ? "not at all" : showDuration(max_wait))],
  // Compared and shown by itself, below.
  authorization_details: () => [],
  require: ({ require }) => (require === undefined ? [] : [list("requires", "requirement", require.map(quoted))]),
  drill: ({ drill }) => (drill === undefined ? [] : [single("for drills only", drill ? "yes" : "no")]),
  audit: ({ audit }) => (audit === undefined ? [] : [single("audit", "a ledger's receipt first: none, no access")]),
};
/** All but the scope, which is compared by itself. */
export const entitlementFacts = (entitlement: Entitlement): Fact[] => factsOf(entitlementMembers, entitlement);

const beforeText = ({ at, sub }: NonNullable<Revoked["issued_before"]>[number]): string =>
  `${showTime(at)}${sub === undefined ? "" : `, of ${quoted(sub)}`}`;

export function revokedFacts({ revoked }: Pick<BundleClaims, "revoked">): Fact[] {
  return memberNames.revoked.flatMap((kind) => {
    const entries = revoked?.[kind];
    if (entries === undefined) return [];
    const items = entries.map((entry) => (typeof entry === "string" ? quoted(entry) : beforeText(entry)));
    return [list(`revoked ${kind}`, `revoked ${kind}`, items)];
  });
}

const roles = (label: string, names: readonly string[] | undefined): Fact[] =>
  names === undefined ? [] : [list(label, `${label} role`, names.map(quoted))];

/** Of the whole bundle, beside its dates, audience, people and rules. */
export const bundleFacts: FactsOf<Pick<BundleClaims, "revokers" | "reviewers" | "ledgers" | "texts">> = {
  revokers: ({ revokers }) => roles("revokers", revokers),
  reviewers: ({ reviewers }) => roles("reviewers", reviewers),
  ledgers: ({ ledgers }) => (ledgers === undefined ? [] : [list("ledgers", "ledger key", ledgers.map(keyText))]),
  texts: ({ texts }) => {
    if (texts === undefined) return [];
    const items = Object.entries(texts).map(([signer, version]) => `of ${quoted(signer)} up to version ${version}`);
    return [list("ignored texts", "ignored text", items)];
  },
};

export const audienceFact = ({ aud }: BundleClaims): Fact => list("audience", "audience", aud.map(quoted));

const WIDTH = 16;
const indented = (fact: Fact, indent: string): string[] => {
  const items = fact.items.length === 0 ? ["(none)"] : fact.items;
  return items.map((item, i) => `${indent}${(i === 0 ? fact.label : "").padEnd(WIDTH)}  ${item}`);
};

export const describePrincipal = (principal: Principal, indent = "  "): string[] =>
  principalFacts(principal).flatMap((fact) => indented(fact, indent));

export function describeEntitlement(entitlement: Entitlement, indent = "  "): string[] {
  const { authorization_details: details } = entitlement;
  return [
    ...entitlementFacts(entitlement).flatMap((fact) => indented(fact, indent)),
    ...details.flatMap((detail, i) => {
      const label = details.length === 1 ? "opens" : `opens (${i + 1})`;
      return detailFacts(detail, label).flatMap((fact) => indented(fact, indent));
    }),
  ];
}

/** The lines of each member, in the order of the screen; one that nobody thought of here does not compile. */
const bundleLines: { readonly [Member in keyof Required<BundleClaims>]: (claims: BundleClaims) => readonly string[] } =
  {
    // There is one.
    schema: () => [],
    version: ({ version }) => indented(single("version", String(version)), ""),
    aud: (claims) => indented(audienceFact(claims), ""),
    iat: ({ iat }) => indented(single("issued", showTime(iat)), ""),
    exp: ({ iat, exp }) => [
      ...indented(single("holds until", showTime(exp)), ""),
      ...indented(single("lifetime", showDuration(exp - iat)), ""),
    ],
    principals: ({ principals }) =>
      principals.flatMap((principal) => ["", `principal ${quoted(principal.id)}`, ...describePrincipal(principal)]),
    entitlements: ({ entitlements }) =>
      entitlements.flatMap((entitlement) => [
        "",
        `entitlement ${quoted(entitlement.id)}`,
        ...describeEntitlement(entitlement),
      ]),
    revokers: (claims) => bundleFacts.revokers(claims).flatMap((fact) => ["", ...indented(fact, "")]),
    reviewers: (claims) => bundleFacts.reviewers(claims).flatMap((fact) => indented(fact, "")),
    ledgers: (claims) => bundleFacts.ledgers(claims).flatMap((fact) => indented(fact, "")),
    texts: (claims) => bundleFacts.texts(claims).flatMap((fact) => indented(fact, "")),
    revoked: (claims) => [
      "",
      ...(claims.revoked === undefined ? ["revoked           (none)"] : []),
      ...revokedFacts(claims).flatMap((fact) => indented(fact, "")),
    ],
  };

/** Everything, one line each. */
export const describeBundle = (claims: BundleClaims): string[] =>
  Object.values(bundleLines).flatMap((lines) => lines(claims));
