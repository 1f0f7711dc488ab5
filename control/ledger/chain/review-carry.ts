/** Reviews that nobody has closed when a shard ends go along: a sealed log takes no signature, and its successor is asked for it. */
import { z } from "zod";
import { taken } from "./bounded.js";
import { type GrantReview, grantIn, newCourse, type Reviews } from "./reviews.js";

/** The newest of each kind. */
const MAX_CARRIED = 8192;
/** Of one grant. */
const MAX_CALLS = 1024;

const count = z.int().nonnegative();
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(512);
const names = z.array(text).max(1024);

export const carriedReviewSchema = z.strictObject({
  grant: hex,
  /** The review that it shares; absent: it has its own. */
  shared: text.optional(),
  openedAt: count,
  since: count,
  isTold: z.boolean(),
  firstAt: count,
  firstTs: count,
  lastAt: count,
  digest: hex,
  counts: z.strictObject({ allowed: count, denied: count, answers: count, alarms: count }),
  ...{ jti: text, sub: text, ent: text },
  incident: text.optional(),
  drill: text.optional(),
  ...{ approvers: names, trusts: names, vms: names },
  exp: count.optional(),
  isOver: z.boolean(),
  /** Calls that may be open, by their request ids. */
  calls: z.array(z.strictObject({ id: text, chain: text, seq: count })).max(MAX_CALLS),
});
export type CarriedReview = z.infer<typeof carriedReviewSchema>;

type Calls = CarriedReview["calls"];

/** By grant. */
function callsOf({ calls }: Reviews): ReadonlyMap<string, Calls> {
  const all = new Map<string, Calls>();
  for (const [key, open] of calls) {
    const at = key.indexOf(" ");
    const those = taken(all, key.slice(0, at), () => []);
    for (const call of open) if (those.length < MAX_CALLS) those.push({ id: key.slice(at + 1), ...call });
  }
  return all;
}

function carryOne(reviews: Reviews, review: GrantReview, calls: Calls): CarriedReview[] {
  const { grant, shared, course = reviews.shared.get(shared ?? "")?.course, exp, incident, drill, ...other } = review;
  if (course === undefined || (course.closed !== undefined && !course.isOutdated)) return [];
  const { openedAt, since, isTold } = course;
  const { approvers, trusts, vms, counts, isCarried: _, ...rest } = other;
  return [
    {
      ...rest,
      ...{ grant, openedAt, since, isTold, counts: { ...counts } },
      ...{ approvers: [...approvers], trusts: [...trusts], vms: [...vms] },
      ...(shared !== undefined && { shared }),
      ...(exp !== undefined && { exp }),
      ...(incident !== undefined && { incident }),
      ...(drill !== undefined && { drill }),
      calls,
    },
  ];
}

export function carryReviews(reviews: Reviews): CarriedReview[] {
  const calls = callsOf(reviews);
  return [reviews.used, reviews.denied].flatMap((those) =>
    [...those.values()]
      .flatMap((review) => carryOne(reviews, review, calls.get(review.grant) ?? []))
      .slice(-MAX_CARRIED),
  );
}

/** What went along and is not what was open here, or was open here and did not go along; the grant. */
export function strangeReview(reviews: Reviews, carried: readonly CarriedReview[]): string | undefined {
  const textOf = (one: CarriedReview): string => {
    const { shared, openedAt, firstAt, firstTs, lastAt, digest, counts, exp, isOver, approvers } = one;
    const { jti, sub, ent, incident, drill } = one;
    const times = [openedAt, firstAt, firstTs, lastAt, exp];
    return JSON.stringify([
      shared,
      times,
      digest,
      counts,
      jti,
      sub,
      ent,
      incident,
      drill,
      isOver,
      [...approvers].sort(),
    ]);
  };
  const open = carryReviews(reviews);
  const there = new Map(open.map((one) => [one.grant, textOf(one)]));
  const along = new Map(carried.map((one) => [one.grant, textOf(one)]));
  const lost = open.find(({ grant }) => along.get(grant) !== there.get(grant));
  return (lost ?? carried.find(({ grant }) => !there.has(grant)))?.grant;
}

/** What was open in the shard before. Its entries stand there; the digest goes on from them. */
export function takeReviews(reviews: Reviews, carried: readonly CarriedReview[]): void {
  for (const {
    openedAt,
    since,
    isTold,
    shared,
    calls,
    approvers,
    trusts,
    vms,
    incident,
    drill,
    exp,
    ...rest
  } of carried) {
    if (grantIn(reviews, rest.grant) !== undefined) continue;
    const course = { ...newCourse(openedAt), since, isTold };
    const review: GrantReview = {
      ...rest,
      ...{ shared, incident, drill, exp, isCarried: true },
      course: shared === undefined ? course : undefined,
      ...{ approvers: new Set(approvers), trusts: new Set(trusts), vms: new Set(vms) },
    };
    if (shared === undefined) reviews.used.set(rest.grant, review);
    else {
      const those = reviews.shared.get(shared) ?? { course, grants: new Set<string>() };
      reviews.shared.set(shared, those);
      those.grants.add(rest.grant);
      reviews.denied.set(rest.grant, review);
    }
    for (const { id, chain, seq } of calls) {
      const key = `${rest.grant} ${id}`;
      reviews.calls.set(key, [...(reviews.calls.get(key) ?? []), { chain, seq }]);
    }
  }
}
