/** The parsed form of a grant. Everything it points to lives in one region, so that a cached grant needs no parsing. */
import { Scope } from "../jose/details";
import { Jws } from "../jose/jws";
import { MAX_APPROVALS } from "../limits";
import { Region, Text, TextList } from "../text/region";

/** The claims of DESIGN.md, checked for type and bounds. Optional ones have `ptr` 0 when absent. */
export class Claims {
  jti: Text = changetype<Text>(0);
  sub: Text = changetype<Text>(0);
  aud: TextList = changetype<TextList>(0);
  /** Seconds since 1970, `issuedAt < expiresAt`. */
  issuedAt: i64 = 0;
  expiresAt: i64 = 0;
  entitlement: Text = changetype<Text>(0);
  reason: Text = changetype<Text>(0);
  text: Text = changetype<Text>(0);
  incident: Text = changetype<Text>(0);
  drill: Text = changetype<Text>(0);
  scope: Scope = changetype<Scope>(0);
}

/** A grant: the request, its claims, and the approvals in the order sent. */
export class Grant {
  /** The header value as sent, copied into the region: the cache compares these bytes. */
  textPtr: usize = 0;
  textLen: i32 = 0;
  /** Where the first approval's tilde stands, or `textLen`. */
  requestLen: i32 = 0;
  request: Jws = changetype<Jws>(0);
  claims: Claims = changetype<Claims>(0);
  approvalCount: i32 = 0;
  /** MAX_APPROVALS pointers to Jws. */
  approvals: usize = 0;
  /** SHA-256 of the payload segment as sent: 32 bytes. Only after `hashPayload`. */
  payloadHash: usize = 0;

  approval(index: i32): Jws {
    return changetype<Jws>(load<usize>(this.approvals + <usize>index * sizeof<usize>()));
  }
}

/** An empty grant in the region. */
export function newGrant(region: Region): Grant {
  const grant = changetype<Grant>(region.take(offsetof<Grant>()));
  grant.request = changetype<Jws>(region.take(offsetof<Jws>()));
  grant.claims = changetype<Claims>(region.take(offsetof<Claims>()));
  grant.approvals = region.take(MAX_APPROVALS * sizeof<usize>());
  grant.payloadHash = region.take(32);
  return grant;
}
