/**
 * Requests that are held back until a ledger has answered. A place is free again with its answer, or with its stream; an answer that
 * comes then is nobody's. Fixed memory.
 *
 *   place: | stream u32 (0: free) | token u32 | requester's key u64 | grant's bytes u64 | seq i64 | the record's SHA-256, 32 bytes |
 */
import { MAX_PENDING, MAX_PENDING_OF_REQUESTER } from "../limits";

/** What is known of such a request. */
export class Pending {
  stream: u32 = 0;
  token: u32 = 0;
  /** Of the requester (failures.ts). */
  key: u64 = 0;
  /** The grant's own bytes under the VM's secret: that it is the same grant when the request goes on. */
  grant: u64 = 0;
  /** Of the record that is pending, and its SHA-256. */
  seq: i64 = 0;
  hash: usize = 0;
}

const HEAD_BYTES: usize = 32;
const PLACE_BYTES: usize = 64;
const places: usize = memory.data(65536, 16); // MAX_PENDING x PLACE_BYTES
let count: i32 = 0;
/** No place from here on is taken. */
let end: i32 = 0;

function placeAt(index: i32): usize {
  return places + <usize>index * PLACE_BYTES;
}

function free(index: i32): void {
  store<u32>(placeAt(index), 0);
  count -= 1;
  while (end > 0 && load<u32>(placeAt(end - 1)) == 0) end -= 1;
}

export enum Room {
  Free,
  /** Nobody can be held back any more. */
  Full,
  /** This requester has his share. */
  Share,
}

/** Whether one more of that requester's may be held back. */
export function roomFor(key: u64): Room {
  if (count >= MAX_PENDING) return Room.Full;
  let held = 0;
  for (let i = 0; i < end; i++) {
    const place = placeAt(i);
    if (load<u32>(place) != 0 && load<u64>(place, 8) == key) held += 1;
  }
  return held < MAX_PENDING_OF_REQUESTER ? Room.Free : Room.Share;
}

/** Holds it back. There is room. */
export function addPending(pending: Pending): void {
  let index = 0;
  while (index < MAX_PENDING - 1 && load<u32>(placeAt(index)) != 0) index += 1;
  const place = placeAt(index);
  if (load<u32>(place) == 0) count += 1;
  end = max(end, index + 1);
  store<u32>(place, pending.stream);
  store<u32>(place, pending.token, 4);
  store<u64>(place, pending.key, 8);
  store<u64>(place, pending.grant, 16);
  store<i64>(place, pending.seq, 24);
  memory.copy(place + HEAD_BYTES, pending.hash, 32);
}

/** Takes out the one that waits for that answer. False where nobody does. @param into `hash` has room for 32 bytes */
export function takePending(token: u32, into: Pending): bool {
  for (let i = 0; i < end; i++) {
    const place = placeAt(i);
    if (load<u32>(place) == 0 || load<u32>(place, 4) != token) continue;
    into.stream = load<u32>(place);
    into.token = token;
    into.key = load<u64>(place, 8);
    into.grant = load<u64>(place, 16);
    into.seq = load<i64>(place, 24);
    memory.copy(into.hash, place + HEAD_BYTES, 32);
    free(i);
    return true;
  }
  return false;
}

/** A stream has ended, which may have been held back. */
export function forgetPending(stream: u32): void {
  for (let i = 0; count > 0 && i < end; i++) {
    if (load<u32>(placeAt(i)) != stream) continue;
    free(i);
    return;
  }
}
