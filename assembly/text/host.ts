/** `host[:port]` of grants, entitlements and requests. */
import { MAX_HOST_BYTES } from "../limits";
import { hexValue, isDigit, isLower, isUpper } from "./bytes";

const COLON: u8 = 0x3a;
const OPEN_BRACKET: u8 = 0x5b;
const CLOSE_BRACKET: u8 = 0x5d;

/** 1 to 65535 in digits, without leading zero. */
function isPort(ptr: usize, len: i32): bool {
  if (len < 1 || len > 5 || load<u8>(ptr) == 0x30) return false;
  let port = 0;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (!isDigit(c)) return false;
    port = port * 10 + (c - 0x30);
  }
  return port <= 65535;
}

/** Where the host ends and `:port` begins, or `len`: behind the bracket of an IPv6 literal, else at the only colon. */
function hostEnd(ptr: usize, len: i32): i32 {
  let from = 0;
  if (len > 0 && load<u8>(ptr) == OPEN_BRACKET) {
    while (from < len && load<u8>(ptr + from) != CLOSE_BRACKET) from++;
  }
  for (let i = from; i < len; i++) if (load<u8>(ptr + i) == COLON) return i;
  return len;
}

function isNameByte(c: u8): bool {
  return isLower(c) || isDigit(c) || c == 0x2e || c == 0x2d || c == 0x5f; // . - _
}

/** A lower-case name or a bracketed IPv6 literal, with an optional port. */
export function isHost(ptr: usize, len: i32): bool {
  if (len < 1 || len > MAX_HOST_BYTES) return false;
  const end = hostEnd(ptr, len);
  if (end < len && !isPort(ptr + end + 1, len - end - 1)) return false;
  if (end < 1) return false;
  if (load<u8>(ptr) == OPEN_BRACKET) {
    if (end < 4 || load<u8>(ptr + end - 1) != CLOSE_BRACKET) return false;
    for (let i = 1; i < end - 1; i++) {
      const c = load<u8>(ptr + i);
      if (isUpper(c) || (hexValue(c) < 0 && c != COLON && c != 0x2e)) return false;
    }
    return true;
  }
  for (let i = 0; i < end; i++) if (!isNameByte(load<u8>(ptr + i))) return false;
  return true;
}

/** The length without a default port. */
function withoutDefaultPort(ptr: usize, len: i32): i32 {
  const end = hostEnd(ptr, len);
  if (len - end == 3 && load<u8>(ptr + end, 1) == 0x38 && load<u8>(ptr + end, 2) == 0x30) return end; // :80
  if (
    len - end == 4 &&
    load<u8>(ptr + end, 1) == 0x34 &&
    load<u8>(ptr + end, 2) == 0x34 &&
    load<u8>(ptr + end, 3) == 0x33
  ) {
    return end; // :443
  }
  return len;
}

function lower(c: u8): u8 {
  return isUpper(c) ? c + 0x20 : c;
}

/** The same host and port: without case, a default port (80, 443) counting as none on either side. */
export function sameHost(aPtr: usize, aLen: i32, bPtr: usize, bLen: i32): bool {
  const aEnd = withoutDefaultPort(aPtr, aLen);
  const bEnd = withoutDefaultPort(bPtr, bLen);
  if (aEnd != bEnd || aEnd == 0) return false;
  for (let i = 0; i < aEnd; i++) if (lower(load<u8>(aPtr + i)) != lower(load<u8>(bPtr + i))) return false;
  return true;
}
