/** What is kept of a grant whose streams are open: all that is judged without the request, and a new claim is not forgotten. */
import { Claims } from "../../../assembly/grant/claims.gen";
import { Confirmation } from "../../../assembly/grant/confirmation";
import { Grant, newGrant } from "../../../assembly/grant/grant";
import { Networks } from "../../../assembly/grant/networks";
import { copyStanding, STANDING_BYTES } from "../../../assembly/grant/standing";
import { Jws } from "../../../assembly/jose/jws";
import { newText, newTextList, Region, Text, TextList } from "../../../assembly/text/region";

const MAX_APPROVALS: i32 = 8;
const NAME: i32 = 64;
const KID: i32 = 43;
const source = new Region();
source.open(heap.alloc(32768), 32768);
const place = heap.alloc(STANDING_BYTES);
let audience = changetype<Text>(0);

let letter: u8 = 0x61;
function text(len: i32): Text {
  const at = source.take(len);
  memory.fill(at, letter++, len);
  return newText(source, at, len);
}

function signature(iat: i64): Jws {
  const jws = changetype<Jws>(source.take(offsetof<Jws>()));
  jws.algorithm = 1;
  jws.iat = iat;
  jws.kid = text(KID);
  jws.signature = source.take(64);
  return jws;
}

/** A grant with everything that it may have, each as long as it may be. */
function largest(): Grant {
  const grant = newGrant(source);
  grant.request = signature(0);
  const claims = grant.claims;
  claims.sub = text(NAME);
  claims.entitlement = text(NAME);
  claims.reason = text(NAME);
  claims.incident = text(NAME);
  claims.drill = text(NAME);
  claims.jti = text(NAME);
  claims.issuedAt = 1000;
  claims.expiresAt = 2000;
  claims.aud = newTextList(source);
  claims.confirmation = changetype<Confirmation>(source.take(offsetof<Confirmation>()));
  claims.confirmation.method = 2;
  claims.networks = changetype<Networks>(source.take(offsetof<Networks>()));
  claims.networks.hasWhole = true;
  grant.approvalCount = MAX_APPROVALS;
  for (let i = 0; i < MAX_APPROVALS; i++) {
    store<usize>(grant.approvals + <usize>i * sizeof<usize>(), changetype<usize>(signature(1100 + i)));
  }
  audience = text(NAME);
  return grant;
}

function isInPlace(ptr: usize, len: i32): bool {
  return ptr >= place && ptr + len <= place + STANDING_BYTES;
}

/** 0 where both are the same and stand in different memory. */
function differs(copy: Text, own: Text): i32 {
  if (copy.len != own.len || memory.compare(copy.ptr, own.ptr, own.len) != 0) return 1;
  return isInPlace(copy.ptr, copy.len) ? 0 : 1;
}

describe("the copy of a grant", () => {
  it("has room for the largest, and shares nothing with it", () => {
    const grant = largest();
    const region = new Region();
    region.open(place, STANDING_BYTES);
    const copy = copyStanding(region, grant, audience.ptr, audience.len);
    expect(region.full).toBe(false);
    const claims = copy.claims;
    let wrong = differs(copy.request.kid, grant.request.kid);
    wrong += differs(claims.sub, grant.claims.sub) + differs(claims.entitlement, grant.claims.entitlement);
    wrong += differs(claims.reason, grant.claims.reason) + differs(claims.incident, grant.claims.incident);
    wrong += differs(claims.drill, grant.claims.drill) + differs(claims.jti, grant.claims.jti);
    expect(wrong).toBe(0);
    expect(claims.issuedAt).toBe(1000);
    expect(claims.expiresAt).toBe(2000);
    expect(claims.aud.count).toBe(1);
    expect(claims.aud.at(0).len).toBe(NAME);
    expect(claims.confirmation.method).toBe(2);
    expect(claims.networks.hasWhole).toBe(true);
    expect(isInPlace(changetype<usize>(claims.aud), offsetof<TextList>())).toBe(true);
    expect(isInPlace(changetype<usize>(claims.confirmation), offsetof<Confirmation>())).toBe(true);
    expect(isInPlace(changetype<usize>(claims.networks), offsetof<Networks>())).toBe(true);
    expect(isInPlace(copy.approvals, MAX_APPROVALS * sizeof<usize>())).toBe(true);
    expect(copy.approvalCount).toBe(MAX_APPROVALS);
    for (let i = 0; i < MAX_APPROVALS; i++) {
      wrong += differs(copy.approval(i).kid, grant.approval(i).kid);
      if (copy.approval(i).iat != 1100 + i || copy.approval(i).algorithm != 1) wrong += 1;
      if (copy.approval(i).signature != 0) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(changetype<usize>(claims.scope)).toBe(0);
    // What the request's signature was over stays behind, and so does the signature.
    const request = copy.request;
    expect(request.headPtr == 0 && request.bodyPtr == 0 && request.signature == 0).toBe(true);
    expect(request.headLen == 0 && request.bodyLen == 0).toBe(true);
  });

  it("is bound to nothing, and to no network, where the grant is not", () => {
    const grant = largest();
    grant.claims.confirmation = changetype<Confirmation>(0);
    grant.claims.networks = changetype<Networks>(0);
    const region = new Region();
    region.open(place, STANDING_BYTES);
    const claims = copyStanding(region, grant, audience.ptr, audience.len).claims;
    expect(changetype<usize>(claims.confirmation)).toBe(0);
    expect(changetype<usize>(claims.networks)).toBe(0);
  });

  it("is full where it has no room, and nobody is harmed", () => {
    const grant = largest();
    const region = new Region();
    region.open(place, STANDING_BYTES);
    copyStanding(region, grant, audience.ptr, audience.len);
    const needed = <i32>(region.used() - place);
    let roomy = 0;
    for (let bytes = 0; bytes < needed; bytes += 8) {
      region.open(place, bytes);
      copyStanding(region, grant, audience.ptr, audience.len);
      if (!region.full) roomy += 1;
    }
    expect(roomy).toBe(0);
  });

  it("knows every member of Claims: whoever adds one decides in standing.ts whether open streams are judged by it", () => {
    // sub, entitlement, reason, incident, drill, aud, issuedAt, expiresAt, jti, scope, confirmation, networks, text
    expect(offsetof<Claims>()).toBe(6 * 4 + 2 * 8 + 5 * 4);
  });
});
