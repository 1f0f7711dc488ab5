/**
 * Path patterns: `/`-separated literals, `*` for exactly one non-empty segment, a final `**` for any remainder, as in
 * Envoy's URI template. What could be read in two ways is no pattern.
 */
import { MAX_PATTERN_BYTES } from "../limits";
import { escapedLength, isDotSegment, isUnreserved } from "./path";

const SLASH: u8 = 0x2f;
const STAR: u8 = 0x2a;

/** `pchar` without `%`, `*` and `;` (RFC 3986, section 3.3): what a literal may hold besides escapes. */
function isLiteralByte(c: u8): bool {
  if (isUnreserved(c)) return true;
  switch (c) {
    case 0x21: // !
    case 0x24: // $
    case 0x26: // &
    case 0x27: // '
    case 0x28: // (
    case 0x29: // )
    case 0x2b: // +
    case 0x2c: // ,
    case 0x3d: // =
    case 0x3a: // :
    case 0x40: // @
      return true;
    default:
      return false;
  }
}

function isLiteral(ptr: usize, len: i32): bool {
  if (isDotSegment(ptr, len)) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c == 0x25) {
      // An escape is compared byte for byte, so it must be one that a request may carry.
      const length = escapedLength(ptr + i, len - i);
      if (length == 0) return false;
      i += length - 1;
    } else if (!isLiteralByte(c)) {
      return false;
    }
  }
  return true;
}

function isStar(ptr: usize, len: i32): bool {
  return len == 1 && load<u8>(ptr) == STAR;
}

function isDoubleStar(ptr: usize, len: i32): bool {
  return len == 2 && load<u8>(ptr) == STAR && load<u8>(ptr, 1) == STAR;
}

/** The index of the next slash at or after `from`, or `len`. */
function segmentEnd(ptr: usize, len: i32, from: i32): i32 {
  for (let i = from; i < len; i++) if (load<u8>(ptr + i) == SLASH) return i;
  return len;
}

/** Whether (ptr, len) is a pattern. Only the last segment may be empty (`/a/` fits `/a/` alone). */
export function isPattern(ptr: usize, len: i32): bool {
  if (len < 1 || len > MAX_PATTERN_BYTES || load<u8>(ptr) != SLASH) return false;
  let from = 1;
  while (from <= len) {
    const end = segmentEnd(ptr, len, from);
    const segment = ptr + from;
    const segmentLen = end - from;
    const isLast = end == len;
    if (segmentLen == 0 && !isLast) return false;
    if (isDoubleStar(segment, segmentLen)) return isLast;
    if (!isStar(segment, segmentLen) && !isLiteral(segment, segmentLen)) return false;
    from = end + 1;
  }
  return true;
}

/** Whether the pattern fits the path (unambiguous, without its query). Segment by segment: no backtracking. */
export function patternMatches(pattern: usize, patternLen: i32, path: usize, pathLen: i32): bool {
  if (patternLen < 1 || pathLen < 1 || load<u8>(pattern) != SLASH || load<u8>(path) != SLASH) return false;
  let p = 1;
  let at = 1;
  while (p <= patternLen) {
    const pEnd = segmentEnd(pattern, patternLen, p);
    const pLen = pEnd - p;
    // `/a/**` fits `/a` too: the path may have ended one segment before.
    if (isDoubleStar(pattern + p, pLen)) return true;
    if (at > pathLen) return false;
    const end = segmentEnd(path, pathLen, at);
    const len = end - at;
    if (isStar(pattern + p, pLen)) {
      if (len == 0) return false;
    } else if (pLen != len || memory.compare(pattern + p, path + at, len) != 0) {
      return false;
    }
    p = pEnd + 1;
    at = end + 1;
  }
  return at > pathLen;
}
