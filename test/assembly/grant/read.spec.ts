/** A grant that its memory has no room for is refused, whichever part of it does not fit: it is never half a grant. */
import { Grant, newGrant } from "../../../assembly/grant/grant";
import { Part } from "../../../assembly/grant/malformed";
import { readGrant } from "../../../assembly/grant/read";
import { Region } from "../../../assembly/text/region";
import { bytesOf, lengthOf } from "../bytes";

/** `{"alg":"ES256","kid":"k","typ":"bg+jwt"}`, and the shortest claims that there can be. */
const HEADER = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJiZytqd3QifQ";
const CLAIMS =
  "eyJzdWIiOiJhIiwiZW50IjoiYSIsInJlYXNvbiI6ImEiLCJhdWQiOiJhIiwiaWF0IjoxLCJleHAiOjIsImp0aSI6IjAxMjM0NTY3ODlhYmNkZWYiLCJhdXRob3JpemF0aW9uX2RldGFpbHMiOlt7InR5cGUiOiJicmVha19nbGFzc19odHRwIiwibG9jYXRpb25zIjpbImEiXSwiYWN0aW9ucyI6WyJBIl0sInBhdGhzIjpbIi8iXX1dLCJ0ZXh0IjoiYSJ9";
/** `{"alg":"ES256","kid":"k","typ":"bg-approval+jws","iat":1}` */
const APPROVAL = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJiZy1hcHByb3ZhbCtqd3MiLCJpYXQiOjF9";
const SIGNATURE = "A".repeat(86);
const REQUEST = `${HEADER}.${CLAIMS}.${SIGNATURE}`;

const ROOM: i32 = 2048;
const place = heap.alloc(ROOM);
const region = new Region();
let grant = changetype<Grant>(0);

function isRead(text: string, bytes: i32): bool {
  region.open(place, bytes);
  grant = newGrant(region);
  return readGrant(region, bytesOf(text), lengthOf(text), "bg+jwt", grant);
}

function needed(text: string): i32 {
  expect(isRead(text, ROOM)).toBe(true);
  return <i32>(region.used() - place);
}

/** What its own structs take. */
function empty(): i32 {
  region.open(place, ROOM);
  newGrant(region);
  return <i32>(region.used() - place);
}

describe("a grant in too little memory", () => {
  it("is none", () => {
    const whole = `${REQUEST}~${APPROVAL}..${SIGNATURE}`;
    const all = needed(whole);
    let wrong = 0;
    for (let bytes = 0; bytes < all; bytes += 8) if (isRead(whole, bytes)) wrong += 1;
    expect(wrong).toBe(0);
    expect(isRead(whole, all)).toBe(true);
    expect(grant.approvalCount).toBe(1);
  });

  it("says which part is too large: the grant, its request, the payload as a whole, and then a claim", () => {
    const all = needed(REQUEST);
    const first = empty();
    const text = (lengthOf(REQUEST) + 7) & ~7;
    let wrong = 0;
    let last: i32 = Part.Grant;
    for (let bytes = first; bytes < all; bytes += 8) {
      isRead(REQUEST, bytes);
      const malformed = grant.malformed;
      if (bytes < first + text && malformed.part != <i32>Part.Grant) wrong += 1;
      if (malformed.part < last) wrong += 1;
      if (malformed.part == <i32>Part.Payload && last != <i32>Part.Payload && malformed.member != 0) wrong += 1;
      last = malformed.part;
    }
    expect(wrong).toBe(0);
    expect(last).toBe(Part.Payload);
    expect(grant.malformed.member).not.toBe(0);
  });

  it("has no approval where it has none", () => {
    expect(isRead(REQUEST, ROOM)).toBe(true);
    expect(grant.approvalCount).toBe(0);
    expect(isRead(`~${REQUEST}`, ROOM)).toBe(false);
  });
});
