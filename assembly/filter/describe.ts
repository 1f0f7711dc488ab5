/** The parser's own view of an ask or a grant as JSON, for `glassgate approve`: what a person approves is what the gateway reads. */
import { Algorithm } from "../crypto/algorithm";
import { Claims, Grant, newGrant } from "../grant/grant";
import { readGrant } from "../grant/read";
import { Detail, Scope } from "../jose/details";
import { Jws, UNSUPPORTED_ALGORITHM } from "../jose/jws";
import { Region, Text, TextList } from "../text/region";
import { Writer } from "../text/writer";

const writer = new Writer();

function name(key: string): void {
  writer.byte(0x22);
  writer.literal(key);
  writer.literal('":');
}

function value(text: Text): void {
  writer.string(text.ptr, text.len);
}

function list(texts: TextList): void {
  writer.byte(0x5b);
  for (let i = 0; i < texts.count; i++) {
    if (i > 0) writer.byte(0x2c);
    value(texts.at(i));
  }
  writer.byte(0x5d);
}

function member(key: string, text: Text): void {
  if (changetype<usize>(text) == 0) return;
  writer.byte(0x2c);
  name(key);
  value(text);
}

function number(key: string, amount: i64): void {
  writer.byte(0x2c);
  name(key);
  writer.integer(amount);
}

function details(scope: Scope): void {
  writer.literal(',"authorization_details":[');
  for (let at = scope.first; at != 0; at = changetype<Detail>(at).next) {
    const detail = changetype<Detail>(at);
    if (at != scope.first) writer.byte(0x2c);
    writer.literal('{"type":"break_glass_http","locations":');
    list(detail.locations);
    writer.literal(',"actions":');
    list(detail.actions);
    writer.literal(',"paths":');
    list(detail.paths);
    writer.byte(0x7d);
  }
  writer.byte(0x5d);
}

function claims(from: Claims): void {
  name("jti");
  value(from.jti);
  member("sub", from.sub);
  writer.literal(',"aud":');
  list(from.aud);
  number("iat", from.issuedAt);
  number("exp", from.expiresAt);
  member("ent", from.entitlement);
  member("reason", from.reason);
  member("text", from.text);
  member("incident", from.incident);
  details(from.scope);
  member("drill", from.drill);
}

function signer(jws: Jws): void {
  name("alg");
  if (jws.algorithm == UNSUPPORTED_ALGORITHM) writer.literal("null");
  else writer.literal(jws.algorithm == Algorithm.Ed25519 ? '"Ed25519"' : '"ES256"');
  member("kid", jws.kid);
}

function describeGrant(grant: Grant, typ: string): void {
  writer.literal('{"typ":"');
  writer.literal(typ);
  writer.literal('",');
  signer(grant.request);
  writer.literal(',"claims":{');
  claims(grant.claims);
  writer.literal('},"approvals":[');
  for (let i = 0; i < grant.approvalCount; i++) {
    writer.literal(i == 0 ? "{" : ",{");
    signer(grant.approval(i));
    number("iat", grant.approval(i).iat);
    writer.byte(0x7d);
  }
  writer.literal("]}");
}

/**
 * Describes the ask or grant at (ptr, len). Nothing is verified.
 * @param memory for parsing, GRANT_REGION_BYTES
 * @param out receives the JSON, `capacity` bytes at most
 * @returns the JSON's length
 */
export function describe(
  region: Region,
  ptr: usize,
  len: i32,
  memory: usize,
  bytes: i32,
  out: usize,
  capacity: i32,
): i32 {
  for (let i = 0; i < 2; i++) {
    const typ = i == 0 ? "bg-ask+jwt" : "bg+jwt";
    region.open(memory, bytes);
    const grant = newGrant(region);
    writer.open(out, capacity);
    if (!readGrant(region, ptr, len, typ, grant)) continue;
    describeGrant(grant, typ);
    return writer.overflow ? 0 : writer.length;
  }
  writer.open(out, capacity);
  writer.literal('{"error":"malformed"}');
  return writer.length;
}
