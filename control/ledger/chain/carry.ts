/**
 * What goes from a shard to its successor (docs/ledger-shards.md): VMs, grants and requests live longer than a month. Indices stay
 * behind: whatever is found later about something carried labels the successor's first entry, and its sentence says which VM and seq.
 */
import { z } from "zod";
import { keep, remember, taken } from "./bounded.js";
import { noteRunning, type PublishedHead, roomOf, type Vm } from "./chains.js";
import type { Step } from "./finding.js";
import { noteProven } from "./grants.js";
import { isOpen, keepPending, type Pending } from "./receipts.js";
import { carriedReviewSchema, carryReviews, takeReviews } from "./review-carry.js";
import type { Rules } from "./rules.js";
import { standingSchema } from "./standing.js";
import type { State } from "./state.js";
import { allOf, wait } from "./waiting.js";
import { newWindow, put, shortHash } from "./window.js";

/** The newest of each: what is older is over, or was told of long ago. */
export const MAX_CARRIED = 8192;
const MAX_TEXTS = 256;
/** Of what all senders share, at the start of a shard: as many as can be carried. */
const MAX_SHARED = 65_536;

const count = z.int().nonnegative();
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(16_384);
const list = <T extends z.ZodType>(of: T) => z.array(of).max(65_536);

const vmSchema = z.strictObject({
  vm: text,
  sender: text,
  isRightful: z.boolean(),
  predates: z.boolean(),
  number: text,
  node: text,
  startedAt: z.number(),
  top: count,
  records: count,
  /** The chain's head: its last record. */
  seq: count,
  sha256: hex,
  missing: list(
    z.strictObject({ from: count, to: count, since: count, isTold: z.boolean(), prev: z.string().max(64).optional() }),
  ),
  heads: list(z.strictObject({ seq: count, head: z.string().max(12).optional() })),
  lastAt: count,
  goneSince: count.optional(),
});

/** Of a record that waits for its evidence. */
const claimedSchema = z.strictObject({
  vm: text,
  seq: count,
  ts: text,
  jti: text.optional(),
  sub: text.optional(),
  ent: text.optional(),
  reason: text.optional(),
  incident: text.optional(),
  drill: text.optional(),
  grant_sha256: hex.optional(),
  approvers: z
    .array(z.strictObject({ sub: text, iat: count }))
    .max(8)
    .optional(),
  evidence: hex.optional(),
  method: text.optional(),
  host: text.optional(),
  path: text.optional(),
  path_bytes: count.optional(),
  source: text.optional(),
  anchors: hex.optional(),
  bundle: count.optional(),
});

const decidedSchema = z.strictObject({ seq: count, at: z.number() });

export const carriedSchema = z.strictObject({
  vms: list(vmSchema),
  gateways: list(
    z.strictObject({ gateway: text, since: count, beatAt: count.optional(), isSilent: z.boolean(), named: list(text) }),
  ),
  /** By which version of the bundle a VM decided last. */
  deciders: list(z.strictObject({ key: text, version: count, low: count, high: count })),
  /** Where a VM enforced first, and only rehearsed last. */
  modes: list(
    z.strictObject({ key: text, enforced: decidedSchema.optional(), shadow: decidedSchema.optional() }),
  ).default([]),
  /** Versions that records name and nobody showed. */
  unknown: list(z.strictObject({ name: text, since: count, isTold: z.boolean() })),
  grants: list(
    z.strictObject({
      grant: hex,
      jti: text.optional(),
      accesses: count,
      answers: count,
      isShown: z.boolean(),
      isJudged: z.boolean(),
      /** By which key, whose it is, and when. */
      proven: list(z.strictObject({ kid: text, sub: text, iat: count })),
      standing: standingSchema.optional(),
      isSingleTold: z.boolean(),
    }),
  ),
  /** Evidence that no record has named yet. */
  texts: list(z.strictObject({ sender: text, sha256: hex, text, since: count })),
  /** Requests that wait for their receipt, or for the record that settles them. */
  pending: list(
    z.strictObject({
      key: text,
      vm: text,
      seq: count,
      sha256: hex,
      requestId: text.optional(),
      asked: hex,
      trust: z.strictObject({ anchors: hex.optional(), bundle: count.optional() }),
      settled: z.strictObject({ seq: count, isAllowed: z.boolean() }).optional(),
      hasReceipt: z.boolean(),
      isUnsettledTold: z.boolean().default(false),
    }),
  ).default([]),
  /** The newest minutes of each VM's clock. */
  clocks: list(z.strictObject({ key: text, number: count, low: count, high: count })).default([]),
  /** Evidence that records named: it may come again. */
  named: list(hex).default([]),
  /** Records that wait for evidence, which they name or rest on. */
  waiting: list(z.strictObject({ chain: text, record: claimedSchema })).default([]),
  /** Allowed requests, whose answers may be to come. */
  requests: list(z.strictObject({ sender: text, id: text, grant: z.string().max(64) })),
  /** Reviews that are not closed. */
  reviews: list(carriedReviewSchema),
});
export type Carried = z.infer<typeof carriedSchema>;

const newest = <T>(all: Iterable<T>, max = MAX_CARRIED): T[] => [...all].slice(-max);

function carryVm(vm: Vm): Carried["vms"][number] {
  const { sender, isRightful, predates, number, node, startedAt, top, records, last, lastAt, goneSince } = vm;
  return {
    ...{ vm: vm.vm, sender, isRightful, predates, number, node, startedAt, top, records },
    seq: last.seq,
    sha256: last.sha256,
    missing: vm.missing.map(({ from, to, since, alarm, next }) => ({
      ...{ from, to, since, isTold: alarm !== undefined },
      ...(next && { prev: next.prev }),
    })),
    heads: vm.heads.map(({ seq, head }) => ({ seq, ...(head !== undefined && { head }) })),
    lastAt,
    ...(goneSince !== undefined && { goneSince }),
  };
}

function carryPending(key: string, one: Pending): Carried["pending"][number] {
  const { vm, seq, sha256, requestId, asked, trust, settled, receipt, isUnsettledTold } = one;
  const { anchors, bundle } = trust;
  return {
    ...{ key, vm, seq, sha256, asked, hasReceipt: receipt !== undefined, isUnsettledTold },
    trust: { ...(anchors !== undefined && { anchors }), ...(bundle !== undefined && { bundle }) },
    ...(requestId !== undefined && { requestId }),
    ...(settled !== undefined && {
      settled: { seq: settled.seq, isAllowed: settled.isAllowed },
    }),
  };
}

/** What is open at the end of a log. */
export function carry({ chains, bundles, grants, answers, receipts, clocks, reviews }: State): Carried {
  const live = [...chains.vms.values()].filter(({ ended }) => ended === undefined);
  return {
    vms: live.map(carryVm),
    gateways: [...chains.gateways.all].map(([gateway, { since, beatAt, silence, named }]) => ({
      ...{ gateway, since, isSilent: silence !== undefined, named: [...named] },
      ...(beatAt !== undefined && { beatAt }),
    })),
    deciders: newest(bundles.deciders.all).flatMap(([key, spans]) => {
      const last = spans.reduce((a, b) => (b.high.seq > a.high.seq ? b : a), spans[0] ?? NO_SPAN);
      return last === NO_SPAN ? [] : [{ key, version: last.version, low: last.low.seq, high: last.high.seq }];
    }),
    modes: newest(bundles.modes.all).map(([key, { enforced, shadow }]) => ({
      key,
      ...(enforced && { enforced: { seq: enforced.seq, at: enforced.at } }),
      ...(shadow && { shadow: { seq: shadow.seq, at: shadow.at } }),
    })),
    unknown: newest(bundles.unknown.all).map(([name, { since, alarm }]) => ({
      name,
      since,
      isTold: alarm !== undefined,
    })),
    grants: newest(grants.known.all).map(([grant, { jti, proven, standing, ...known }]) => ({
      ...{ grant, ...known, proven: [...proven.values()] },
      ...(jti !== undefined && { jti }),
      ...(standing !== undefined && { standing }),
    })),
    texts: newest(
      [...grants.texts].flatMap(([sender, texts]) =>
        [...texts].flatMap(([sha256, one]) =>
          one.isNamed ? [] : [{ sender, sha256, text: one.text, since: one.since }],
        ),
      ),
      MAX_TEXTS,
    ),
    named: newest(grants.named.all.keys()),
    waiting: newest(
      [...allOf(grants.byEvidence), ...allOf(grants.byGrant)].map(({ chain, record }) => ({
        chain,
        record: claimedSchema.parse(record),
      })),
    ),
    pending: newest(
      [...receipts.pending.all].filter(([, one]) => isOpen(one)).map(([key, one]) => carryPending(key, one)),
    ),
    clocks: newest(clocks.all).flatMap(([key, stretches]) => {
      const last = stretches.at(-1);
      return last === undefined ? [] : [{ key, number: last.number, low: last.low.seq, high: last.high.seq }];
    }),
    reviews: carryReviews(reviews),
    requests: newest(
      [...answers.senders].flatMap(([sender, { requests }]) =>
        [...requests].map(([id, { grant }]) => ({ sender, id, grant })),
      ),
    ),
  };
}

const NO_SPAN = { version: 0, low: { seq: 0, index: 0 }, high: { seq: 0, index: 0 } };

function takeVm(state: State, rules: Rules, carried: Carried["vms"][number], { index, at }: Step): void {
  const { seq, sha256, missing, heads, goneSince, ...rest } = carried;
  const key = carried.isRightful ? carried.vm : `${carried.vm}\n${carried.sender}`;
  const room = roomOf(state.chains, carried.sender);
  const window = newWindow();
  // Only the head: that of the record before the next one.
  if (seq > 0) put(window, seq, shortHash(state.salt, Buffer.from(sha256, "hex")), index, rules.windowSlots);
  const made: Vm = {
    ...rest,
    key,
    window,
    room,
    // Its grace begins anew: the ledger that goes on has not looked yet.
    missing: missing.map(({ from, to, isTold, prev }) => ({
      ...{ from, to, since: at, alarm: isTold ? index : undefined },
      next: prev === undefined ? undefined : { prev, index },
    })),
    last: { seq, sha256, index },
    heads: heads.map((one): PublishedHead => ({ seq: one.seq, head: one.head, index })),
    strays: new Map(),
    aged: 0,
    goneSince,
    ended: undefined,
  };
  state.chains.vms.set(key, made);
  room.vms += 1;
  room.stretches += made.missing.length;
}

/** The state of a shard behind its first entry. Undefined changes nothing: what it says is not what a ledger writes. */
export function takeCarried(state: State, rules: Rules, value: unknown, step: Step): void {
  const carried = carriedSchema.safeParse(value).data;
  if (carried === undefined) return;
  const { chains, bundles, grants, answers, receipts, clocks } = state;
  const { index } = step;
  // Whose the rest is nobody knows any more: it has a room of its own.
  const ownerOf = (chain: string): string => chains.vms.get(chain)?.sender ?? step.sender;
  for (const vm of carried.vms) takeVm(state, rules, vm, step);
  for (const { gateway, since, beatAt, isSilent, named } of carried.gateways)
    keep(
      chains.gateways,
      gateway,
      gateway,
      { since, beatAt, named: new Set(named), silence: isSilent ? index : undefined },
      MAX_SHARED,
    );
  for (const vm of chains.vms.values()) noteRunning(chains, vm, step.at);
  for (const { key, version, low, high } of carried.deciders)
    keep(
      bundles.deciders,
      ownerOf(key.slice(0, key.lastIndexOf("\n"))),
      key,
      [{ version, low: { seq: low, index }, high: { seq: high, index } }],
      MAX_SHARED,
    );
  for (const { key, enforced, shadow } of carried.modes) {
    const modes = { enforced: enforced && { ...enforced, index }, shadow: shadow && { ...shadow, index } };
    keep(bundles.modes, ownerOf(key.slice(0, key.lastIndexOf("\n"))), key, modes, MAX_SHARED);
  }
  for (const { name, isTold } of carried.unknown)
    keep(bundles.unknown, step.sender, name, { since: step.at, index, alarm: isTold ? index : undefined }, MAX_SHARED);
  for (const { grant, jti, proven, standing, ...known } of carried.grants) {
    const whole = { ...known, jti, standing, proven: new Map() };
    for (const one of proven) noteProven(whole, one);
    keep(grants.known, step.sender, grant, whole, MAX_SHARED);
    if (jti !== undefined) keep(grants.jtis, step.sender, jti, { grant, index }, MAX_SHARED);
  }
  for (const one of carried.texts)
    taken(grants.texts, one.sender, () => new Map()).set(one.sha256, {
      ...{ text: one.text, index, since: step.at, isNamed: false },
    });
  // All of it waits its grace anew, and together: an alarm names the one entry that it has all come from.
  const since = step.at;
  for (const { key, requestId, trust, settled, hasReceipt, ...one } of carried.pending) {
    const pending = {
      ...{ ...one, since, index, requestId, isCarried: true, isTold: false, trust: { anchors: undefined, ...trust } },
      settled: settled && { ...settled, since, index },
      receipt: hasReceipt ? index : undefined,
    };
    keepPending(receipts, ownerOf(key.slice(0, key.lastIndexOf("|"))), key, pending, step);
  }
  for (const sha256 of carried.named) keep(grants.named, step.sender, sha256, true, MAX_SHARED);
  for (const { record, chain } of carried.waiting) {
    const list = record.evidence === undefined ? grants.byGrant : grants.byEvidence;
    const waiting = { chain, sender: ownerOf(chain), since, index, record };
    wait(list, record.evidence ?? record.grant_sha256 ?? "", waiting, step);
  }
  for (const { key, number, low, high } of carried.clocks)
    keep(clocks, ownerOf(key), key, [{ number, low: { seq: low, index }, high: { seq: high, index } }], MAX_SHARED);
  for (const { sender, id, grant } of carried.requests) {
    const make = () => ({ requests: new Map(), lines: new Map(), orphans: new Map(), forgottenTs: step.at });
    remember(taken(answers.senders, sender, make).requests, id, { grant, ts: step.at }, MAX_CARRIED);
  }
  takeReviews(state.reviews, carried.reviews);
}
