/**
 * Requests that waited for a receipt: a record `pending`, the record that settles it, and the receipt of the pending one, signed by a
 * ledger of the bundle, for the very index at which it stands.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { drop, keep, newShared, type Shared, taken } from "./bounded.js";
import { type Bundles, ledgerKey } from "./bundles.js";
import { type Finding, MAX_ABOUT, overflowOf, type Step } from "./finding.js";
import { holds, jsonOf, parseJws } from "./jws.js";
import { type AuditRecord, PENDING } from "./lines.js";
import { isOver, type Look } from "./look.js";
import type { Rules } from "./rules.js";

/** Of all senders together. */
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
  /** It was told that no record settles it: one may all the same, and owes its receipt. */
  isUnsettledTold: boolean;
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
  pending: Shared<string, Pending>;
  /** By the hash of the record: the same one may be of a chain of its own besides, as a stranger sent it. */
  byHash: Map<string, string[]>;
  /** Records whose pending one has not come. */
  settling: Shared<string, Settling>;
  /** Lines that were entered, by hash. */
  lines: Shared<string, number>;
  /** Receipts by a key that no known bundle has yet. */
  unknown: Shared<number, { readonly receipt: string; readonly since: number; readonly sender: string }>;
  /** By sender: the first index from which all of his pending records are remembered. */
  from: Map<string, number>;
  /** The origin of the shard before this one: what waited when it was sealed has its receipt from there. */
  predecessor: string | undefined;
}

export const newReceipts = (): Receipts => ({
  pending: newShared(),
  byHash: new Map(),
  settling: newShared(),
  lines: newShared(),
  unknown: newShared(),
  from: new Map(),
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

/** Whether something is yet to come of it. */
export const isOpen = ({ settled, receipt, isTold }: Pending): boolean =>
  !isTold && (settled === undefined || (settled.isAllowed && receipt === undefined));

/** Whether nobody has told yet what would be wrong if nothing came. */
const isUntold = (pending: Pending): boolean =>
  isOpen(pending) && !(pending.isUnsettledTold && pending.settled === undefined);

/** @param sender who brought its record */
export function keepPending(receipts: Receipts, sender: string, key: string, pending: Pending, step: Step): void {
  const forgotten = keep(receipts.pending, sender, key, pending, MAX_PENDING);
  taken(receipts.byHash, pending.sha256, () => []).push(key);
  if (forgotten === undefined) return;
  const { owner, value } = forgotten;
  const { sha256, index, seq, vm } = value;
  receipts.from.set(owner, Math.max(receipts.from.get(owner) ?? 0, index + 1));
  const same = (receipts.byHash.get(sha256) ?? []).filter((one) => one !== forgotten.key);
  if (same.length > 0) receipts.byHash.set(sha256, same);
  else receipts.byHash.delete(sha256);
  if (isUntold(value))
    step.say(overflowOf(owner, index, `seq ${seq} of ${vm}, which waited for a receipt, is forgotten`));
}

function keepSettling(receipts: Receipts, key: string, settling: Settling, step: Step): void {
  const forgotten = keep(receipts.settling, step.sender, key, settling, MAX_PENDING);
  if (forgotten === undefined) return;
  const { seq, vm, index } = forgotten.value;
  step.say(overflowOf(forgotten.owner, index, `what seq ${seq} of ${vm} settles was not judged`));
}

function notePending(receipts: Receipts, chain: string, record: AuditRecord, sha256: string, step: Step): void {
  const { vm, seq, request_id: requestId, anchors, bundle } = record;
  const key = `${chain}|${seq}`;
  // The line came again, or another one of that seq: the first is the chain's, and its receipt is for that one.
  if (receipts.pending.all.has(key)) return;
  const pending: Pending = {
    ...{ vm, seq, index: step.index, sha256, requestId, asked: askedOf(record), isCarried: false },
    ...{ trust: { anchors, bundle }, since: step.at, settled: undefined, receipt: undefined },
    ...{ isUnsettledTold: false, isTold: false },
  };
  keepPending(receipts, step.sender, key, pending, step);
  const settling = receipts.settling.all.get(key);
  drop(receipts.settling, key);
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
  const pending = receipts.pending.all.get(key);
  if (pending !== undefined) {
    join(pending, settling, step);
    return;
  }
  const other = receipts.settling.all.get(key);
  if (other === undefined) keepSettling(receipts, key, settling, step);
  else if (other.seq !== seq) {
    const says = `seq ${seq} of ${vm} settles seq ${settles}, as seq ${other.seq} does`;
    step.say({ code: "settles_wrong", subject: vm, vm, seq, says });
  }
}

export const receiptSchema = z.strictObject({
  origin: z.string(),
  index: z.int().nonnegative(),
  record_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  iat: z.int().nonnegative(),
});

type Say = (code: "receipt_wrong" | "receipt_without_entry", words: string, about?: readonly number[]) => void;

const speak =
  (step: Step, sender: string, index: number): Say =>
  (code, words, more = []) =>
    step.say({
      code,
      subject: sender,
      about: [index, ...more],
      says: `the receipt of entry ${index} does not hold: ${words}`,
    });

/** The one at that index, else the first of that hash. */
function pendingOf({ pending, byHash }: Receipts, sha256: string, index: number): Pending | undefined {
  const all = [...(byHash.get(sha256) ?? [])].flatMap((key) => pending.all.get(key) ?? []);
  return all.find((one) => one.index === index) ?? all[0];
}

/** False where its key is of no bundle that is known. */
function judge(
  receipts: Receipts,
  bundles: Bundles,
  rules: Rules,
  { receipt, sender }: { readonly receipt: string; readonly sender: string },
  index: number,
  step: Step,
): boolean {
  const say = speak(step, sender, index);
  const jws = parseJws(receipt);
  const claims = jws === undefined ? undefined : receiptSchema.safeParse(jsonOf(jws.payload)).data;
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
  const pending = pendingOf(receipts, claims.record_sha256, claims.index);
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
  else if (claims.index >= (receipts.from.get(sender) ?? 0))
    say("receipt_wrong", `entry ${claims.index} is not a record that waited for it`);
  return true;
}

export function takeReceipt(
  receipts: Receipts,
  bundles: Bundles,
  rules: Rules,
  line: { readonly receipt: string; readonly sha256: string },
  step: Step,
): void {
  const { index, sender, at: since } = step;
  keep(receipts.lines, sender, line.sha256, index, MAX_PENDING);
  if (judge(receipts, bundles, rules, { receipt: line.receipt, sender }, index, step)) return;
  const forgotten = keep(receipts.unknown, sender, index, { receipt: line.receipt, since, sender }, MAX_PENDING);
  if (forgotten === undefined) return;
  step.say(overflowOf(forgotten.owner, forgotten.key, `the receipt of entry ${forgotten.key} was not judged`));
}

/** A bundle has become known: whatever waited for its keys. */
export function judgeUnknown(receipts: Receipts, bundles: Bundles, rules: Rules, step: Step): void {
  for (const [index, one] of [...receipts.unknown.all])
    if (judge(receipts, bundles, rules, one, index, step)) drop(receipts.unknown, index);
}

type Due = Omit<Finding, "index">;

type IsLate = (since: number) => boolean;

function dueOfPending(pending: Pending, isLate: IsLate): Due[] {
  if (!isUntold(pending)) return [];
  const { vm, seq, index, since, settled } = pending;
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
  if (!isLate(settled.since)) return [];
  const says = `seq ${seq} of ${vm} was allowed without the receipt that it waited for`;
  return [{ code: "receipt_missing", subject: vm, vm, seq, about: [index, settled.index], says }];
}

export function dueOfReceipts(receipts: Receipts, rules: Rules, look: Look): Due[] {
  const isLate: IsLate = (since) => isOver(look, since, rules.grace.gap);
  const due: Due[] = [];
  for (const pending of receipts.pending.all.values()) {
    due.push(...dueOfPending(pending, isLate));
    if (due.length >= MAX_ABOUT) break;
  }
  for (const { vm, seq, index, since } of receipts.settling.all.values())
    if (isLate(since))
      due.push({
        code: "settles_wrong",
        subject: vm,
        vm,
        seq,
        about: [index],
        says: `seq ${seq} of ${vm} settles a record that never came`,
      });
  for (const [index, { since, sender }] of receipts.unknown.all)
    if (isLate(since))
      due.push({
        code: "receipt_wrong",
        subject: sender,
        about: [index],
        says: `the receipt of entry ${index} is signed by no ledger of a bundle`,
      });
  return due;
}

/** It was told of these. @param isUnsettled that no record settles them */
export function markReceipts(receipts: Receipts, told: ReadonlySet<number>, isUnsettled: boolean): void {
  for (const pending of receipts.pending.all.values()) {
    if (!told.has(pending.index)) continue;
    if (isUnsettled) pending.isUnsettledTold = true;
    else pending.isTold = true;
  }
  for (const [key, { index }] of [...receipts.settling.all]) if (told.has(index)) drop(receipts.settling, key);
  for (const index of told) drop(receipts.unknown, index);
}
