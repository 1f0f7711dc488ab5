/** From what was gathered about a grant to its review. */

import { accessedAfter, type GrantFacts } from "./facts.js";
import type { Gatherer } from "./gather.js";
import type { Hours } from "./hours.js";
import type { Closure, Counts, DeniedReview, Evidence, Review, ReviewState, Teardown } from "./model.js";
import { proofOf } from "./proven.js";
import { timelineOf } from "./timeline.js";
import { unusualOf } from "./unusual.js";

/** What the ledger's own rules say of a review: its course, and what a signature would cover. */
export interface Course {
  readonly carriedFrom: string | undefined;
  readonly state: ReviewState;
  readonly openedAt: number;
  readonly dueAt: number;
  readonly digest: string;
  readonly counts: Counts;
  readonly closures: readonly Closure[];
  readonly blockers: readonly string[];
}

export interface Made {
  readonly gathered: Gatherer;
  readonly hours: Hours;
  /** Milliseconds. */
  readonly now: number;
  readonly course: Course;
  readonly evidence: Omit<Evidence, "digest" | "isProven" | "isPinned">;
  readonly openStreams: number;
}

const MINUTE_MS = 60_000;
const rounded = (minutes: number): number => Math.round(minutes * 100) / 100;

function bindingOf({ claims }: GrantFacts): string {
  const { cnf } = claims ?? {};
  if (cnf === undefined) return "bearer";
  return "jkt" in cnf ? "DPoP" : "certificate";
}

export function reviewOf(facts: GrantFacts, made: Made): Review {
  const { gathered, hours, now, course } = made;
  const { bundles, uses } = gathered;
  const { claims, first, sub, firstUse } = facts;
  const proof = proofOf(facts, bundles, gathered.asks.get(facts.grant) ?? []);
  const granted = facts.usage.result();
  const end = proof.end === undefined ? undefined : proof.end * 1000;
  const teardown: Teardown = {
    exp: end,
    revokedAt: facts.revokedAt,
    openStreams: made.openStreams,
    acceptedAfter: accessedAfter(facts, end),
    lastAt: facts.lastAt,
  };
  const calls = [...facts.calls].sort((a, b) => a.at - b.at || a.entry - b.entry);
  const begin = proof.began ?? claims?.iat;
  return {
    carriedFrom: course.carriedFrom,
    grant: facts.grant,
    jti: first.jti,
    state: course.state,
    openedAt: course.openedAt,
    dueAt: course.dueAt,
    drill: first.drill,
    requester: bundles.person(proof.bundle, sub, claims === undefined ? facts.openedAt : claims.iat * 1000),
    isRequesterProven: proof.isRequesterProven,
    approvals: proof.approvals,
    entitlement: first.ent ?? "",
    reason: first.reason,
    text: claims?.text,
    incident: first.incident,
    audience: [claims?.aud ?? []].flat(),
    issuedAt: claims === undefined ? undefined : claims.iat * 1000,
    granted,
    networks: { granted: claims?.net ?? [], used: [...facts.usedNetworks] },
    binding: bindingOf(facts),
    minutes: {
      granted: proof.end === undefined || begin === undefined ? undefined : rounded((proof.end - begin) / 60),
      used: firstUse === undefined ? 0 : rounded((facts.lastUseAt - firstUse.at) / MINUTE_MS),
    },
    calls,
    counts: course.counts,
    unusual: unusualOf({ facts, proof, granted, bundles, uses: uses.values(), hours }),
    timeline: timelineOf({ facts, proof, calls, teardown, closures: course.closures, now }),
    evidence: { ...made.evidence, digest: course.digest, isProven: proof.isProven, isPinned: bundles.isPinned },
    teardown,
    closures: course.closures,
    blockers: course.blockers,
  };
}

/** @param those its grants, in the order of first sight */
export function deniedOf(key: string, those: readonly GrantFacts[], course: Course): DeniedReview {
  const verdicts = new Map<string, number>();
  for (const { denied } of those)
    for (const [verdict, { count }] of denied) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + count);
  const calls = those.flatMap((facts) => facts.calls).sort((a, b) => a.at - b.at || a.entry - b.entry);
  const hour = key.slice(key.lastIndexOf(":") + 1, -1);
  return {
    key,
    sub: those[0]?.sub ?? "",
    hour: Date.parse(`${hour}:00:00.000Z`),
    grants: those.map(({ grant }) => grant),
    calls,
    verdicts: Object.fromEntries(verdicts),
    ...course,
  };
}
