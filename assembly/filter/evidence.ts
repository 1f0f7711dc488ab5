/**
 * `{"payload","approvals":[...]}`: what was approved, with the approvers' signatures and without the requester's. It proves
 * the approvals to an auditor and opens nothing. Emitted on a grant's first acceptance in this VM.
 */
import { sha256 } from "../crypto/sha256";
import { Grant } from "../grant/grant";
import { Status, setFilterState } from "../host/calls";
import { MAX_GRANT_BYTES } from "../limits";
import { Writer } from "../text/writer";
import { EVIDENCE_STATE } from "./names";

const evidence: usize = memory.data(8704, 16); // MAX_GRANT_BYTES and JSON around it
const EVIDENCE_BYTES: i32 = MAX_GRANT_BYTES + 512;
const hash: usize = memory.data(32, 16);
const writer = new Writer();

/** Writes the evidence; returns its SHA-256 (32 bytes, until the next call). */
export function writeEvidence(grant: Grant): usize {
  const request = grant.request;
  writer.open(evidence, EVIDENCE_BYTES);
  writer.literal('{"payload":"');
  writer.bytes(request.bodyPtr, request.bodyLen);
  writer.literal('","approvals":[');
  // The approvals stand behind the request as sent: `~header..signature` each, base64url and dots only.
  let from = 0;
  while (from < grant.textLen && load<u8>(grant.textPtr + from) != 0x7e) from++;
  let isFirst = true;
  while (from < grant.textLen) {
    let end = from + 1;
    while (end < grant.textLen && load<u8>(grant.textPtr + end) != 0x7e) end++;
    writer.literal(isFirst ? '"' : ',"');
    writer.bytes(grant.textPtr + from + 1, end - from - 1);
    writer.byte(0x22);
    isFirst = false;
    from = end;
  }
  writer.literal("]}");
  sha256(evidence, writer.length, hash);
  return hash;
}

/** Hands what was written last to the gateway. */
export function setEvidence(): bool {
  return !writer.overflow && setFilterState(EVIDENCE_STATE, evidence, writer.length) == Status.Ok;
}
