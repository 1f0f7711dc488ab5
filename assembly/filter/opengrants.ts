/**
 * Grants with a stream open: what must be known of each to judge it again while its streams live. The cache cannot own that, as
 * its entries give way to other grants and other spellings. All streams of one grant under one root context share one place, with
 * the same approvals in whatever order and spelling; the place is free again with the last of them.
 *
 * A requester holds a share of the places and no more: who may ask alone could else open as many grants as there are places, and
 * nobody's grant would open on this worker.
 *
 * Places come ten in a granule of memory and are never given back. Requests allocate nothing: there are always some free places
 * ahead, which the beginning of a stream sees to (`prepareOpenGrants`).
 *
 *   place: | OpenGrant, 40 bytes | its grant as far as it is judged again (grant/standing.ts) |
 */
import { sipHash } from "../crypto/siphash";
import { Verdict } from "../decide/verdict.gen";
import { Grant } from "../grant/grant";
import { copyStanding, STANDING_BYTES } from "../grant/standing";
import { Purpose, takeMemory } from "../heap";
import { Jws } from "../jose/jws";
import { MAX_OPEN_GRANTS, MAX_OPEN_GRANTS_OF_REQUESTER } from "../limits";
import { Region, Text } from "../text/region";
import { Anchors } from "../trust/trust";
import { Entry } from "./cache";
import { vmSecret } from "./secret";

/** One grant under one root context. */
export class OpenGrant {
  /** What it is found by (`standingOf`). */
  standing: u64 = 0;
  /** Live streams; 0 while the place is free. */
  streams: i32 = 0;
  /** Of the root context that let them in. */
  handle: u32 = 0;
  /** `Allow` while the grant stands. Else why its streams end, and no further stream joins them. */
  verdict: i32 = Verdict.Allow;
  grant: Grant = changetype<Grant>(0);
  /** The next free place or, while this is taken, the next of those that are found in one list. */
  next: usize = 0;
}

const NONE = changetype<OpenGrant>(0);
const HEAD_BYTES: usize = 40;
const PLACE_BYTES: i32 = 1632; // HEAD_BYTES + STANDING_BYTES
const PLACES_A_BLOCK: i32 = 10;
const BLOCK_BYTES: i32 = 16384; // of which PLACES_A_BLOCK x PLACE_BYTES are used
const MAX_BLOCKS: i32 = MAX_OPEN_GRANTS / PLACES_A_BLOCK;
/** More than the streams that begin before the first of them is judged: behind a filter that holds requests back. */
const PLACES_AHEAD: i32 = 64;

const blocks: StaticArray<usize> = new StaticArray<usize>(MAX_BLOCKS);
let blockCount: i32 = 0;
let firstFree: usize = 0;
let freeCount: i32 = 0;
const region = new Region();

/** The first taken place of each list, or 0. */
const LISTS: u64 = 4096;
const lists: usize = memory.data(16384, 16); // LISTS x u32
/**
 * How many places each requester holds. Two that meet in one counter share it: one pair in four thousand, and nobody can choose
 * it without the VM's secret.
 */
const COUNTERS: u64 = 4096;
const counters: usize = memory.data(8192, 16); // COUNTERS x u16
/** A kid that the roster knows, and when it signed. */
const KID_BYTES: i32 = 43;
const signed: usize = memory.data(56, 8);
/** No approval was signed at that time. */
const NEVER: i64 = -1;

function numberOf(jws: Jws, at: i64): u64 {
  memory.fill(signed, 0, 56);
  memory.copy(signed, jws.kid.ptr, min(jws.kid.len, KID_BYTES));
  store<i64>(signed, at, 48);
  return sipHash(vmSecret(), signed, 56);
}

/**
 * A number for the grant as it is judged again: for its payload, and for who signed it when, in whatever order. Two grants of one
 * number cannot be found without the VM's secret. Only of a grant that stands.
 */
function standingOf(entry: Entry): u64 {
  if (entry.standing != 0) return entry.standing;
  const grant = entry.grant;
  const request = grant.request;
  let standing = sipHash(vmSecret(), request.bodyPtr, request.bodyLen) + numberOf(request, NEVER);
  for (let i = 0; i < grant.approvalCount; i++) standing += numberOf(grant.approval(i), grant.approval(i).iat);
  entry.standing = max<u64>(1, standing);
  return entry.standing;
}

function listOf(standing: u64): usize {
  return lists + ((<usize>(standing % LISTS)) << 2);
}

function counterOf(sub: Text): usize {
  return counters + ((<usize>(sipHash(vmSecret(), sub.ptr, sub.len) % COUNTERS)) << 1);
}

/** How many grants have a stream open in this VM. */
export function openGrantCount(): i32 {
  return openGrantPlaces() - freeCount;
}

/** How many places there are to look at (`openGrantAt`). */
export function openGrantPlaces(): i32 {
  return blockCount * PLACES_A_BLOCK;
}

/** The grant in that place. It may be a free one, without streams. */
export function openGrantAt(index: i32): OpenGrant {
  const block = unchecked(blocks[index / PLACES_A_BLOCK]);
  return changetype<OpenGrant>(block + <usize>((index % PLACES_A_BLOCK) * PLACE_BYTES));
}

function putAside(open: OpenGrant): void {
  open.streams = 0;
  open.next = firstFree;
  firstFree = changetype<usize>(open);
  freeCount += 1;
}

function addBlock(): bool {
  if (blockCount >= MAX_BLOCKS) return false;
  const block = takeMemory(BLOCK_BYTES, Purpose.OpenGrants);
  if (block == 0) return false;
  unchecked((blocks[blockCount] = block));
  blockCount += 1;
  for (let i = PLACES_A_BLOCK - 1; i >= 0; i--) {
    putAside(changetype<OpenGrant>(block + <usize>(i * PLACE_BYTES)));
  }
  return true;
}

/** Sees to it that there are free places, as far as there can be. Outside of requests: it may ask for memory. */
export function prepareOpenGrants(): void {
  while (freeCount < PLACES_AHEAD && addBlock()) {
    // A granule at a time.
  }
}

/** The place of the entry's grant under that root context, where it has streams and stands; else NONE. */
function placeOf(entry: Entry, handle: u32): OpenGrant {
  const standing = standingOf(entry);
  let open = changetype<OpenGrant>(<usize>load<u32>(listOf(standing)));
  while (changetype<usize>(open) != 0) {
    if (open.standing == standing && open.handle == handle && open.verdict == Verdict.Allow) return open;
    open = changetype<OpenGrant>(open.next);
  }
  return NONE;
}

/** Whether one more stream may open under the entry's grant, which stands: `Allow`, or why not. */
export function roomUnder(entry: Entry, handle: u32): i32 {
  if (changetype<usize>(placeOf(entry, handle)) != 0) return Verdict.Allow;
  if (freeCount == 0) return Verdict.NoTrust;
  const held: i32 = load<u16>(counterOf(entry.grant.claims.sub));
  return held < MAX_OPEN_GRANTS_OF_REQUESTER ? Verdict.Allow : Verdict.Busy;
}

/** One more stream under the entry's grant, which was let in. 0 where there is no room. */
export function joinOpenGrant(entry: Entry, handle: u32, anchors: Anchors): OpenGrant {
  const known = placeOf(entry, handle);
  if (changetype<usize>(known) != 0) {
    known.streams += 1;
    return known;
  }
  if (freeCount == 0) return NONE;
  const open = changetype<OpenGrant>(firstFree);
  region.open(changetype<usize>(open) + HEAD_BYTES, STANDING_BYTES);
  const grant = copyStanding(region, entry.grant, anchors.audiencePtr, anchors.audienceLen);
  if (region.full) return NONE;
  firstFree = open.next;
  freeCount -= 1;
  open.standing = entry.standing;
  open.streams = 1;
  open.handle = handle;
  open.verdict = Verdict.Allow;
  open.grant = grant;
  const list = listOf(open.standing);
  open.next = load<u32>(list);
  store<u32>(list, <u32>changetype<usize>(open));
  const counter = counterOf(grant.claims.sub);
  store<u16>(counter, load<u16>(counter) + 1);
  return open;
}

/** Takes the place out of its list. */
function unlink(open: OpenGrant): void {
  const list = listOf(open.standing);
  let before = changetype<OpenGrant>(<usize>load<u32>(list));
  if (changetype<usize>(before) == changetype<usize>(open)) {
    store<u32>(list, <u32>open.next);
    return;
  }
  while (changetype<usize>(before) != 0 && before.next != changetype<usize>(open)) {
    before = changetype<OpenGrant>(before.next);
  }
  if (changetype<usize>(before) != 0) before.next = open.next;
}

/** One stream less. */
export function leaveOpenGrant(open: OpenGrant): void {
  open.streams -= 1;
  if (open.streams > 0) return;
  const counter = counterOf(open.grant.claims.sub);
  store<u16>(counter, load<u16>(counter) - 1);
  unlink(open);
  putAside(open);
}
