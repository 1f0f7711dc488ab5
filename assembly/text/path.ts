/** Paths of requests. With a grant present, a path that two readers could read differently is refused before all else. */
import { hexValue, isDigit, isLower, isUpper } from "./bytes";

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;
const PERCENT: u8 = 0x25;
const QUESTION: u8 = 0x3f;
const HASH: u8 = 0x23;
const SEMICOLON: u8 = 0x3b;
const BACKSLASH: u8 = 0x5c;

/** Bytes before the query. */
export function pathLength(ptr: usize, len: i32): i32 {
  for (let i = 0; i < len; i++) if (load<u8>(ptr + i) == QUESTION) return i;
  return len;
}

/** `ALPHA / DIGIT / "-" / "." / "_" / "~"` (RFC 3986, section 2.3). */
export function isUnreserved(c: u8): bool {
  return isLower(c) || isUpper(c) || isDigit(c) || c == 0x2d || c == DOT || c == 0x5f || c == 0x7e;
}

/** The byte that the escape at (ptr, left) stands for, or -1 when it is broken. */
export function escapedByte(ptr: usize, left: i32): i32 {
  if (left < 3) return -1;
  const high = hexValue(load<u8>(ptr, 1));
  const low = hexValue(load<u8>(ptr, 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

/** Escapes that some reader decodes into structure, or that need no escape: controls, DEL, `.` `/` `;` `\` `%`, unreserved. */
export function isDangerousEscape(byte: i32): bool {
  if (byte < 0x20 || byte == 0x7f) return true;
  const c = <u8>byte;
  if (c == SLASH || c == SEMICOLON || c == BACKSLASH || c == PERCENT) return true;
  return byte < 0x80 && isUnreserved(c);
}

/** Whether the segment of `len` bytes is `.` or `..`. */
export function isDotSegment(ptr: usize, len: i32): bool {
  if (len == 1) return load<u8>(ptr) == DOT;
  return len == 2 && load<u8>(ptr) == DOT && load<u8>(ptr, 1) == DOT;
}

/** Judges a whole `:path`: the part before the query by the list in docs/grant-format.md, "Ambiguous paths", and `#` anywhere. */
export function isAmbiguous(ptr: usize, len: i32): bool {
  if (len < 1 || load<u8>(ptr) != SLASH) return true;
  const end = pathLength(ptr, len);
  for (let i = end; i < len; i++) if (load<u8>(ptr + i) == HASH) return true;
  let segment = 1;
  for (let i = 1; i < end; i++) {
    const c = load<u8>(ptr + i);
    if (c == SLASH) {
      // An empty segment is `//`.
      if (i == segment || isDotSegment(ptr + segment, i - segment)) return true;
      segment = i + 1;
    } else if (c == PERCENT) {
      if (isDangerousEscape(escapedByte(ptr + i, end - i))) return true;
      i += 2;
    } else if (c <= 0x20 || c >= 0x7f || c == SEMICOLON || c == BACKSLASH || c == HASH) {
      return true;
    }
  }
  return isDotSegment(ptr + segment, end - segment);
}
