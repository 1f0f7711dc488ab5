/**
 * `payload *( "~" approval )`: the grant as sent without the requester's header and signature. It proves to an auditor what was
 * approved and by whom, and opens nothing. Emitted on a grant's first acceptance in this VM. Base64url, dots and tildes only:
 * an access log writes it as it is, where JSON would have to be escaped byte by byte (docs/decisions.md).
 */
import { sha256 } from "../crypto/sha256";
import { Grant } from "../grant/grant";
import { Status, setFilterState } from "../host/calls";
import { EVIDENCE_STATE } from "./names";

const evidence: usize = memory.data(8192, 16); // MAX_GRANT_BYTES, and evidence is shorter than its grant
const hash: usize = memory.data(32, 16);
let length: i32 = 0;

/** Writes the evidence; returns its SHA-256 (32 bytes, until the next call). */
export function writeEvidence(grant: Grant): usize {
  const request = grant.request;
  const approvalsLen = grant.textLen - grant.requestLen;
  memory.copy(evidence, request.bodyPtr, request.bodyLen);
  memory.copy(evidence + request.bodyLen, grant.textPtr + grant.requestLen, approvalsLen);
  length = request.bodyLen + approvalsLen;
  sha256(evidence, length, hash);
  return hash;
}

/** Hands what was written last to the gateway. */
export function setEvidence(): bool {
  return setFilterState(EVIDENCE_STATE, evidence, length) == Status.Ok;
}
