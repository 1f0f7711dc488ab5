/**
 * Whether a review may be closed, and whether a closing signature holds: the same sentences for the person before she signs, for the
 * ledger at its door, and for `verify` of an entry that stands in the log nevertheless.
 */
import { plural, visible } from "../../base/text.js";
import { showTime } from "../../base/time.js";
import { type ReviewClaims, readReview } from "../review.js";
import type { Vm } from "./chains.js";
import { holds } from "./jws.js";
import {
  decidedBy,
  faultsOfSigner,
  type Judging,
  MAX_AHEAD,
  newest,
  principalOf,
  takingBack,
  whichOf,
} from "./review-signer.js";
import { courseOf, type GrantReview, grantsOf, shownOf } from "./reviews.js";
import { WINDOW_SLOTS } from "./rules.js";
import { isForgotten } from "./window.js";

export type { Judging };

/** A gateway looks at its open streams so often, and more often. */
const ENDS_WITHIN_MS = 10_000;
/** A gateway takes a grant whose `iat` is so many seconds ahead, at most. */
const MAX_LEEWAY = 60;
/** VMs that one sentence each is said about. */
const MAX_GAPS = 8;

/** A grant that lives no more whatever its end is: under each bundle that could let it in, by that bundle or an urgent text. */
function isRevoked(judging: Judging, { trusts, jti, sub, incident, approvers }: GrantReview): boolean {
  const those = [...new Set([...trusts].map((trust) => Number(trust.split("/")[0])))];
  return (
    those.length > 0 &&
    those.every((which) =>
      takingBack(judging, which).some(
        ({ revoked }) =>
          revoked.jti?.includes(jti) === true ||
          (incident !== undefined && revoked.incident?.includes(incident) === true) ||
          revoked.sub?.some((name) => name === sub || approvers.has(name)) === true,
      ),
    )
  );
}

/**
 * When it ends at the latest, in seconds. Where its payload was never shown, as nothing of it was accepted, by what its entitlement allows at most.
 */
export function endOf(judging: Judging, grant: GrantReview): number {
  if (grant.exp !== undefined) return grant.exp;
  const firstTs = Math.ceil(grant.firstTs / 1000);
  if (grant.isOver) return firstTs;
  const lives = decidedBy(judging, [grant]).map(({ entitlements }) => {
    const entitlement = entitlements.find(({ id }) => id === grant.ent);
    return entitlement === undefined ? 0 : entitlement.max_ttl + (entitlement.max_wait ?? 0);
  });
  return firstTs + MAX_LEEWAY + Math.max(0, ...lives);
}

function faultsOfTime(judging: Judging, grants: readonly GrantReview[]): string[] {
  const end = Math.max(...grants.map((grant) => (isRevoked(judging, grant) ? 0 : endOf(judging, grant))));
  const closable = end + judging.grace;
  if (judging.now >= closable * 1000) return [];
  if (judging.now >= end * 1000)
    return [`The grant ended at ${showTime(end)}; what comes late is waited for until ${showTime(closable)}.`];
  const late = judging.grace === 0 ? "" : `, and what comes late is waited for until ${showTime(closable)}`;
  return [`The grant has not ended: it does at ${showTime(end)}${late}.`];
}

/** A gateway that has spoken since a grant ended has ended its streams, and its chain says so. */
function isOpen(judging: Judging, vm: Vm | undefined, grant: GrantReview): boolean {
  if (vm === undefined || vm.ended !== undefined) return false;
  const { chains, answers, reviews } = judging.state;
  const end = isRevoked(judging, grant) ? grant.lastAt : endOf(judging, grant) * 1000;
  const beatAt = chains.gateways.all.get(vm.node)?.beatAt;
  if (beatAt !== undefined) return beatAt < end + ENDS_WITHIN_MS;
  // Where no answer of it ever comes either, nobody could know.
  return (
    (answers.senders.get(vm.sender)?.lines.size ?? 0) > 0 && (reviews.heard.get(vm.key) ?? 0) < end + ENDS_WITHIN_MS
  );
}

/** Allowed calls that may be streams which are open. */
export function openStreams(judging: Judging, key: string): number {
  const { reviews, chains } = judging.state;
  if (!reviews.used.has(key)) return 0;
  const [grant] = grantsOf(reviews, key);
  let count = 0;
  for (const [call, open] of reviews.calls)
    if (grant !== undefined && call.startsWith(`${key} `))
      count += open.filter(({ chain }) => isOpen(judging, chains.vms.get(chain), grant)).length;
  return count;
}

/** Records that have not come, of the VMs that it touched. What is lost for good is a gap until its VM is over. */
export function openGaps({ state, rules }: Judging, key: string): { vm: string; from: number; to: number }[] {
  const slots = Math.min(rules.windowSlots, WINDOW_SLOTS);
  const touched = new Set(grantsOf(state.reviews, key).flatMap(({ vms }) => [...vms]));
  return [...touched].flatMap((chain) => {
    const vm = state.chains.vms.get(chain);
    if (vm === undefined || vm.ended !== undefined) return [];
    const open = vm.missing.filter(({ to }) => !isForgotten(vm.window, to, slots));
    return open.map(({ from, to }) => ({ vm: vm.vm, from, to }));
  });
}

function faultsOfGaps(judging: Judging, key: string): string[] {
  const byVm = new Map(openGaps(judging, key).map((gap) => [gap.vm, gap]));
  return [...byVm.values()].slice(0, MAX_GAPS).map(({ vm, from, to }) => {
    const what = from === to ? `record ${from}` : `records ${from} to ${to}`;
    return `The ledger waits for ${what} of ${visible(vm)}, which may be of this grant.`;
  });
}

/** Why nobody can close it yet, a sentence each. */
export function blockersOf(judging: Judging, key: string): string[] {
  const { reviews } = judging.state;
  const grants = grantsOf(reviews, key);
  if (grants.length === 0 || courseOf(reviews, key) === undefined)
    return ["Nothing in this ledger is of this grant, or it has a review of its own."];
  const streams = openStreams(judging, key);
  return [
    ...faultsOfTime(judging, grants),
    ...(streams === 0
      ? []
      : [`${plural(streams, "stream")} may still be open: the gateway has not said that it ended.`]),
    ...faultsOfGaps(judging, key),
  ];
}

/** What is signed is not what the entries say. */
function faultsOfShown(judging: Judging, claims: ReviewClaims): string[] {
  const { state, rules } = judging;
  const { review: key, origin, digest, counts, classification, checkpoint, iat } = claims;
  const shown = shownOf(state.reviews, key);
  const isDrill = grantsOf(state.reviews, key).some(({ drill }) => drill !== undefined);
  const isUsed = shown.counts.allowed > 0;
  const faults: string[] = [];
  if (rules.pins.origin !== undefined && origin !== rules.pins.origin)
    faults.push(`It is of another ledger (${visible(origin)}).`);
  const { closed } = courseOf(state.reviews, key) ?? {};
  if (closed !== undefined && checkpoint.size <= closed.index)
    faults.push(
      `The review was signed by somebody, in entry ${closed.index}, after what this one saw: look again, and sign again.`,
    );
  const newestAt = Math.max(...grantsOf(state.reviews, key).map(({ lastAt }) => lastAt));
  if (iat < newestAt / 1000 - MAX_AHEAD)
    faults.push(`It says that it was signed at ${showTime(iat)}, before what it is over came.`);
  if (checkpoint.size > state.size)
    faults.push(`It names ${checkpoint.size} entries, and the ledger has ${state.size}.`);
  if (digest !== shown.digest)
    faults.push("It is over other entries than the ledger has of this grant: something came after they were shown.");
  else if (JSON.stringify(counts) !== JSON.stringify(shown.counts))
    faults.push("Its counts are not those of the entries.");
  if ((classification === "unused") === isUsed)
    faults.push(isUsed ? "The grant was used: it is not `unused`." : "Nothing was ever allowed: it is `unused`.");
  else if (isUsed && (classification === "drill") !== isDrill)
    faults.push(isDrill ? "The grant is of a drill: it is `drill`." : "The grant is of no drill.");
  return faults;
}

/** Everything but the signature itself. Empty: it may be signed, by that key. */
export function faultsOf(judging: Judging, claims: ReviewClaims, kid: string): string[] {
  const blockers = blockersOf(judging, claims.review);
  const grants = grantsOf(judging.state.reviews, claims.review);
  if (grants.length === 0) return blockers;
  return [...faultsOfSigner(judging, claims, kid, grants), ...blockers, ...faultsOfShown(judging, claims)];
}

export interface JudgedReview {
  readonly claims: ReviewClaims | undefined;
  readonly faults: readonly string[];
  /** The signature was verified. Where nobody's keys are known, none can be. */
  readonly isProven: boolean;
}

/** A closing signature, as it was handed in. */
export function judgeReview(judging: Judging, token: string): JudgedReview {
  const signed = readReview(token);
  if (signed === undefined)
    return { claims: undefined, faults: ["It is no closing signature (`bg-review+jws`)."], isProven: false };
  const { claims, jws } = signed;
  const faults = faultsOf(judging, claims, jws.header.kid);
  const keys = whichOf(grantsOf(judging.state.reviews, claims.review)).flatMap(
    (which) => principalOf(newest(judging, which), claims.sub)?.keys ?? [],
  );
  // A key is its thumbprint: whichever bundle names it, it is the same.
  const key = keys.find(({ kid }) => kid === jws.header.kid);
  const isProven = key !== undefined && holds(jws, jws.payload, key);
  if (key !== undefined && !isProven)
    faults.unshift(`The signature of ${visible(claims.sub)} does not hold: other bytes were signed.`);
  return { claims, faults, isProven };
}
