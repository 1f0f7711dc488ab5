/**
 * The record that let a stream in, read back from the gateway when the stream is ended: who and what it was stands there and
 * nowhere else, as nothing of a request is kept. The text is our own, one line of JSON with every quote inside a string escaped, so
 * a comma and a quote with a member's name behind stand nowhere but at that member.
 *
 *   {"v":1, ... ,"jti":... ,"request_id":"...","bundle":8, ... ,"cached":false,"drill":"...", ...}
 *               |<------ of the request ----->|                            |<-- the rest -->|
 */
import { isLiteral } from "../text/bytes";

/** A part of the record, its first comma included. `len` 0: there is none. */
class Part {
  ptr: usize = 0;
  len: i32 = 0;
}

/** Grant and request: `jti` to `request_id`. */
export const ofRequest = new Part();
/** What stands behind `cached`. */
export const theRest = new Part();
/** The value of `request_id`, a JSON string. */
export const requestId = new Part();

/** Where the member begins, its comma, at or behind `from`; `len` when there is none. */
function find(ptr: usize, len: i32, from: i32, start: string): i32 {
  for (let i = from; i + start.length <= len; i++) {
    if (load<u8>(ptr + i) == 0x2c /* , */ && isLiteral(ptr + i, start.length, start)) return i;
  }
  return len;
}

function set(part: Part, ptr: usize, from: i32, end: i32): void {
  part.ptr = ptr + from;
  part.len = max(0, end - from);
}

/** There is no record to read. */
export function forgetFirstRecord(): void {
  requestId.len = 0;
}

/** Finds the parts of the line at `ptr`. False when it is none of a proven grant. */
export function readFirstRecord(ptr: usize, len: i32): bool {
  let end = 0;
  while (end < len && load<u8>(ptr + end) != 0x0a) end += 1;
  end -= 1; // Its closing brace.
  const grant = find(ptr, end, 0, ',"jti":');
  const request = find(ptr, end, grant, ',"request_id":');
  const trust = find(ptr, end, request, ',"bundle":');
  const cached = find(ptr, end, trust, ',"cached":');
  if (cached >= end) return false;
  set(ofRequest, ptr, grant, trust);
  set(requestId, ptr, request + 14, trust);
  // Past `true` or `false`.
  set(theRest, ptr, find(ptr, end, cached + 1, ',"'), end);
  return true;
}
