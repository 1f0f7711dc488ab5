/**
 * Requests that waited for a receipt: a record `pending`, the record that settles it, and the receipt of the pending one, signed by a
 * ledger of the bundle, for the very index at which it stands.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { remember } from "./bounded.js";
import { type Bundles, ledgerKey } from "./bundles.js";
import { type Finding, MAX_ABOUT, type Step } from "./finding.js";
import { holds, jsonOf, parseJws } from "./jws.js";
import { type AuditRecord, PENDING } from "./lines.js";
import { isOver, type Look } from "./look.js";
import type { Rules } from "./rules.js";

const MAX_PENDING = 65_536;

type Trust = Pick<AuditRecord, "anchors" | "bundle">;

/** What was asked for: of a request that waited and of what became of it the same. */
function askedOf({ request_id, grant_sha256, method, host, path, path_sha256 }: AuditRecord): string {
  const asked = [request_id, grant_sha256, method, host, path, path_sha256].map((value) => value ?? null);
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

export interface Pending {
  readonly vm: string;
  readonly seq: number;
  readonly index: number;
  readonly sha256: string;
  readonly requestId: string | undefined;
  readonly asked: string;
  /** It waited when the shard before this one was sealed: its receipt is from there. */
  readonly isCarried: boolean;
  /** By which bundle it was decided: its ledgers sign. */
  readonly trust: Trust;
  readonly since: number;
  settled:
    | { readonly seq: number; readonly index: number; readonly isAllowed: boolean; readonly since: number }
    | undefined;
  receipt: number | undefined;
  isTold: boolean;
}

interface Settling {
  readonly vm: string;
  readonly seq: number;
  readonly index: number;
  readonly since: number;
  readonly requestId: string | undefined;
  readonly asked: string;
  readonly isAllowed: boolean;
}

export interface Receipts {
  /** By chain and `seq`. */
  pending: Map<string, Pending>;
  byHash: Map<string, string>;
  /** Records whose pending one has not come. */
  settling: Map<string, Settling>;
  /** Lines that were entered, by hash. */
  lines: Map<string, number>;
  /** Receipts by a key that no known bundle has yet. */
  unknown: Map<number, { readonly receipt: string; readonly since: number; readonly sender: string }>;
  /** The first index from which all pending records are remembered. */
  from: number;
  /** The origin of the shard before this one: what waited when it was sealed has its receipt from there. */
  predecessor: string | undefined;
}

export const newReceipts = (): Receipts => ({
  pending: new Map(),
  byHash: new Map(),
  settling: new Map(),
  lines: new Map(),
  unknown: new Map(),
  from: 0,
  predecessor: undefined,
});

/** One record settles one that waited: the same request, let in as it asked. */
function join(pending: Pending, settling: Settling, step: Step): void {
  const { vm, seq, index, isAllowed } = settling;
  const { settled } = pending;
  // The line came again.
  if (settled?.seq === seq) return;
  pending.settled ??= { seq, index, isAllowed, since: step.at };
  const isSame = isAllowed ? pending.asked === settling.asked : pending.requestId === settling.requestId;
  if (settled === undefined && isSame) return;
  const why = settled === undefined ? "which is of another request" : `as seq ${settled.seq} does`;
  const says = `seq ${seq} of ${vm} settles seq ${pending.seq}, ${why}`;
  // Who is named in an alarm is told of: the one that waited may have no receipt besides.
  const about = settled === undefined ? [index, pending.index] : [index];
  step.say({ code: "settles_wrong", subject: vm, vm, seq, about, says });
}

export function keepPending(receipts: Receipts, key: string, pending: Pending): void {
  const forgotten = remember(receipts.pending, key, pending, MAX_PENDING);
  if (forgotten !== undefined) {
    receipts.from = forgotten[1].index + 1;
    receipts.byHash.delete(forgotten[1].sha256);
  }
  receipts.byHash.set(pending.sha256, key);
}

function notePending(receipts: Receipts, chain: string, record: AuditRecord, sha256: string, step: Step): void {
  const { vm, seq, request_id: requestId, anchors, bundle } = record;
  const key = `${chain}|${seq}`;
  // The line came again, or another one of that seq: the first is the chain's, and its receipt is for that one.
  if (receipts.pending.has(key)) return;
  const pending: Pending = {
    ...{ vm, seq, index: step.index, sha256, requestId, asked: askedOf(record), isCarried: false },
    ...{ trust: { anchors, bundle }, since: step.at, settled: undefined, receipt: undefined, isTold: false },
  };
  keepPending(receipts, key, pending);
  const settling = receipts.settling.get(key);
  receipts.settling.delete(key);
  if (settling !== undefined) join(pending, settling, step);
}

/** What a record says of another one of its chain. */
export function noteSettling(receipts: Receipts, chain: string, record: AuditRecord, sha256: Buffer, step: Step): void {
  const { vm, seq, verdict, settles, corrects, request_id: requestId } = record;
  const { index, at: since } = step;
  for (const earlier of [settles, corrects])
    if (earlier !== undefined && earlier >= seq)
      step.say({
        code: "settles_wrong",
        subject: vm,
        vm,
        seq,
        says: `seq ${seq} of ${vm} settles or corrects seq ${earlier}`,
      });
  if (verdict === PENDING) notePending(receipts, chain, record, sha256.toString("hex"), step);
  if (settles === undefined) return;
  const key = `${chain}|${settles}`;
  const settling = { vm, seq, index, since, requestId, asked: askedOf(record), isAllowed: verdict === "allow" };
  const pending = receipts.pending.get(key);
  if (pending !== undefined) {
    join(pending, settling, step);
    return;
  }
  const other = receipts.settling.get(key);
  if (other === undefined) remember(receipts.settling, key, settling, MAX_PENDING);
  else if (other.seq !== seq) {
    const says = `seq ${seq} of ${vm} settles seq ${settles}, as seq ${other.seq} does`;
    step.say({ code: "settles_wrong", subject: vm, vm, seq, says });
  }
}

const payloadSchema = z.strictObject({
  origin: z.string(),
  index: z.int().nonnegative(),
  record_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  iat: z.int().nonnegative(),
});

type Say = (code: "receipt_wrong" | "receipt_without_entry", words: string, about?: readonly number[]) => void;

/** False where its key is of no bundle that is known. */
function judge(receipts: Receipts, bundles: Bundles, rules: Rules, text: string, index: number, say: Say): boolean {
  const jws = parseJws(text);
  const claims = jws === undefined ? undefined : payloadSchema.safeParse(jsonOf(jws.payload)).data;
  if (
    jws === undefined ||
    claims === undefined ||
    jws.header.typ !== "bg-receipt+jws" ||
    jws.header.iat !== undefined
  ) {
    say("receipt_wrong", "it is malformed");
    return true;
  }
  const { origin } = rules.pins;
  const pending = receipts.pending.get(receipts.byHash.get(claims.record_sha256) ?? "");
  const key = ledgerKey(bundles, rules, jws.header.kid, pending?.trust);
  if (key === undefined) return false;
  if (!holds(jws, jws.payload, key)) say("receipt_wrong", "its signature does not hold");
  else if (pending?.isCarried === true && claims.origin === receipts.predecessor) {
    // Its index is for `verify` of that shard.
    pending.receipt = index;
  } else if (pending === undefined && claims.origin !== origin && claims.origin === receipts.predecessor) {
    // Of a request that was settled there: its lines came again.
  } else if (origin !== undefined && claims.origin !== origin)
    say("receipt_wrong", `it is of another log (${claims.origin})`);
  else if (claims.index >= index) say("receipt_without_entry", `there was no entry ${claims.index} when it came`);
  else if (pending !== undefined && pending.index !== claims.index)
    say("receipt_wrong", `entry ${claims.index} is not its record, which is entry ${pending.index}`, [pending.index]);
  else if (pending !== undefined) pending.receipt = index;
  // What is older than this memory is for `verify` to tell.
  else if (claims.index >= receipts.from)
    say("receipt_wrong", `entry ${claims.index} is not a record that waited for it`);
  return true;
}

const speak =
  (step: Step, sender: string, index: number): Say =>
  (code, words, more = []) =>
    step.say({
      code,
      subject: sender,
      about: [index, ...more],
      says: `the receipt of entry ${index} does not hold: ${words}`,
    });

export function takeReceipt(
  receipts: Receipts,
  bundles: Bundles,
  rules: Rules,
  line: { readonly receipt: string; readonly sha256: string },
  step: Step,
): void {
  const { index, sender, at: since } = step;
  remember(receipts.lines, line.sha256, index, MAX_PENDING);
  if (!judge(receipts, bundles, rules, line.receipt, index, speak(step, sender, index)))
    remember(receipts.unknown, index, { receipt: line.receipt, since, sender }, MAX_PENDING);
}

/** A bundle has become known: whatever waited for its keys. */
export function judgeUnknown(receipts: Receipts, bundles: Bundles, rules: Rules, step: Step): void {
  for (const [index, { receipt, sender }] of [...receipts.unknown])
    if (judge(receipts, bundles, rules, receipt, index, speak(step, sender, index))) receipts.unknown.delete(index);
}

type Due = Omit<Finding, "index">;

type IsLate = (since: number) => boolean;

function dueOfPending({ vm, seq, index, since, settled, receipt, isTold }: Pending, isLate: IsLate): Due[] {
  if (isTold) return [];
  if (settled === undefined)
    return !isLate(since)
      ? []
      : [
          {
            code: "unsettled",
            subject: vm,
            vm,
            seq,
            about: [index],
            says: `seq ${seq} of ${vm} waited for a receipt, and no record settles it`,
          },
        ];
  if (!settled.isAllowed || receipt !== undefined || !isLate(settled.since)) return [];
  const says = `seq ${seq} of ${vm} was allowed without the receipt that it waited for`;
  return [{ code: "receipt_missing", subject: vm, vm, seq, about: [index, settled.index], says }];
}

export function dueOfReceipts(receipts: Receipts, rules: Rules, look: Look): Due[] {
  const isLate: IsLate = (since) => isOver(look, since, rules.grace.gap);
  const due: Due[] = [];
  for (const pending of receipts.pending.values()) {
    due.push(...dueOfPending(pending, isLate));
    if (due.length >= MAX_ABOUT) break;
  }
  for (const { vm, seq, index, since } of receipts.settling.values())
    if (isLate(since))
      due.push({
        code: "settles_wrong",
        subject: vm,
        vm,
        seq,
        about: [index],
        says: `seq ${seq} of ${vm} settles a record that never came`,
      });
  for (const [index, { since, sender }] of receipts.unknown)
    if (isLate(since))
      due.push({
        code: "receipt_wrong",
        subject: sender,
        about: [index],
        says: `the receipt of entry ${index} is signed by no ledger of a bundle`,
      });
  return due;
}

/** It was told of these. */
export function markReceipts(receipts: Receipts, told: ReadonlySet<number>): void {
  for (const pending of receipts.pending.values()) if (told.has(pending.index)) pending.isTold = true;
  for (const [key, { index }] of [...receipts.settling]) if (told.has(index)) receipts.settling.delete(key);
  for (const index of told) receipts.unknown.delete(index);
}
