/**
 * `payload *( "~" approval )`: the grant as sent without the requester's header and signature. It proves to an auditor what was
 * approved and by whom, and opens nothing. Logged on a grant's first acceptance in this VM, and again where it shows a further
 * approver, with the record that has its hash.
 */
import { Sha256 } from "../crypto/sha256";
import { Grant } from "../grant/grant";
import { Writer } from "../text/writer";

const evidence: usize = memory.data(8192, 16); // MAX_GRANT_BYTES, and evidence is shorter than its grant
/** Its SHA-256, 32 bytes, until the next one is taken. */
export const evidenceHash: usize = memory.data(32, 16);
const hash = new Sha256();
let length: i32 = 0;

/** Takes the grant's evidence and hashes it. It begins with the payload, so one pass gives `grant_sha256` as well. */
export function takeEvidence(grant: Grant): void {
  const request = grant.request;
  const approvalsLen = grant.textLen - grant.requestLen;
  memory.copy(evidence, request.bodyPtr, request.bodyLen);
  memory.copy(evidence + request.bodyLen, grant.textPtr + grant.requestLen, approvalsLen);
  length = request.bodyLen + approvalsLen;
  hash.reset();
  hash.update(evidence, request.bodyLen);
  hash.peek(grant.payloadHash);
  hash.update(evidence + request.bodyLen, approvalsLen);
  hash.finish(evidenceHash);
}

/** Writes what was taken last as a line of its own: base64url, dots and tildes need no escapes. */
export function writeEvidence(writer: Writer): void {
  writer.literal('{"evidence":"');
  writer.bytes(evidence, length);
  writer.literal('"}\n');
}
