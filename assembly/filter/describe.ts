/** The parser's own view of an ask or a grant as JSON, for `glassgate approve`: what a person approves is what the gateway reads. */
import { Algorithm } from "../crypto/algorithm";
import { Grant, newGrant } from "../grant/grant";
import { Malformed, Part } from "../grant/malformed";
import { readGrant } from "../grant/read";
import { HeaderMember, Jws, UNSUPPORTED_ALGORITHM } from "../jose/jws";
import { Fault } from "../text/fault";
import { Region } from "../text/region";
import { Writer } from "../text/writer";
import { writeClaims } from "./claims.gen";
import { writeMalformed } from "./malformed";
import { writeText } from "./shown";

/** More of an unknown name tells nobody more. */
const MAX_SHOWN_NAME: i32 = 64;
const writer = new Writer();

function signer(jws: Jws): void {
  writer.literal('"alg":');
  if (jws.algorithm == UNSUPPORTED_ALGORITHM) writer.literal("null");
  else writer.literal(jws.algorithm == Algorithm.Ed25519 ? '"Ed25519"' : '"ES256"');
  writer.literal(',"kid":');
  writeText(writer, jws.kid);
}

function describeGrant(grant: Grant, typ: string): void {
  writer.literal('{"typ":"');
  writer.literal(typ);
  writer.literal('",');
  signer(grant.request);
  writer.literal(',"claims":');
  writeClaims(writer, grant.claims);
  writer.literal(',"approvals":[');
  for (let i = 0; i < grant.approvalCount; i++) {
    writer.literal(i == 0 ? "{" : ",{");
    signer(grant.approval(i));
    writer.literal(',"iat":');
    writer.integer(grant.approval(i).iat);
    writer.byte(0x7d);
  }
  writer.literal("]}");
}

/** `{"error":"malformed","detail":...}`, with the name of an unknown member. */
function describeFault(malformed: Malformed): void {
  writer.literal('{"error":"malformed","detail":"');
  writeMalformed(writer, malformed);
  writer.byte(0x22);
  if (malformed.fault == Fault.Unknown) {
    writer.literal(',"name":');
    writer.string(malformed.namePtr, min(malformed.nameLen, MAX_SHOWN_NAME));
  }
  writer.byte(0x7d);
}

/** It says itself to be of another typ than was tried. */
function isOfAnotherTyp(malformed: Malformed): bool {
  return malformed.part == Part.Request && malformed.member == HeaderMember.Typ && malformed.fault == <i32>Fault.Value;
}

/**
 * Describes the ask or grant at (ptr, len), or says why it is malformed. Nothing is verified.
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
    if (readGrant(region, ptr, len, typ, grant)) describeGrant(grant, typ);
    else if (i == 0 && isOfAnotherTyp(grant.malformed)) continue;
    else describeFault(grant.malformed);
    break;
  }
  return writer.overflow ? 0 : writer.length;
}
