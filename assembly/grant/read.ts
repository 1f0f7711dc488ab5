/** Reads a grant's text: `request *( "~" approval )` (docs/grant-format.md). Structure only: nothing is verified here. */
import { sha256 } from "../crypto/sha256";
import { decodedLength, HeaderShape, indexOf, Jws, readJws } from "../jose/jws";
import { MAX_APPROVALS, MAX_GRANT_BYTES } from "../limits";
import { decode } from "../text/base64url";
import { Fault } from "../text/fault";
import { JsonReader } from "../text/json";
import { Region } from "../text/region";
import { readClaims } from "./claims";
import { Grant } from "./grant";
import { Part } from "./malformed";

const TILDE: u8 = 0x7e;

/**
 * What one grant's region needs at most: the text, everything decoded (3/4 of it), and the structs. The most structs a byte
 * of JSON can cause are list entries, 8 bytes for `"a",`, under 16 * (16 + 16 + 32) of them.
 */
export const GRANT_REGION_BYTES: i32 = 28 * 1024;

const reader = new JsonReader();

function readApprovals(region: Region, ptr: usize, len: i32, from: i32, grant: Grant): bool {
  let at = from;
  while (at < len) {
    // `at` is a tilde
    grant.malformed.approval = grant.approvalCount + 1;
    if (grant.approvalCount >= MAX_APPROVALS) return grant.malformed.say(Part.Grant, Fault.TooManyApprovals);
    const end = indexOf(ptr, len, TILDE, at + 1);
    const approval = changetype<Jws>(region.take(offsetof<Jws>()));
    if (!readJws(reader, region, ptr + at + 1, end - at - 1, "bg-approval+jws", HeaderShape.WithIat, true, approval)) {
      return grant.malformed.note(Part.Approval, reader);
    }
    approval.bodyPtr = grant.request.bodyPtr;
    approval.bodyLen = grant.request.bodyLen;
    store<usize>(grant.approvals + <usize>grant.approvalCount * sizeof<usize>(), changetype<usize>(approval));
    grant.approvalCount += 1;
    at = end;
  }
  return true;
}

/**
 * Reads `len` bytes at `ptr`, copied into the region first, so that the parsed form owns them.
 * @param typ what the request's header must say: `bg+jwt`; the command also reads `bg-ask+jwt`
 * @returns false when anything is malformed, which `grant.malformed` tells. `grant.request.kid` may then be set: the record of
 *   the denial names it.
 */
export function readGrant(region: Region, ptr: usize, len: i32, typ: string, grant: Grant): bool {
  const malformed = grant.malformed;
  if (region.full) return false; // Not even room for the grant's own structs: `malformed` may be anybody's.
  if (len < 1) return malformed.say(Part.Grant, Fault.Empty);
  if (len > MAX_GRANT_BYTES) return malformed.say(Part.Grant, Fault.TooLarge);
  const text = region.take(len);
  if (region.full) return malformed.say(Part.Grant, Fault.TooLarge);
  memory.copy(text, ptr, len);
  grant.textPtr = text;
  grant.textLen = len;

  const requestLen = indexOf(text, len, TILDE, 0);
  grant.requestLen = requestLen;
  const request = grant.request;
  if (!readJws(reader, region, text, requestLen, typ, HeaderShape.Plain, false, request)) {
    return malformed.note(Part.Request, reader);
  }

  const payloadLen = decodedLength(request.bodyLen);
  if (!region.hasRoom(payloadLen)) return malformed.say(Part.Payload, Fault.TooLarge);
  const payload = region.take(payloadLen);
  if (decode(request.bodyPtr, request.bodyLen, payload) != payloadLen) {
    return malformed.say(Part.Payload, Fault.Encoding);
  }
  if (!readClaims(reader, region, payload, payloadLen, grant.claims)) return malformed.note(Part.Payload, reader);
  if (!readApprovals(region, text, len, requestLen, grant)) return false;
  return !region.full || malformed.say(Part.Grant, Fault.TooLarge);
}

/** `grant_sha256`, for the records of a grant whose requester's signature holds. A forged one is not worth it; evidence has it anyway. */
export function hashPayload(grant: Grant): void {
  sha256(grant.request.bodyPtr, grant.request.bodyLen, grant.payloadHash);
}
