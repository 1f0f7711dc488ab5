/**
 * Requests under an entitlement with `audit: "receipt"` (docs/audit-record.md, "Receipts"): the first half. What would be allowed is
 * put on record as pending, its lines go to the ledger, and the request is held back. resume.ts is the second half. No allocation,
 * no trap, no unbounded loop.
 */
import { sipHash } from "../crypto/siphash";
import { Verdict } from "../decide/verdict.gen";
import { Token } from "../host/calls";
import { keyOf } from "./failures";
import { Judgement } from "./judgement";
import { Action, finish } from "./outcome";
import { addPending, Pending, Room, roomFor } from "./pending";
import { askForReceipt } from "./receiptcall";
import { chainHead, lastSequence, linesLen, linesPtr, recordPending, recordSettled } from "./record";
import { vmSecret } from "./secret";

const pending = new Pending();
const token = new Token();

/** By what the grant is known again when its request goes on. */
export function bytesOf(judgement: Judgement): u64 {
  return sipHash(vmSecret(), judgement.incoming.grantPtr, judgement.incoming.grantLen);
}

/** Whether a request that needs a receipt, and would be allowed, can be held back for it: `Allow`, or why not. */
export function mayHoldBack(judgement: Judgement): i32 {
  if (changetype<usize>(judgement.context.settings.receipt) == 0) return Verdict.AuditUnavailable;
  const kid = judgement.grant.request.kid;
  const room = roomFor(keyOf(kid.ptr, kid.len));
  if (room == Room.Free) return Verdict.Allow;
  return room == Room.Share ? Verdict.Busy : Verdict.AuditUnavailable;
}

/** Puts it on record, asks the ledger, and holds it back; denies it where one of these cannot be done. There is room for it. */
export function holdBack(judgement: Judgement): Action {
  const decision = judgement.decision;
  if (!recordPending(judgement)) return finish(judgement, false);
  pending.stream = judgement.stream;
  pending.seq = lastSequence();
  pending.hash = chainHead();
  pending.grant = bytesOf(judgement);
  const kid = judgement.grant.request.kid;
  pending.key = keyOf(kid.ptr, kid.len);
  const isAsked = askForReceipt(judgement.context.settings.receipt, linesPtr(), linesLen(), token);
  if (!isAsked) {
    decision.verdict = Verdict.AuditUnavailable;
    return finish(judgement, recordSettled(judgement, pending.seq, 0, 0));
  }
  pending.token = token.value;
  addPending(pending);
  return Action.Stop;
}
