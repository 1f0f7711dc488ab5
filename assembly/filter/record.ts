/**
 * The audit record: one line of ASCII JSON per decision on a presented grant, chained by SHA-256 (docs/audit-record.md).
 * The gateway's audit log writes the line as it is, its end included. It never holds the grant, which is a credential
 * while it is valid.
 */
import { sha256 } from "../crypto/sha256";
import { Decision } from "../decide/decide";
import { Request } from "../decide/request";
import { Verdict, verdictCode } from "../decide/verdict.gen";
import { Grant } from "../grant/grant";
import { hashPayload } from "../grant/read";
import { getFilterState, Slice, Status, setFilterState } from "../host/calls";
import { MAX_RECORD_BYTES } from "../limits";
import { Text } from "../text/region";
import { writeTimestamp } from "../text/time";
import { Writer } from "../text/writer";
import { provesSomethingNew } from "./cache";
import { RootContext } from "./contexts";
import { mayRecord } from "./denials";
import { evidenceHash, takeEvidence, writeEvidence } from "./evidence";
import { forgetFirstRecord, ofRequest, readFirstRecord, theRest } from "./firstrecord";
import { writeIdentity } from "./identity";
import { Incoming } from "./incoming";
import { Judgement } from "./judgement";
import { countDroppedRecord } from "./metrics";
import { AUDIT_STATE } from "./names";

/*
 * A record's bound (docs/audit-record.md), MAX_RECORD_BYTES, holds because each member is bounded. In characters of JSON, with names, quotes and commas; names of the roster need no
 * escapes, a ticket and the gateway's part of `vm` may need six characters a byte:
 *
 *   v, vm                824 = 14 + 6 x 128 + 42              method          44 = 12 + 32
 *   seq, prev            100                                  host           265 = 10 + 255
 *   ts, mode, verdict     94                                  path         4,106 = 10 + 4096
 *   jti, grant_sha256    155                                  path_bytes, path_sha256     105
 *   sub, ent, reason     222                                  source          76 = 12 + 64
 *   incident             398 = 14 + 6 x 64                    request_id     144 = 16 + 128
 *   approvers            807 = 15 + 8 x 99                    bundle, anchors, evidence     181
 *   drill                 75                                  cached, single_key, the end    34
 *
 * Together 7,630: the rest is for members to come. `kid` stands in no record that has approvers, `corrects` and `settles` in none with
 * evidence.
 */
/** Characters shown of what the client sends, escapes included. Longer hosts and methods cannot be in scope. */
const MAX_SHOWN_PATH: i32 = 4096;
const MAX_SHOWN_HOST: i32 = 255;
const MAX_SHOWN_METHOD: i32 = 32;
const MAX_SHOWN_REQUEST_ID: i32 = 128;
/** An IPv6 address with a zone and a port; a path of a socket. */
const MAX_SHOWN_SOURCE: i32 = 64;
/**
 * The record, the line of evidence (a grant and what stands around it), the record that settles the first with the line of its receipt,
 * and the record that corrects it or ends the stream.
 */
const bytes: usize = memory.data(35072, 16); // 3 x MAX_RECORD_BYTES + MAX_GRANT_BYTES + MAX_RECEIPT_BYTES + 256
const BUFFER_BYTES: i32 = 35072;
/** Where the record stands that is being written: behind what the gateway has of this request already. */
let offset: i32 = 0;
/** How much the gateway has taken of this request. */
let taken: i32 = 0;
/** It waits for a ledger: what it says will be settled by the next of this request. */
let isPending: bool = false;
/** The record of the same request that this one settles, or takes back; 0 for none. */
let settles: i64 = 0;
let corrects: i64 = 0;
/** The receipt behind a record that settles another; `len` 0 for none. */
let receiptPtr: usize = 0;
let receiptLen: i32 = 0;
const KID_CHARACTERS: i32 = 43;

const writer = new Writer();
const timestamp: usize = memory.data(64, 8);
const pathHash: usize = memory.data(32, 16);
const previous: usize = memory.data(32, 16); // all zero before the first record
let sequence: i64 = 0;

/** The `seq` of this VM's last record; 0 before the first. */
export function lastSequence(): i64 {
  return sequence;
}

/** The SHA-256 of that record, `prev` of the next one: 32 bytes, zeros before the first. */
export function chainHead(): usize {
  return previous;
}

function member(name: string): void {
  writer.literal(',"');
  writer.literal(name);
  writer.literal('":');
}

function text(name: string, ptr: usize, len: i32): void {
  member(name);
  writer.string(ptr, len);
}

/** As much of it as takes `limit` characters. Returns how many bytes are shown. */
function textPart(name: string, ptr: usize, len: i32, limit: i32): i32 {
  member(name);
  return writer.part(ptr, len, limit);
}

function optionalText(name: string, value: Text): void {
  if (changetype<usize>(value) != 0) text(name, value.ptr, value.len);
}

function hex(name: string, ptr: usize): void {
  member(name);
  writer.byte(0x22);
  writer.hex(ptr, 32);
  writer.byte(0x22);
}

function flag(name: string, value: bool): void {
  member(name);
  writer.literal(value ? "true" : "false");
}

function openRecord(judgement: Judgement): void {
  const context = judgement.context;
  writer.open(bytes + offset, BUFFER_BYTES - offset);
  writer.literal('{"v":1,"vm":');
  writeIdentity(writer);
  member("seq");
  writer.integer(sequence + 1);
  hex("prev", previous);
  text("ts", timestamp, writeTimestamp(timestamp, judgement.nowNs));
  const isShadow = changetype<usize>(context.settings) != 0 && context.settings.isShadow;
  member("mode");
  writer.literal(isShadow ? '"shadow"' : '"enforce"');
  member("verdict");
  writer.byte(0x22);
  writer.literal(isPending ? "pending" : verdictCode(judgement.decision.verdict));
  writer.byte(0x22);
}

/** Only approvers whose signatures hold: a requester could name anybody. */
function writeApprovers(decision: Decision): void {
  const approvers = decision.approvers;
  const count = decision.areApprovalsProven ? approvers.count : 0;
  member("approvers");
  writer.byte(0x5b);
  for (let i = 0; i < count; i++) {
    const principal = approvers.principal(i);
    writer.literal(i == 0 ? '{"sub":' : ',{"sub":');
    writer.string(principal.namePtr, principal.nameLen);
    member("iat");
    writer.integer(approvers.approvedAt(i));
    writer.byte(0x7d);
  }
  writer.byte(0x5d);
}

function writeClaims(grant: Grant, decision: Decision): void {
  const claims = grant.claims;
  text("jti", claims.jti.ptr, claims.jti.len);
  hex("grant_sha256", grant.payloadHash);
  text("sub", claims.sub.ptr, claims.sub.len);
  text("ent", claims.entitlement.ptr, claims.entitlement.len);
  text("reason", claims.reason.ptr, claims.reason.len);
  optionalText("incident", claims.incident);
  writeApprovers(decision);
}

function writeRequest(request: Request): void {
  textPart("method", request.methodPtr, request.methodLen, MAX_SHOWN_METHOD);
  textPart("host", request.hostPtr, request.hostLen, MAX_SHOWN_HOST);
  if (textPart("path", request.pathPtr, request.pathLen, MAX_SHOWN_PATH) == request.pathLen) return;
  member("path_bytes");
  writer.integer(request.pathLen);
  // Else what was done could stand behind the cut, and no record would hold anybody to it.
  sha256(request.pathPtr, request.pathLen, pathHash);
  hex("path_sha256", pathHash);
}

function writeConnection(incoming: Incoming): void {
  const source = incoming.readSource();
  textPart("source", source.ptr, source.len, MAX_SHOWN_SOURCE);
  textPart("request_id", incoming.requestIdPtr, incoming.requestIdLen, MAX_SHOWN_REQUEST_ID);
}

function writeTrust(context: RootContext): void {
  if (changetype<usize>(context.held) != 0) {
    member("bundle");
    writer.integer(context.held.trust.version);
  }
  if (changetype<usize>(context.settings) != 0) hex("anchors", context.settings.anchorsHash);
}

/** Whether one person or one root key was enough for what was decided: loud, as it is the exception. */
function isSingleKey(context: RootContext, decision: Decision): bool {
  const entitlement = decision.entitlement;
  return context.settings.anchors.threshold == 1 || (changetype<usize>(entitlement) != 0 && entitlement.quorum == 0);
}

function isKid(kid: Text): bool {
  if (changetype<usize>(kid) == 0 || kid.len != KID_CHARACTERS) return false;
  for (let i = 0; i < kid.len; i++) {
    const c = load<u8>(kid.ptr + i);
    const good =
      (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c == 0x2d || c == 0x5f;
    if (!good) return false;
  }
  return true;
}

/** What a ledger has signed: base64url and dots, which need no escapes. */
function writeReceipt(): void {
  writer.literal('{"receipt":"');
  writer.bytes(receiptPtr, receiptLen);
  writer.literal('"}\n');
}

/** Which record of the same request this one follows. */
function writeRelation(): void {
  if (settles != 0) {
    member("settles");
    writer.integer(settles);
  }
  if (corrects != 0) {
    member("corrects");
    writer.integer(corrects);
  }
}

/** Ends the record, links the chain, hands its lines to the gateway. False when they could not be written. */
function closeRecord(hasEvidence: bool): bool {
  writer.byte(0x7d);
  const length = writer.length;
  writer.byte(0x0a);
  if (hasEvidence) writeEvidence(writer);
  if (receiptLen > 0) writeReceipt();
  if (writer.overflow || length > MAX_RECORD_BYTES) return false;
  if (setFilterState(AUDIT_STATE, bytes, offset + writer.length) != Status.Ok) return false;
  taken = offset + writer.length;
  sequence += 1;
  sha256(bytes + offset, length, previous);
  return true;
}

/** Records a decision on a grant whose requester's signature holds; with its evidence where an acceptance proves something new. */
function recordProven(judgement: Judgement): bool {
  const incoming = judgement.incoming;
  const grant = judgement.grant;
  const isCached = judgement.isCached;
  // What settles a record has it in front.
  const hasEvidence = judgement.isAllowed && settles == 0 && provesSomethingNew(judgement.entry);
  if (hasEvidence) takeEvidence(grant);
  else if (!isCached) hashPayload(grant);
  openRecord(judgement);
  writeClaims(grant, judgement.decision);
  writeRequest(incoming.request);
  writeConnection(incoming);
  writeTrust(judgement.context);
  if (hasEvidence) hex("evidence", evidenceHash);
  flag("cached", isCached);
  optionalText("drill", grant.claims.drill);
  if (isSingleKey(judgement.context, judgement.decision)) flag("single_key", true);
  // Whose key it was, where the grant names another's principal: nobody is on record for what he has not signed.
  if (judgement.decision.verdict == Verdict.KeyOwner) optionalText("kid", grant.request.kid);
  writeRelation();
  return closeRecord(hasEvidence);
}

/** Records a denial before the requester's signature held: no claim, as none is proven. */
function recordUnproven(judgement: Judgement): bool {
  openRecord(judgement);
  const grant = judgement.grant;
  if (changetype<usize>(grant) != 0 && isKid(grant.request.kid)) optionalText("kid", grant.request.kid);
  writeConnection(judgement.incoming);
  writeTrust(judgement.context);
  writeRelation();
  return closeRecord(false);
}

/** A record that follows nothing yet. */
function begin(): void {
  offset = 0;
  taken = 0;
  isPending = false;
  settles = 0;
  corrects = 0;
  receiptLen = 0;
}

/** Hands the record of the decision to the gateway. False when it was not taken; a denial too many counts as recorded. */
export function record(judgement: Judgement): bool {
  begin();
  if (mayRecord(judgement)) return judgement.decision.isProven ? recordProven(judgement) : recordUnproven(judgement);
  countDroppedRecord();
  return true;
}

/** The record of what would be allowed if a ledger had it: `linesOf` is what it is sent. False where the gateway did not take it. */
export function recordPending(judgement: Judgement): bool {
  begin();
  isPending = true;
  return recordProven(judgement);
}

/** The lines that the gateway has taken of this request last, in whole. Until the next record. */
export function linesPtr(): usize {
  return bytes;
}
export function linesLen(): i32 {
  return taken;
}

/**
 * What was recorded as allowed is denied, as the gateway failed afterwards: a further record says so, behind the first and its
 * evidence, as filter state is one value. Should the gateway not take that either, only the answer tells.
 */
export function correctRecord(judgement: Judgement): void {
  if (taken == 0) return;
  offset = taken;
  settles = 0;
  receiptLen = 0;
  corrects = sequence;
  recordProven(judgement);
}

const held = new Slice();

/** Takes what the gateway has of this request already. False where it has nothing that a record could follow. */
function takeBack(): bool {
  forgetFirstRecord();
  if (getFilterState(AUDIT_STATE, held) != Status.Ok || held.len > BUFFER_BYTES) return false;
  memory.copy(bytes, held.ptr, held.len);
  offset = held.len;
  return readFirstRecord(bytes, held.len);
}

/**
 * What became of a request that was pending: a record of its own, behind that one and its evidence, and the receipt behind it where
 * there is a good one. Whatever else is denied without a record, this is on record. False where the gateway did not take it. Only with
 * the stream as effective context.
 * @param seq of the pending record @param len of the receipt, 0 for none
 */
export function recordSettled(judgement: Judgement, seq: i64, ptr: usize, len: i32): bool {
  begin();
  if (!takeBack()) return false;
  settles = seq;
  receiptPtr = ptr;
  receiptLen = len;
  return judgement.decision.isProven ? recordProven(judgement) : recordUnproven(judgement);
}

/**
 * An open stream is ended: a record of its own, behind the first and its evidence, which stay. False where that was not taken: then
 * the first stands there as it did, and only the answer tells. Only with the stream as effective context.
 */
export function recordEnd(judgement: Judgement): bool {
  begin();
  if (!takeBack()) return false;
  openRecord(judgement);
  writer.bytes(ofRequest.ptr, ofRequest.len);
  writeTrust(judgement.context);
  writer.bytes(theRest.ptr, theRest.len);
  flag("ended", true);
  return closeRecord(false);
}
