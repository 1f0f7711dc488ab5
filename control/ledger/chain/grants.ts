/** Grants by `grant_sha256`: their evidence, judged as soon as text, record and bundle are there; their first use; their name. */
import { keep, newShared, remember, type Shared, taken } from "./bounded.js";
import type { Bundles } from "./bundles.js";
import { courtOf, isEnforced, isPinned } from "./bundles.js";
import { grantOf, isCovered, judgeEvidence, judgeResting, type Proven } from "./evidence.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";
import type { Rules } from "./rules.js";
import type { Standing } from "./standing.js";
import { newWaits, unwait, type Waiting, type Waits, wait, waitingFor } from "./waiting.js";

/** Of all senders together, as of the evidence that records name. */
const MAX_GRANTS = 65_536;
/** Texts of evidence of one sender, of at most 9,000 bytes: nobody can crowd out another's. */
const MAX_TEXTS = 2048;
const MAX_NAMED = 65_536;
/**
 * Approvals that evidence of one grant has shown, all of them by people of the bundle: what eight VMs remember of it (MAX_KEYS of
 * assembly/filter/shownkeys.ts), however differently. An access that rests on what was forgotten is `bad_evidence`.
 */
const MAX_PROVEN = 256;
/** Faults that one alarm names. */
export const MAX_FAULTS = 4;

export interface KnownGrant {
  jti: string | undefined;
  /** Accesses, of which those have an answer: only these count as used. */
  accesses: number;
  answers: number;
  /** Evidence of it came. */
  isShown: boolean;
  /** Evidence of it was judged under a bundle. */
  isJudged: boolean;
  /** The approvals in evidence without fault, by key and time. */
  proven: Map<string, Proven>;
  /** What it says, where evidence of it was without fault. */
  standing: Standing | undefined;
  isSingleTold: boolean;
}

interface Text {
  readonly text: string;
  readonly index: number;
  readonly since: number;
  /** A record names it, or it was said that none does. */
  isNamed: boolean;
}

export interface Grants {
  known: Shared<string, KnownGrant>;
  jtis: Shared<string, { readonly grant: string; readonly index: number }>;
  /** By sender, then by SHA-256. */
  texts: Map<string, Map<string, Text>>;
  /** Hashes of evidence that records name. */
  named: Shared<string, true>;
  /** Records that name evidence, by its hash. */
  byEvidence: Waits;
  /** Accesses that rest on evidence from before, by grant. */
  byGrant: Waits;
}

export const newGrants = (): Grants => ({
  known: newShared(),
  jtis: newShared(),
  texts: new Map(),
  named: newShared(),
  byEvidence: newWaits(),
  byGrant: newWaits(),
});

/** @param sender who speaks of it: while he has room, it is known */
function grantAt(grants: Grants, hash: string, sender: string): KnownGrant {
  const known = grants.known.all.get(hash) ?? {
    jti: undefined,
    accesses: 0,
    answers: 0,
    isShown: false,
    isJudged: false,
    proven: new Map<string, Proven>(),
    standing: undefined,
    isSingleTold: false,
  };
  keep(grants.known, sender, hash, known, MAX_GRANTS);
  return known;
}

export function noteProven({ proven }: Pick<KnownGrant, "proven">, one: Proven): void {
  remember(proven, `${one.kid} ${one.iat}`, one, MAX_PROVEN);
}

export function knownEvidence(grants: Grants, sender: string, sha256: string): number | undefined {
  return grants.texts.get(sender)?.get(sha256)?.index;
}

export function textOf(grants: Grants, sha256: string): string | undefined {
  for (const texts of grants.texts.values()) {
    const found = texts.get(sha256);
    if (found !== undefined) return found.text;
  }
  return undefined;
}

/** Judges what the record says by the evidence that it names. False where something that is needed is not there yet. */
function settle(grants: Grants, bundles: Bundles, rules: Rules, waiting: Waiting, step: Step): boolean {
  const { record, chain, sender, index } = waiting;
  const { evidence: sha256 = "", grant_sha256: grant = "", vm, seq } = record;
  const text = textOf(grants, sha256);
  if (text === undefined) return false;
  if (!isPinned(rules, record)) return true;
  waiting.isShown = true;
  const court = courtOf(bundles, rules, record);
  if (court === undefined) return false;
  const { approvals, faults, standing } = judgeEvidence(text, record, court);
  const known = grantAt(grants, grant, sender);
  known.isJudged = true;
  if (faults.length === 0) {
    known.standing = standing;
    for (const one of approvals) noteProven(known, one);
  } else {
    const shown = [...new Set(faults)].slice(0, MAX_FAULTS).join("; ");
    const about = index === step.index ? [index] : [index, step.index];
    const says = `the evidence of seq ${seq} of ${vm} does not prove it: ${shown}`;
    step.say({ code: "bad_evidence", subject: chain, vm, seq, grant_sha256: grant, about, says });
  }
  releaseGrant(grants, bundles, rules, grant, step);
  return true;
}

/** Judges an access that rests on evidence from before. False where what it needs is not there yet. */
function rest(known: KnownGrant, bundles: Bundles, rules: Rules, waiting: Waiting, step: Step): boolean {
  const { record, chain, index } = waiting;
  const { vm, seq, grant_sha256: grant = "" } = record;
  if (!isPinned(rules, record)) return known.isShown;
  const court = courtOf(bundles, rules, record);
  if (court === undefined && known.isShown) waiting.isShown = true;
  else delete waiting.isShown;
  if (court === undefined || known.standing === undefined) return false;
  if (!isCovered(known.proven.values(), record, court)) return false;
  const faults = judgeResting(known.standing, record, court);
  if (faults.length > 0) {
    const shown = [...new Set(faults)].slice(0, MAX_FAULTS).join("; ");
    const says = `seq ${seq} of ${vm} was allowed, and the evidence of its grant does not prove it: ${shown}`;
    step.say({ code: "bad_evidence", subject: chain, vm, seq, grant_sha256: grant, about: [index], says });
  }
  return true;
}

/** The accesses that its evidence covers now wait no more. */
function releaseGrant(grants: Grants, bundles: Bundles, rules: Rules, grant: string, step: Step): void {
  const known = grants.known.all.get(grant);
  if (known === undefined) return;
  for (const one of waitingFor(grants.byGrant, grant))
    if (rest(known, bundles, rules, one, step)) unwait(grants.byGrant, one);
}

function settleAll(grants: Grants, bundles: Bundles, rules: Rules, sha256: string, step: Step): void {
  for (const one of waitingFor(grants.byEvidence, sha256))
    if (settle(grants, bundles, rules, one, step)) unwait(grants.byEvidence, one);
}

/** A text of evidence came. */
export function takeText(
  grants: Grants,
  bundles: Bundles,
  rules: Rules,
  text: string,
  sha256: string,
  step: Step,
): void {
  const isNamed = grants.named.all.has(sha256);
  const texts = taken(grants.texts, step.sender, () => new Map<string, Text>());
  remember(texts, sha256, { text, index: step.index, since: step.at, isNamed }, MAX_TEXTS);
  grantAt(grants, grantOf(text), step.sender).isShown = true;
  settleAll(grants, bundles, rules, sha256, step);
}

/** A bundle has become known: whatever waited for it. */
export function judgeWaiting(grants: Grants, bundles: Bundles, rules: Rules, step: Step): void {
  for (const sha256 of [...grants.byEvidence.byKey.keys()]) settleAll(grants, bundles, rules, sha256, step);
  for (const grant of [...grants.byGrant.byKey.keys()]) releaseGrant(grants, bundles, rules, grant, step);
}

function claimedOf(record: AuditRecord): Waiting["record"] {
  const { vm, seq, ts, jti, sub, ent, reason, incident, drill, grant_sha256, approvers, evidence } = record;
  const { method, host, path, path_bytes, source, anchors, bundle } = record;
  const claims = { jti, sub, ent, reason, incident, drill, grant_sha256, approvers, evidence };
  return { vm, seq, ts, ...claims, method, host, path, path_bytes, source, anchors, bundle };
}

function noteEvidence(
  grants: Grants,
  bundles: Bundles,
  rules: Rules,
  chain: string,
  record: AuditRecord,
  step: Step,
): void {
  const { evidence, grant_sha256: grant = "" } = record;
  const { sender, index, at: since } = step;
  const waiting: Waiting = { chain, sender, index, since, record: claimedOf(record) };
  if (evidence !== undefined) {
    keep(grants.named, sender, evidence, true, MAX_NAMED);
    for (const texts of grants.texts.values()) {
      const text = texts.get(evidence);
      if (text !== undefined) text.isNamed = true;
    }
    if (!settle(grants, bundles, rules, waiting, step)) wait(grants.byEvidence, evidence, waiting, step);
    return;
  }
  if (record.verdict !== "allow") return;
  const known = grantAt(grants, grant, step.sender);
  if (rest(known, bundles, rules, waiting, step)) return;
  wait(grants.byGrant, grant, waiting, step);
}

/** A record of a grant whose requester is proven. */
export function noteGrant(
  grants: Grants,
  bundles: Bundles,
  rules: Rules,
  chain: string,
  record: AuditRecord,
  step: Step,
): void {
  const { grant_sha256: grant, jti, vm, seq, sub = "", ent = "" } = record;
  if (grant === undefined || jti === undefined) return;
  const here = { vm, seq, grant_sha256: grant };
  const named = grants.jtis.all.get(jti) ?? { grant, index: step.index };
  keep(grants.jtis, step.sender, jti, named, MAX_GRANTS);
  if (named.grant !== grant) {
    const says = `the grant ${jti} of ${sub} is another than the one that was seen under that name before`;
    step.say({ code: "jti_reused", subject: jti, ...here, about: [step.index, named.index], says });
  }
  noteEvidence(grants, bundles, rules, chain, record, step);
  if (!isEnforced(rules, record)) return;
  const known = grantAt(grants, grant, step.sender);
  known.jti = jti;
  known.accesses += 1;
  const approved = (record.approvers ?? []).map((one) => one.sub).join(", ");
  const drill = record.drill === undefined ? "" : ` in the drill ${record.drill}`;
  if (known.accesses === 1)
    step.say({
      code: "first_use",
      subject: grant,
      ...here,
      says: `${sub} used ${ent}${drill} for ${record.reason ?? ""}${record.incident === undefined ? "" : ` (${record.incident})`}, ${approved === "" ? "approved by nobody" : `approved by ${approved}`}: ${record.method ?? ""} ${record.host ?? ""}${(record.path ?? "").slice(0, 128)}`,
    });
  if (record.single_key === true && !known.isSingleTold) {
    known.isSingleTold = true;
    step.say({ code: "single_key", subject: grant, ...here, says: `one key was enough for ${sub} to use ${ent}` });
  }
}

/** An access of that grant has its answer. */
export function noteAnswered(grants: Grants, grant: string): void {
  const known = grants.known.all.get(grant);
  if (known !== undefined) known.answers += 1;
}
