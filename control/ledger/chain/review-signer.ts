/** Who may close a review: somebody with a role in the newest bundle's `reviewers`, and no part in the grant, under whichever account. */
import { visible } from "../../base/text.js";
import { showTime } from "../../base/time.js";
import { type BundleClaims, holdsRole, type Principal } from "../../trust/claims.js";
import type { ReviewClaims } from "../review.js";
import { newestBundle } from "./bundles.js";
import type { GrantReview } from "./reviews.js";
import type { Rules } from "./rules.js";
import type { State } from "./state.js";
import { type TakingBack, textsInForce } from "./texts.js";

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

/** Under which anchors its records were decided. */
export const whichOf = (grants: readonly GrantReview[]): number[] => [
  ...new Set(grants.flatMap(({ trusts }) => [...trusts].map((trust) => Number(trust.split("/")[0])))),
];

export const newest = ({ state }: Judging, which: number): BundleClaims | undefined =>
  newestBundle(state.bundles, which);

const audienceOf = ({ rules }: Judging, which: number): string => visible(rules.pins.anchors[which]?.audience ?? "");
const nameOf = (judging: Judging, which: number, { version }: BundleClaims): string =>
  `the trust bundle of ${audienceOf(judging, which)} (version ${version})`;

const NOBODY_PINNED =
  "None of the pinned anchors are those of its gateways: nobody is known who may review it. If they are your gateways, add their anchors to `anchors` in ledger.yaml and start the ledger anew.";

/** What takes back: the newest bundle under those anchors, and the urgent texts beside it. */
export function takingBack(judging: Judging, which: number): readonly TakingBack[] {
  const anchors = judging.rules.pins.anchors[which];
  const bundle = newest(judging, which);
  if (anchors === undefined || bundle === undefined) return [];
  const own = { revoked: bundle.revoked ?? {}, where: nameOf(judging, which, bundle) };
  return [own, ...textsInForce(judging.state.texts, anchors, bundle)];
}

/** The bundles by which its records were decided, as far as they are known. */
export function decidedBy(judging: Judging, grants: readonly GrantReview[]): BundleClaims[] {
  return [...new Set(grants.flatMap(({ trusts }) => [...trusts]))].flatMap((trust) => {
    const [which, version] = trust.split("/").map(Number);
    return judging.state.bundles.known.get(which ?? 0)?.get(version ?? 0)?.claims ?? [];
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
  const proven = grants.flatMap(({ grant }) =>
    [...(known.all.get(grant)?.proven.values() ?? [])].map((one) => one.sub),
  );
  const approver = [...grants.flatMap(({ approvers }) => [...approvers]), ...proven].find(isSame);
  const who = (other: string): string =>
    other === sub ? visible(sub) : `${visible(sub)} is the same person as ${visible(other)}, who`;
  return [
    ...(requester === undefined ? [] : [`${who(requester)} asked for the grant, and cannot review it.`]),
    ...(approver === undefined ? [] : [`${who(approver)} approved the grant, and cannot review it.`]),
  ];
}

type Signed = Pick<ReviewClaims, "sub" | "iat">;

/** Why something takes back what that principal signed with that key. */
function takenBy({ revoked, where }: TakingBack, { sub, iat }: Signed, kid: string): string | undefined {
  if (revoked.kid?.includes(kid) === true || revoked.sub?.includes(sub) === true)
    return `${visible(sub)}, or the key, is revoked in ${where}.`;
  const before = revoked.issued_before?.find((one) => iat < one.at && (one.sub === undefined || one.sub === sub));
  return (
    before && `What ${visible(sub)} signed before ${showTime(before.at)} counts no more, by ${where}: sign it anew.`
  );
}

const momentsOf = ({ now }: Judging, { iat }: Signed): number[] => [iat, Math.floor(now / 1000)];

/** Why that key is not its owner's under that bundle, at each of these moments (seconds), by the bundle's own word. */
function faultOfHolder(
  bundle: BundleClaims,
  where: string,
  sub: string,
  kid: string,
  at: readonly number[],
): string | undefined {
  const principal = principalOf(bundle, sub);
  if (principal === undefined) return `${visible(sub)} is not in ${where}.`;
  const key = principal.keys.find((one) => one.kid === kid);
  if (key === undefined) return `The key ${visible(kid)} is not one of ${visible(sub)} in ${where}.`;
  return at.every((moment) => moment >= (key.nbf ?? 0) && moment < (key.exp ?? Number.POSITIVE_INFINITY))
    ? undefined
    : `The key of ${visible(sub)} did not hold when it was signed, or does not now.`;
}

/** Why that key does not sign for its owner under the newest bundle of these anchors, when he signed and now. */
export const faultOfKey = (
  judging: Judging,
  which: number,
  bundle: BundleClaims,
  signed: Signed,
  kid: string,
): string | undefined =>
  faultOfHolder(bundle, nameOf(judging, which, bundle), signed.sub, kid, momentsOf(judging, signed)) ??
  takingBack(judging, which).flatMap((one) => takenBy(one, signed, kid) ?? [])[0];

/** The same under a bundle alone, without a ledger: when he signed. */
export function faultOfKeyIn(bundle: BundleClaims, audience: string, signed: Signed, kid: string): string | undefined {
  const where = `the trust bundle of ${visible(audience)} (version ${bundle.version})`;
  return (
    faultOfHolder(bundle, where, signed.sub, kid, [signed.iat]) ??
    takenBy({ revoked: bundle.revoked ?? {}, where }, signed, kid)
  );
}

/** Why its signer cannot close reviews under the newest bundle of these anchors, with that key, when he signed and now. */
function barOf(
  judging: Judging,
  which: number,
  bundle: BundleClaims,
  claims: ReviewClaims,
  kid: string,
): string | undefined {
  const { sub } = claims;
  const at = momentsOf(judging, claims);
  const where = nameOf(judging, which, bundle);
  const { reviewers = [] } = bundle;
  if (reviewers.length === 0) return `There are no \`reviewers\` in ${where}: nobody can close a review.`;
  const fault = faultOfKey(judging, which, bundle, claims, kid);
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
    return [...faults, NOBODY_PINNED];
  }
  const bundles: BundleClaims[] = [];
  for (const which of those) {
    const bundle = newest(judging, which);
    if (bundle === undefined) faults.push(`The ledger knows no trust bundle of ${audienceOf(judging, which)}.`);
    else {
      bundles.push(bundle);
      const bar = barOf(judging, which, bundle, claims, kid);
      if (bar !== undefined) faults.push(bar);
    }
  }
  return [...faults, ...partOf(judging, grants, sub, [...bundles, ...decidedBy(judging, grants)])];
}
