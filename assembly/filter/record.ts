/**
 * The audit record: one line of ASCII JSON per decision on a presented grant, chained by SHA-256 (DESIGN.md, "The audit
 * record"). The gateway's audit log writes the line as it is, its end included. It never holds the grant, which is a
 * credential while it is valid.
 */
import { sha256 } from "../crypto/sha256";
import { Decision } from "../decide/decide";
import { verdictCode } from "../decide/verdict.gen";
import { Grant } from "../grant/grant";
import { Status, setFilterState } from "../host/calls";
import { Text } from "../text/region";
import { writeTimestamp } from "../text/time";
import { Writer } from "../text/writer";
import { RootContext } from "./contexts";
import { evidenceHash, writeEvidence } from "./evidence";
import { writeIdentity } from "./identity";
import { Incoming } from "./incoming";
import { countDroppedRecord } from "./metrics";
import { AUDIT_STATE } from "./names";

/** The longest path a gateway passes (60 KiB) with every byte escaped, the longest evidence, and room for the rest. */
const RECORD_BYTES: i32 = 152 * 1024;
const record: usize = memory.data(155648, 16);
/** Longer ones cannot be in scope; the record shows their beginning. */
const MAX_SHOWN_HOST: i32 = 255;
const MAX_SHOWN_METHOD: i32 = 32;
const MAX_SHOWN_REQUEST_ID: i32 = 128;
const KID_CHARACTERS: i32 = 43;
/** Records a second and VM of denials before the requester's signature held: an attacker cannot fill the disk. */
const MAX_UNPROVEN_PER_SECOND: i32 = 100;

const writer = new Writer();
const timestamp: usize = memory.data(64, 8);
const previous: usize = memory.data(32, 16); // all zero before the first record
let sequence: i64 = 0;
let second: i64 = 0;
let unprovenThisSecond: i32 = 0;

function member(name: string): void {
  writer.literal(',"');
  writer.literal(name);
  writer.literal('":');
}

function text(name: string, ptr: usize, len: i32): void {
  member(name);
  writer.string(ptr, len);
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

function openRecord(context: RootContext, verdict: i32, nowNs: u64): void {
  writer.open(record, RECORD_BYTES);
  writer.literal('{"v":1,"vm":');
  writeIdentity(writer);
  member("seq");
  writer.integer(sequence + 1);
  hex("prev", previous);
  text("ts", timestamp, writeTimestamp(timestamp, nowNs));
  const isShadow = changetype<usize>(context.settings) != 0 && context.settings.isShadow;
  member("mode");
  writer.literal(isShadow ? '"shadow"' : '"enforce"');
  member("verdict");
  writer.byte(0x22);
  writer.literal(verdictCode(verdict));
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

function writeConnection(incoming: Incoming): void {
  const source = incoming.readSource();
  text("source", source.ptr, min(source.len, 64));
  text("request_id", incoming.requestIdPtr, min(incoming.requestIdLen, MAX_SHOWN_REQUEST_ID));
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

/** Ends the record, links the chain, hands both lines to the gateway. False when they could not be written. */
function closeRecord(hasEvidence: bool): bool {
  writer.byte(0x7d);
  const length = writer.length;
  writer.byte(0x0a);
  if (hasEvidence) writeEvidence(writer);
  if (writer.overflow) return false;
  if (setFilterState(AUDIT_STATE, record, writer.length) != Status.Ok) return false;
  sequence += 1;
  sha256(record, length, previous);
  return true;
}

/** Records a decision on a grant whose requester's signature holds; with the evidence just taken when it `isFirst` accepted now. */
export function recordProven(
  context: RootContext,
  grant: Grant,
  decision: Decision,
  incoming: Incoming,
  nowNs: u64,
  isCached: bool,
  isFirst: bool,
): bool {
  const request = incoming.request;
  openRecord(context, decision.verdict, nowNs);
  writeClaims(grant, decision);
  text("method", request.methodPtr, min(request.methodLen, MAX_SHOWN_METHOD));
  text("host", request.hostPtr, min(request.hostLen, MAX_SHOWN_HOST));
  text("path", request.pathPtr, request.pathLen);
  writeConnection(incoming);
  writeTrust(context);
  if (isFirst) hex("evidence", evidenceHash);
  flag("cached", isCached);
  optionalText("drill", grant.claims.drill);
  if (isSingleKey(context, decision)) flag("single_key", true);
  return closeRecord(isFirst);
}

/**
 * Records a denial before the requester's signature held: no claim, as none is proven. `grant` may be 0.
 * More than 100 a second and VM are counted instead; those count as recorded.
 */
export function recordUnproven(context: RootContext, verdict: i32, grant: Grant, incoming: Incoming, nowNs: u64): bool {
  const nowSeconds = <i64>(nowNs / 1000000000);
  if (nowSeconds != second) {
    second = nowSeconds;
    unprovenThisSecond = 0;
  }
  if (unprovenThisSecond >= MAX_UNPROVEN_PER_SECOND) {
    countDroppedRecord();
    return true;
  }
  unprovenThisSecond += 1;
  openRecord(context, verdict, nowNs);
  if (changetype<usize>(grant) != 0 && isKid(grant.request.kid)) optionalText("kid", grant.request.kid);
  writeConnection(incoming);
  writeTrust(context);
  return closeRecord(false);
}
