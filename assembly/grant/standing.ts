/**
 * A copy of a grant, as far as it is judged again while a stream is open under it: everything that does not depend on the request
 * (`judgeStanding`). Its scope, its text and its signatures are not in it: nobody could judge a request by it, nor verify it.
 */
import { Jws } from "../jose/jws";
import { MAX_APPROVALS } from "../limits";
import { newText, newTextList, Region, Text } from "../text/region";
import { Claims } from "./claims.gen";
import { Confirmation } from "./confirmation";
import { Grant } from "./grant";
import { Networks } from "./networks";

/**
 * What a copy takes at most: Grant 40, Claims 72, pointers to approvals 32; 8 signatures more than the request's, 40 + 8 + 48 each
 * (a kid that the roster knows has 43 bytes); seven names of 64 bytes with their Texts; the audience's list.
 */
export const STANDING_BYTES: i32 = 1592;

const NO_TEXT = changetype<Text>(0);

function copyBytes(region: Region, ptr: usize, len: i32): Text {
  if (!region.hasRoom(len)) {
    region.full = true;
    return NO_TEXT;
  }
  const to = region.take(len);
  memory.copy(to, ptr, len);
  return newText(region, to, len);
}

function copyText(region: Region, text: Text): Text {
  return changetype<usize>(text) == 0 ? NO_TEXT : copyBytes(region, text.ptr, text.len);
}

/** Whose signature it is, by which algorithm, and when: what it was over, and itself, stay behind. */
function copyJws(region: Region, jws: Jws): Jws {
  const copy = changetype<Jws>(region.take(offsetof<Jws>()));
  copy.algorithm = jws.algorithm;
  copy.iat = jws.iat;
  copy.kid = copyText(region, jws.kid);
  return copy;
}

/** A claim that is added to `Claims` and judged without the request must be added here (test/assembly/grant/standing.spec.ts). */
function copyClaims(region: Region, claims: Claims, audiencePtr: usize, audienceLen: i32): Claims {
  const copy = changetype<Claims>(region.take(offsetof<Claims>()));
  copy.sub = copyText(region, claims.sub);
  copy.entitlement = copyText(region, claims.entitlement);
  copy.reason = copyText(region, claims.reason);
  copy.incident = copyText(region, claims.incident);
  copy.drill = copyText(region, claims.drill);
  copy.jti = copyText(region, claims.jti);
  copy.issuedAt = claims.issuedAt;
  copy.expiresAt = claims.expiresAt;
  // Only that they are there, and that no network covers a whole family, is judged without the request.
  if (changetype<usize>(claims.confirmation) != 0) {
    copy.confirmation = changetype<Confirmation>(region.take(offsetof<Confirmation>()));
    copy.confirmation.method = claims.confirmation.method;
  }
  if (changetype<usize>(claims.networks) != 0) {
    copy.networks = changetype<Networks>(region.take(offsetof<Networks>()));
    copy.networks.hasWhole = claims.networks.hasWhole;
  }
  // Of all that it may name, the one that let it in: this gateway's, which stays the same under one root context.
  const audience = copyBytes(region, audiencePtr, audienceLen);
  copy.aud = newTextList(region);
  if (!region.full) copy.aud.push(region, audience.ptr, audience.len, 1);
  return copy;
}

/**
 * The copy stands in the region. Only good where that is not full afterwards.
 * @param audiencePtr the gateway's audience, which the grant names
 */
export function copyStanding(region: Region, grant: Grant, audiencePtr: usize, audienceLen: i32): Grant {
  const copy = changetype<Grant>(region.take(offsetof<Grant>()));
  copy.approvals = region.take(MAX_APPROVALS * sizeof<usize>());
  if (region.full) return copy;
  copy.request = copyJws(region, grant.request);
  copy.claims = copyClaims(region, grant.claims, audiencePtr, audienceLen);
  for (let i = 0; i < grant.approvalCount && !region.full; i++) {
    const approval = copyJws(region, grant.approval(i));
    store<usize>(copy.approvals + <usize>i * sizeof<usize>(), changetype<usize>(approval));
    copy.approvalCount += 1;
  }
  return copy;
}
