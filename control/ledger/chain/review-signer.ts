/** Who may close a review: somebody with a role in the newest bundle's `reviewers`, and no part in the grant, under whichever account. */
import { visible } from "../../base/text.js";
import { showTime } from "../../base/time.js";
import { type BundleClaims, holdsRole, type Principal } from "../../trust/claims.js";
import type { ReviewClaims } from "../review.js";
import type { KnownBundle } from "./bundles.js";
import type { GrantReview } from "./reviews.js";
import type { Rules } from "./rules.js";
import type { State } from "./state.js";

/** How far the reviewer's clock may be ahead, in seconds. */
export const MAX_AHEAD = 600;

export interface Judging {
  readonly state: State;
  readonly rules: Rules;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Seconds that are left after a grant's end for what comes late. `verify` asks for none: it knows no ledger's. */
  readonly grace: number;
}

const bundlesOf = ({ state, rules }: Judging, which: number) => ({
  audience: rules.pins.anchors[which]?.audience ?? "",
  known: state.bundles.known.get(which) ?? new Map<number, KnownBundle>(),
});

/** Under which anchors its records were decided. */
export const whichOf = (grants: readonly GrantReview[]): number[] => [
  ...new Set(grants.flatMap(({ trusts }) => [...trusts].map((trust) => Number(trust.split("/")[0])))),
];

export function newest(judging: Judging, which: number): BundleClaims | undefined {
  const { known } = bundlesOf(judging, which);
  return known.get(Math.max(...known.keys()))?.claims;
}

/** The bundles by which its records were decided, as far as they are known. */
export function decidedBy(judging: Judging, grants: readonly GrantReview[]): BundleClaims[] {
  return [...new Set(grants.flatMap(({ trusts }) => [...trusts]))].flatMap((trust) => {
    const [which, version] = trust.split("/").map(Number);
    return bundlesOf(judging, which ?? 0).known.get(version ?? 0)?.claims ?? [];
  });
}

export const principalOf = (bundle: BundleClaims | undefined, sub: string): Principal | undefined =>
  bundle?.principals.find(({ id }) => id === sub);

/** Accounts and persons behind a name, under each of these bundles. */
const personsOf = (bundles: readonly BundleClaims[], sub: string): Set<string> =>
  new Set([sub, ...bundles.flatMap((bundle) => principalOf(bundle, sub)?.person ?? [])]);

function partOf(
  judging: Judging,
  grants: readonly GrantReview[],
  sub: string,
  bundles: readonly BundleClaims[],
): string[] {
  const { known } = judging.state.grants;
  const own = personsOf(bundles, sub);
  const isSame = (other: string): boolean => [...personsOf(bundles, other)].some((person) => own.has(person));
  const requester = grants.map((grant) => grant.sub).find(isSame);
  const proven = grants.flatMap(({ grant }) => [...(known.all.get(grant)?.proven.values() ?? [])]);
  const approver = [...grants.flatMap(({ approvers }) => [...approvers]), ...proven].find(isSame);
  const who = (other: string): string =>
    other === sub ? visible(sub) : `${visible(sub)} is the same person as ${visible(other)}, who`;
  return [
    ...(requester === undefined ? [] : [`${who(requester)} asked for the grant, and cannot review it.`]),
    ...(approver === undefined ? [] : [`${who(approver)} approved the grant, and cannot review it.`]),
  ];
}

const placeOf = (audience: string, { version }: BundleClaims): string =>
  `the trust bundle of ${visible(audience)} (version ${version})`;

/** Why that key does not sign for that principal under that bundle, at each of these moments (seconds). */
export function faultOfKey(
  bundle: BundleClaims,
  audience: string,
  sub: string,
  kid: string,
  at: readonly number[],
): string | undefined {
  const where = placeOf(audience, bundle);
  const { revoked = {} } = bundle;
  const principal = principalOf(bundle, sub);
  if (principal === undefined) return `${visible(sub)} is not in ${where}.`;
  const key = principal.keys.find((one) => one.kid === kid);
  if (key === undefined) return `The key ${visible(kid)} is not one of ${visible(sub)} in ${where}.`;
  if (!at.every((moment) => moment >= (key.nbf ?? 0) && moment < (key.exp ?? Number.POSITIVE_INFINITY)))
    return `The key of ${visible(sub)} did not hold when it was signed, or does not now.`;
  if (revoked.kid?.includes(kid) === true || revoked.sub?.includes(sub) === true)
    return `${visible(sub)}, or the key, is revoked in ${where}.`;
  return undefined;
}

/** Why that principal cannot close reviews under that bundle, with that key, at each of these moments (seconds). */
function barOf(
  bundle: BundleClaims,
  audience: string,
  sub: string,
  kid: string,
  at: readonly number[],
): string | undefined {
  const where = placeOf(audience, bundle);
  const { reviewers = [] } = bundle;
  if (reviewers.length === 0) return `There are no \`reviewers\` in ${where}: nobody can close a review.`;
  const fault = faultOfKey(bundle, audience, sub, kid, at);
  if (fault !== undefined) return fault;
  const principal = principalOf(bundle, sub);
  if (principal === undefined || !reviewers.some((role) => at.every((moment) => holdsRole(principal, role, moment))))
    return `${visible(sub)} holds none of the roles that review (${reviewers.map(visible).join(", ")}) in ${where}.`;
  return undefined;
}

export function faultsOfSigner(
  judging: Judging,
  claims: ReviewClaims,
  kid: string,
  grants: readonly GrantReview[],
): string[] {
  const { rules, now } = judging;
  const { sub, iat } = claims;
  const seconds = Math.floor(now / 1000);
  const faults: string[] = [];
  if (iat > seconds + MAX_AHEAD) faults.push(`It says that it was signed at ${showTime(iat)}, which is to come.`);
  const those = whichOf(grants);
  if (those.length === 0) {
    // Whoever judges a finished log without those pins knows nobody's keys.
    if (!rules.isCounting) return faults;
    return [...faults, "No gateway with pinned anchors has a record of it: nobody is known who may review it."];
  }
  const bundles: BundleClaims[] = [];
  for (const which of those) {
    const { audience } = bundlesOf(judging, which);
    const bundle = newest(judging, which);
    if (bundle === undefined) faults.push(`The ledger knows no trust bundle of ${visible(audience)}.`);
    else {
      bundles.push(bundle);
      const bar = barOf(bundle, audience, sub, kid, [iat, seconds]);
      if (bar !== undefined) faults.push(bar);
    }
  }
  return [...faults, ...partOf(judging, grants, sub, [...bundles, ...decidedBy(judging, grants)])];
}
