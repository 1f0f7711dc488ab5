/** The trust bundles that gateways were seen with: which of them the pinned roots have signed, and which VM decides by which. */
import { createHash } from "node:crypto";
import type { PublicKey } from "../../signer/jwk.js";
import type { Anchors } from "../../trust/anchors.js";
import { type BundleClaims, bundleClaimsSchema } from "../../trust/claims.js";
import { drop, keep, newShared, remember, type Shared, taken } from "./bounded.js";
import { type Finding, overflowOf, type Step } from "./finding.js";
import { holds, jsonOf, parseJws } from "./jws.js";
import { type AuditRecord, isLetIn } from "./lines.js";
import { isOver, type Look } from "./look.js";
import type { PinnedAnchors, Rules } from "./rules.js";
import type { Court } from "./standing.js";

/** Versions of one set of anchors. */
const MAX_VERSIONS = 64;
/** Of all senders together. */
const MAX_UNKNOWN = 4096;
/** Changes of version that are remembered of one VM. */
const MAX_STEPS = 32;
/** Of all senders together. */
const MAX_DECIDERS = 16_384;
/** Far more than the filter takes. */
const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;
const MAX_BUNDLE_MEMBERS = 1_000_000;

export interface KnownBundle {
  readonly claims: BundleClaims;
  /** SHA-256 of its payload: further signatures make no other bundle. */
  readonly payloadSha256: string;
  readonly index: number;
  /** By the ledger's clock, since when it is known. */
  at: number;
}

/** One version of a VM: the lowest and highest `seq` that was decided by it. */
interface VersionSpan {
  readonly version: number;
  low: { seq: number; index: number };
  high: { seq: number; index: number };
}

interface Decided {
  readonly seq: number;
  readonly index: number;
  /** By the VM's clock. */
  readonly at: number;
}

/** What one VM let in under one set of anchors: the first that it enforced, and the last that it only rehearsed. */
export interface Modes {
  readonly enforced: Decided | undefined;
  readonly shadow: Decided | undefined;
}

export interface Bundles {
  /** By which anchors, then by version. */
  known: Map<number, Map<number, KnownBundle>>;
  /** By SHA-256 of the text, of bundles, revocations and pushes: seen before. */
  seen: Shared<string, number>;
  /** By `which/version`: named by records, and nobody showed it. */
  unknown: Shared<string, { readonly since: number; readonly index: number; alarm: number | undefined }>;
  /** By VM and anchors. */
  deciders: Shared<string, VersionSpan[]>;
  /** By VM and which anchors. */
  modes: Shared<string, Modes>;
}

export const newBundles = (): Bundles => ({
  known: new Map(),
  seen: newShared(),
  unknown: newShared(),
  deciders: newShared(),
  modes: newShared(),
});

function countSignatures(tokens: readonly string[], payload: string, anchors: Anchors): number {
  const roots = new Set<string>();
  for (const [i, token] of tokens.entries()) {
    const jws = parseJws(token);
    const root = anchors.roots.find(({ kid }) => kid === jws?.header.kid);
    if (jws === undefined || jws.header.iat !== undefined || root === undefined) continue;
    const typ = i === 0 ? "bg-bundle+jwt" : "bg-bundle-approval+jws";
    if (jws.header.typ === typ && (i === 0 || jws.payload === "") && holds(jws, payload, root)) roots.add(root.kid);
  }
  return roots.size;
}

/** The claims of a bundle, with those of the pinned anchors that it holds under: none where nobody's roots have signed it. */
export function verifyUnderPins(text: string, rules: Rules): { claims: BundleClaims; under: number[] } | undefined {
  if (text.length > MAX_BUNDLE_BYTES) return undefined;
  const tokens = text.split("~");
  const payload = (tokens[0] ?? "").split(".", 2)[1] ?? "";
  const claims = bundleClaimsSchema.safeParse(jsonOf(payload, MAX_BUNDLE_MEMBERS)).data;
  if (claims === undefined || tokens.length > 64) return undefined;
  const under = rules.pins.anchors.flatMap((anchors, which) =>
    claims.aud.includes(anchors.audience) && countSignatures(tokens, payload, anchors) >= anchors.threshold
      ? [which]
      : [],
  );
  return { claims, under };
}

/** @returns the anchors for which a bundle has become known */
export function takeBundle(bundles: Bundles, rules: Rules, body: Buffer, step: Step): readonly number[] {
  const text = body.toString("latin1").trim();
  const verified = verifyUnderPins(text, rules);
  if (verified === undefined || verified.under.length === 0) {
    const version = verified === undefined ? "" : ` (it calls itself version ${verified.claims.version})`;
    step.say({
      code: "foreign_bundle",
      subject: step.sender,
      says: `${step.sender} showed a trust bundle that the pinned roots have not signed${version}`,
    });
    return [];
  }
  const { claims, under } = verified;
  const payload = text.split(".", 2)[1] ?? "";
  const made = {
    claims,
    payloadSha256: createHash("sha256").update(payload).digest("hex"),
    index: step.index,
    at: step.at,
  };
  return under.filter((which) => {
    const versions = taken(bundles.known, which, () => new Map<number, KnownBundle>());
    const other = versions.get(claims.version);
    if (other !== undefined && other.payloadSha256 !== made.payloadSha256)
      step.say({
        code: "bundle_conflict",
        subject: `${which}/${claims.version}`,
        about: [step.index, other.index],
        says: `version ${claims.version} of the trust bundle has two different texts`,
      });
    drop(bundles.unknown, `${which}/${claims.version}`);
    if (other !== undefined) return false;
    remember(versions, claims.version, made, MAX_VERSIONS);
    return true;
  });
}

type Trust = Pick<AuditRecord, "anchors" | "bundle">;

const pinnedOf = (rules: Rules, { anchors }: Trust): PinnedAnchors | undefined =>
  anchors === undefined ? undefined : rules.byHash.get(anchors);

export const isPinned = (rules: Rules, trust: Trust): boolean => pinnedOf(rules, trust) !== undefined;

/** Whether a request was let in by that record: only what says shadow, under anchors that say nothing else, was a rehearsal. */
export function isEnforced(rules: Rules, record: Trust & Pick<AuditRecord, "verdict" | "mode">): boolean {
  const isShadow = record.mode === "shadow" && (pinnedOf(rules, record)?.isShadow ?? true);
  return record.verdict === "allow" && !isShadow;
}

export function bundleFor(bundles: Bundles, rules: Rules, record: Trust): KnownBundle | undefined {
  const pinned = pinnedOf(rules, record);
  return pinned === undefined || record.bundle === undefined
    ? undefined
    : bundles.known.get(pinned.which)?.get(record.bundle);
}

export function anchorsOf(rules: Rules, trust: Trust): Anchors | undefined {
  const pinned = pinnedOf(rules, trust);
  return pinned === undefined ? undefined : rules.pins.anchors[pinned.which];
}

/** By what a record was decided. Undefined while its bundle is not known. */
export function courtOf(bundles: Bundles, rules: Rules, record: Trust & Pick<AuditRecord, "ts">): Court | undefined {
  const bundle = bundleFor(bundles, rules, record)?.claims;
  const anchors = anchorsOf(rules, record);
  if (bundle === undefined || anchors === undefined) return undefined;
  return { bundle, audience: anchors.audience, at: Math.floor(Date.parse(record.ts) / 1000) };
}

/** Of the pinned anchors, by which. */
export function newestBundle({ known }: Bundles, which: number): BundleClaims | undefined {
  const versions = known.get(which);
  return versions?.get(Math.max(...versions.keys()))?.claims;
}

/** The key of a ledger: in the bundle of that record, or, of a record that is not known, in any bundle that is. */
export function ledgerKey(
  bundles: Bundles,
  rules: Rules,
  kid: string,
  record: Trust | undefined,
): PublicKey | undefined {
  const own = record === undefined ? undefined : bundleFor(bundles, rules, record);
  const all = [...bundles.known.values()].flatMap((versions) => [...versions.values()]);
  const candidates = record === undefined ? all : own === undefined ? [] : [own];
  for (const { claims } of candidates) {
    const key = claims.ledgers?.find((one) => one.kid === kid);
    if (key !== undefined) return key;
  }
  return undefined;
}

/** Where a VM's versions go back: an older one at a higher `seq`, whatever came first. */
function noteVersion(bundles: Bundles, chain: string, record: AuditRecord, version: number, step: Step): void {
  const { seq, anchors = "" } = record;
  const key = `${chain}\n${anchors}`;
  const spans = bundles.deciders.all.get(key) ?? [];
  const here = { seq, index: step.index };
  const newer = spans.find((span) => span.version > version && span.low.seq < seq);
  const older = spans.find((span) => span.version < version && span.high.seq > seq);
  const other = newer ?? older;
  if (other !== undefined)
    step.say({
      code: "bundle_back",
      subject: key,
      vm: record.vm,
      seq,
      about: [step.index, newer === undefined ? other.high.index : other.low.index],
      says: `${record.vm} went back between version ${Math.max(version, other.version)} and ${Math.min(version, other.version)} of the trust bundle`,
    });
  const span = spans.find((one) => one.version === version);
  if (span === undefined) spans.push({ version, low: here, high: here });
  else {
    if (seq < span.low.seq) span.low = here;
    if (seq > span.high.seq) span.high = here;
  }
  keep(bundles.deciders, step.sender, key, spans.slice(-MAX_STEPS), MAX_DECIDERS);
}

/**
 * Where a VM that enforced only rehearses: a filter that somebody exchanged could call every access a rehearsal. While a new configuration
 * is rolled out the old one's connections drain.
 */
function noteMode(bundles: Bundles, rules: Rules, chain: string, record: AuditRecord, which: number, step: Step): void {
  if (!isLetIn(record) || record.ended === true) return;
  const { vm, seq, anchors = "", ts } = record;
  const key = `${chain}\n${which}`;
  const here = { seq, index: step.index, at: Date.parse(ts) };
  const there = bundles.modes.all.get(key);
  let { enforced, shadow } = there ?? {};
  if (rules.byHash.get(anchors)?.isShadow === true) shadow = seq > (shadow?.seq ?? 0) ? here : shadow;
  else enforced = seq < (enforced?.seq ?? Number.POSITIVE_INFINITY) ? here : enforced;
  keep(bundles.modes, step.sender, key, { enforced, shadow }, MAX_DECIDERS);
  if (enforced === undefined || shadow === undefined || shadow.seq < enforced.seq) return;
  // Nothing new: it was told when the other of them came.
  if (shadow !== here && enforced !== here) return;
  if (shadow.at <= enforced.at + rules.grace.rollout * 1000) return;
  const other = shadow === here ? enforced : shadow;
  step.say({
    code: "anchors",
    subject: `${key} enforced`,
    vm,
    seq,
    about: [step.index, other.index],
    says: `${vm} only rehearses at seq ${shadow.seq}, and enforced before, at seq ${enforced.seq}`,
  });
}

/** A record names a version that nobody has shown. */
function noteUnknown({ unknown }: Bundles, name: string, step: Step): void {
  const there = unknown.all.get(name) ?? { since: step.at, index: step.index, alarm: undefined };
  const forgotten = keep(unknown, step.sender, name, there, MAX_UNKNOWN);
  if (forgotten === undefined || forgotten.value.alarm !== undefined) return;
  const version = forgotten.key.split("/")[1] ?? "";
  const lost = `that version ${version} of the trust bundle was never shown is forgotten`;
  step.say(overflowOf(forgotten.owner, forgotten.value.index, lost));
}

/** What a record says of anchors and bundle, compared with what is pinned and known. */
export function noteTrust(bundles: Bundles, rules: Rules, chain: string, record: AuditRecord, step: Step): void {
  const { anchors, bundle: version, vm, seq } = record;
  if (anchors === undefined) return;
  const pinned = rules.byHash.get(anchors);
  if (pinned === undefined) {
    // A finished log that is judged without pins: nobody can know.
    if (rules.byHash.size === 0 && !rules.isCounting) return;
    step.say({
      code: "anchors",
      subject: `${chain}\n${anchors}`,
      vm,
      seq,
      says: `${vm} decides by anchors that are not pinned (${anchors.slice(0, 12)})`,
    });
    return;
  }
  if (pinned.isShadow !== (record.mode === "shadow"))
    step.say({
      code: "anchors",
      subject: `${chain}\n${record.mode}`,
      vm,
      seq,
      says: `${vm} says that it decides in ${record.mode}, and its anchors say ${pinned.isShadow ? "shadow" : "enforce"}`,
    });
  noteMode(bundles, rules, chain, record, pinned.which, step);
  if (version === undefined) return;
  noteVersion(bundles, chain, record, version, step);
  const versions = bundles.known.get(pinned.which);
  if (versions?.has(version) !== true) noteUnknown(bundles, `${pinned.which}/${version}`, step);
  const newest = versions === undefined ? undefined : Math.max(...versions.keys());
  const newer = newest === undefined || newest <= version ? undefined : versions?.get(newest);
  // The ledger's clock was ahead when it came: it is known since now at the latest.
  if (newer !== undefined) newer.at = Math.min(newer.at, step.at);
  // Nothing was decided after it came: a gateway whose clock is ahead is not behind for that.
  const decidedAt = Math.min(Date.parse(record.ts), step.at);
  if (newer !== undefined && decidedAt > newer.at + rules.grace.rollout * 1000)
    step.say({
      code: "bundle_behind",
      subject: chain,
      vm,
      seq,
      about: [step.index, newer.index],
      says: `${vm} decides by version ${version} of the trust bundle, and version ${newer.claims.version} is known since ${new Date(newer.at).toISOString()}`,
    });
}

export function dueOfBundles(bundles: Bundles, rules: Rules, look: Look): Omit<Finding, "index">[] {
  return [...bundles.unknown.all].flatMap(([name, { since, index, alarm }]) =>
    alarm !== undefined || !isOver(look, since, rules.grace.gap)
      ? []
      : [
          {
            code: "bundle_unknown" as const,
            subject: name,
            about: [index],
            says: `version ${name.split("/")[1] ?? ""} of the trust bundle was never shown to the ledger`,
          },
        ],
  );
}
