/**
 * Requests on a host that shows them as they came and not as HTTP/2 has them (host/gateway.ts): names in the client's case, each line for
 * itself, the host in the header of that name, and of too many headers only the first. Hot path, as incoming.ts.
 */

import { Request } from "../decide/request";
import { MAX_HEADERS } from "../host/gateway";
import { HeaderWalk } from "../host/headers";
import { hexValue, isLiteral, isUpper } from "../text/bytes";

/** How many headers the request has, as the gateway says before any is read. */
let headerCount: u32 = 0;
let hosts: i32 = 0;
let hostPtr: usize = 0;
let hostLen: i32 = 0;
let uriPtr: usize = 0;
let uriLen: i32 = 0;
let attestations: i32 = 0;
let isStrippedTwice: bool = false;

/** First of all of a request. */
export function noteHeaderCount(count: u32): void {
  headerCount = count;
}

/** Before the first header. False where the host does not hand all of them over. */
export function beginLines(): bool {
  hosts = 0;
  hostLen = 0;
  attestations = 0;
  isStrippedTwice = false;
  return headerCount <= MAX_HEADERS;
}

/** In the gateway's answer, which is ours. */
function lower(ptr: usize, len: i32): void {
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (isUpper(c)) store<u8>(ptr + i, c + 0x20);
  }
}

/** A header, before anybody compares its name. */
export function noteLine(line: HeaderWalk): void {
  lower(line.namePtr, line.nameLen);
  if (isLiteral(line.namePtr, line.nameLen, "host")) {
    hosts += 1;
    hostPtr = line.valuePtr;
    hostLen = line.valueLen;
  } else if (isLiteral(line.namePtr, line.nameLen, "x-break-glass-grant")) {
    attestations += 1;
  }
}

/** A header that is to be stripped. @param isKnown an earlier line had its name */
export function noteStripped(isKnown: bool): void {
  if (isKnown) isStrippedTwice = true;
}

/** The host that the client named, if any. Two are a repeated line. */
export function takeHost(request: Request): void {
  request.hostPtr = hostPtr;
  request.hostLen = hostLen;
}

/** The path as the gateway's own modules see it: decoded. */
export function noteUri(ptr: usize, len: i32): void {
  uriPtr = ptr;
  uriLen = len;
}

/** Whether that is what was sent: else a plugin has put another in its place. @param len without the query; the path is unambiguous */
export function isOwnUri(ptr: usize, len: i32): bool {
  let at = 0;
  for (let i = 0; i < len; i++) {
    let c: i32 = load<u8>(ptr + i);
    if (c == 0x25 /* % */) {
      c = (hexValue(load<u8>(ptr + i, 1)) << 4) | hexValue(load<u8>(ptr + i, 2));
      i += 2;
    }
    if (at >= uriLen || <i32>load<u8>(uriPtr + at) != c) return false;
    at += 1;
  }
  return at == uriLen || load<u8>(uriPtr + at) == 0x3f /* ? */;
}

/** It names two hosts, or has further lines of a header that is removed or replaced, which the host would leave as they are. */
export function hasRepeatedLine(): bool {
  return hosts > 1 || attestations > 1 || isStrippedTwice;
}
