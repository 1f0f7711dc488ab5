/**
 * Grants with a stream open: what must be known of each to judge it again while its streams live. The cache cannot own that, as
 * its entries give way to other grants. All streams of one grant under one root context share one place; the place is free again
 * with the last of them.
 *
 * Places come ten in a granule of memory and are never given back. Requests allocate nothing: there are always some free places
 * ahead, which the beginning of a stream sees to (`prepareOpenGrants`).
 *
 *   place: | OpenGrant, 40 bytes | its grant as far as it is judged again (grant/standing.ts) |
 */
import { Verdict } from "../decide/verdict.gen";
import { Grant } from "../grant/grant";
import { copyStanding, STANDING_BYTES } from "../grant/standing";
import { Purpose, takeMemory } from "../heap";
import { MAX_OPEN_GRANTS } from "../limits";
import { Region } from "../text/region";
import { Anchors } from "../trust/trust";
import { Entry } from "./cache";

/** One grant under one root context. */
export class OpenGrant {
  /** Nobody has had it before: a cached grant knows by it whether this is still its own place. */
  stamp: u64 = 0;
  /** Live streams; 0 while the place is free. */
  streams: i32 = 0;
  /** Of the root context that let them in. */
  handle: u32 = 0;
  /** `Allow` while the grant stands. Else why its streams end, and no further stream joins them. */
  verdict: i32 = Verdict.Allow;
  grant: Grant = changetype<Grant>(0);
  /** The next free place. */
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
let stamps: u64 = 0;
const region = new Region();

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

function free(open: OpenGrant): void {
  open.streams = 0;
  open.stamp = 0;
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
    free(changetype<OpenGrant>(block + <usize>(i * PLACE_BYTES)));
  }
  return true;
}

/** Sees to it that there are free places, as far as there can be. Outside of requests: it may ask for memory. */
export function prepareOpenGrants(): void {
  while (freeCount < PLACES_AHEAD && addBlock()) {
    // A granule at a time.
  }
}

/** The entry's own place, where it has streams and stands; else NONE. */
function placeOf(entry: Entry): OpenGrant {
  if (entry.openStamp == 0) return NONE;
  const open = changetype<OpenGrant>(entry.open);
  return open.stamp == entry.openStamp && open.verdict == Verdict.Allow ? open : NONE;
}

/** Whether one more stream may open under the entry's grant. */
export function hasRoomUnder(entry: Entry): bool {
  return changetype<usize>(placeOf(entry)) != 0 || freeCount > 0;
}

/** One more stream under the entry's grant, which was let in. 0 where there is no room. */
export function joinOpenGrant(entry: Entry, handle: u32, anchors: Anchors): OpenGrant {
  const known = placeOf(entry);
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
  open.stamp = ++stamps;
  open.streams = 1;
  open.handle = handle;
  open.verdict = Verdict.Allow;
  open.grant = grant;
  entry.open = changetype<usize>(open);
  entry.openStamp = open.stamp;
  return open;
}

/** One stream less. */
export function leaveOpenGrant(open: OpenGrant): void {
  open.streams -= 1;
  if (open.streams <= 0) free(open);
}
