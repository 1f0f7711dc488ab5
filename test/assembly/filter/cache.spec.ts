/**
 * A cached grant is the very same bytes, whatever its hash says: hashes that collide are put into the cache's memory here. And it
 * has one entry, however it is spelt.
 */
import { sipHash } from "../../../assembly/crypto/siphash";
import { dropCached, Entry, keep, lookUp, provesSomethingNew } from "../../../assembly/filter/cache";
import { vmSecret } from "../../../assembly/filter/secret";
import { Jws } from "../../../assembly/jose/jws";
import { newText } from "../../../assembly/text/region";
import { bytesOf, lengthOf } from "../bytes";

const SERIAL: u32 = 7;
const LENGTH: i32 = 700;

const first = heap.alloc(LENGTH + 1);
const other = heap.alloc(LENGTH + 1);

/** Accepts these bytes under that root, as a request would that nobody has made before. */
function accept(serial: u32, ptr: usize, len: i32): Entry {
  const entry = lookUp(serial, ptr, len);
  expect(entry.isAccepted).toBe(false);
  const grant = entry.grant;
  grant.textPtr = entry.region.take(len);
  grant.textLen = len;
  memory.copy(grant.textPtr, ptr, len);
  // All of it is its payload: other bytes are another grant.
  grant.request.bodyPtr = grant.textPtr;
  grant.request.bodyLen = len;
  keep(entry);
  return entry;
}

function isFound(serial: u32, ptr: usize, len: i32): bool {
  return lookUp(serial, ptr, len).isAccepted;
}

function hashOf(ptr: usize, len: i32): u64 {
  return sipHash(vmSecret(), ptr, len);
}

for (let i = 0; i < LENGTH; i++) store<u8>(first + i, <u8>(i * 167 + 11));
store<u8>(first, 0x65, LENGTH);
const kept = accept(SERIAL, first, LENGTH);

describe("a cached grant", () => {
  it("is found by the same bytes under the same root", () => {
    expect(changetype<usize>(lookUp(SERIAL, first, LENGTH))).toBe(changetype<usize>(kept));
    expect(isFound(SERIAL + 1, first, LENGTH)).toBe(false);
    expect(isFound(0, first, LENGTH)).toBe(false);
  });
  it("is not found by other bytes, though their hash be the same", () => {
    const place = kept.hash;
    let wrong = 0;
    for (let position = 0; position < LENGTH; position++) {
      memory.copy(other, first, LENGTH);
      store<u8>(other + position, load<u8>(first + position) ^ 1);
      store<u64>(place, hashOf(other, LENGTH));
      if (isFound(SERIAL, other, LENGTH)) wrong += 1;
    }
    expect(wrong).toBe(0);
    // Without its own hash it is not found either: `place` is the right one.
    expect(isFound(SERIAL, first, LENGTH)).toBe(false);
    for (let len = LENGTH - 1; len <= LENGTH + 1; len++) {
      store<u64>(place, hashOf(first, len));
      expect(isFound(SERIAL, first, len)).toBe(len == LENGTH);
    }
    store<u64>(place, hashOf(first, LENGTH));
  });
  it("is found beside one of the same hash", () => {
    memory.copy(other, first, LENGTH);
    store<u8>(other, 0, LENGTH - 1);
    const second = accept(SERIAL, other, LENGTH);
    const place = second.hash;
    store<u64>(place, hashOf(first, LENGTH));
    expect(changetype<usize>(lookUp(SERIAL, first, LENGTH))).toBe(changetype<usize>(kept));
    store<u64>(place, hashOf(other, LENGTH));
    store<u64>(kept.hash, hashOf(other, LENGTH));
    expect(changetype<usize>(lookUp(SERIAL, other, LENGTH))).toBe(changetype<usize>(second));
    expect(isFound(SERIAL, first, LENGTH)).toBe(false);
  });
  it("ends with its root", () => {
    expect(isFound(SERIAL, other, LENGTH)).toBe(true);
    dropCached(SERIAL + 1);
    expect(isFound(SERIAL, other, LENGTH)).toBe(true);
    dropCached(SERIAL);
    expect(isFound(SERIAL, other, LENGTH)).toBe(false);
  });
});

/** Entries that can be accepted at one time. */
const ROOM: i32 = 64;

/** Looks up a grant of that payload, approved by each letter's key: as many spellings as there are orders of letters. */
function spell(serial: u32, payload: string, approvers: string): Entry {
  const text = `${payload}~${approvers}`;
  const entry = lookUp(serial, bytesOf(text), lengthOf(text));
  if (entry.isAccepted) return entry;
  const grant = entry.grant;
  const region = entry.region;
  grant.textPtr = region.take(lengthOf(text));
  grant.textLen = lengthOf(text);
  memory.copy(grant.textPtr, bytesOf(text), grant.textLen);
  grant.request.bodyPtr = grant.textPtr;
  grant.request.bodyLen = payload.length;
  for (let i = 0; i < approvers.length; i++) {
    const approval = changetype<Jws>(region.take(offsetof<Jws>()));
    const kid = bytesOf(`the key of ${approvers.charAt(i)}`);
    approval.kid = newText(region, kid, 12);
    approval.iat = 1_700_000_000;
    store<usize>(grant.approvals + <usize>i * sizeof<usize>(), changetype<usize>(approval));
  }
  grant.approvalCount = approvers.length;
  return entry;
}

/** Accepts it. Whether its evidence was due. */
function acceptSpelling(serial: u32, payload: string, approvers: string): bool {
  const entry = spell(serial, payload, approvers);
  const isDue = provesSomethingNew(entry);
  keep(entry);
  return isDue;
}

describe("a place", () => {
  it("is held by being accepted again, not by being looked for", () => {
    for (let i = 0; i < ROOM; i++) acceptSpelling(30, `grant ${i}`, "");
    expect(spell(30, "grant 0", "").isAccepted).toBe(true);
    keep(spell(30, "grant 1", ""));
    acceptSpelling(30, "new", "");
    expect(spell(30, "grant 0", "").isAccepted).toBe(false);
    expect(spell(30, "grant 1", "").isAccepted).toBe(true);
    dropCached(30);
  });
});

describe("a grant of many spellings", () => {
  it("has one entry: the last of them, and nobody else loses his", () => {
    for (let i = 0; i < ROOM - 1; i++) acceptSpelling(20, `other ${i}`, "a");
    const orders = ["abc", "acb", "bac", "bca", "cab", "cba", "ab", "bc", "c", "", "abcdefgh", "hgfedcba"];
    for (let i = 0; i < orders.length; i++) {
      acceptSpelling(20, "grant", orders[i]);
      expect(spell(20, "grant", orders[i]).isAccepted).toBe(true);
      if (i > 0) expect(spell(20, "grant", orders[i - 1]).isAccepted).toBe(false);
    }
    let lost = 0;
    for (let i = 0; i < ROOM - 1; i++) if (!spell(20, `other ${i}`, "a").isAccepted) lost += 1;
    expect(lost).toBe(0);
  });
  it("has evidence where it shows a further approver, and at first", () => {
    expect(acceptSpelling(21, "grant", "ab")).toBe(true);
    expect(acceptSpelling(21, "grant", "ba")).toBe(false);
    expect(acceptSpelling(21, "grant", "a")).toBe(false);
    expect(acceptSpelling(21, "grant", "")).toBe(false);
    expect(acceptSpelling(21, "grant", "ac")).toBe(true);
    expect(acceptSpelling(21, "grant", "cb")).toBe(false);
    expect(acceptSpelling(21, "grant", "abcd")).toBe(true);
    expect(acceptSpelling(21, "grant", "ab")).toBe(false);
    // Without approvers there is the request itself to show.
    expect(acceptSpelling(21, "alone", "")).toBe(true);
    expect(acceptSpelling(21, "alone", "a")).toBe(true);
  });
  it("is told apart by its payload and by its context", () => {
    expect(acceptSpelling(22, "payload", "ab")).toBe(true);
    expect(acceptSpelling(22, "payloae", "ab")).toBe(true);
    expect(acceptSpelling(22, "payload2", "ab")).toBe(true);
    expect(acceptSpelling(23, "payload", "ab")).toBe(true);
    expect(acceptSpelling(22, "payload", "ba")).toBe(false);
    dropCached(22);
    expect(acceptSpelling(22, "payload", "ba")).toBe(true);
    expect(acceptSpelling(23, "payload", "ba")).toBe(false);
  });
  it("shows nothing by being read, or kept again", () => {
    acceptSpelling(24, "grant", "ab");
    expect(provesSomethingNew(spell(24, "grant", "ab"))).toBe(false);
    expect(provesSomethingNew(spell(24, "grant", "ax"))).toBe(true);
    expect(provesSomethingNew(spell(24, "grant", "ax"))).toBe(true);
    keep(spell(24, "grant", "ab"));
    expect(acceptSpelling(24, "grant", "ax")).toBe(true);
  });
  it("of more approvers than are remembered goes on, the first shown forgotten first", () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij";
    for (let i = 0; i < 32; i += 8) expect(acceptSpelling(25, "grant", letters.substr(i, 8))).toBe(true);
    for (let i = 0; i < 32; i += 8) expect(acceptSpelling(25, "grant", letters.substr(i, 8))).toBe(false);
    expect(acceptSpelling(25, "grant", "ghij")).toBe(true);
    expect(acceptSpelling(25, "grant", "EFGHghij")).toBe(false);
    expect(acceptSpelling(25, "grant", "A")).toBe(true);
  });
});
