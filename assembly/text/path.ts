/** Paths of requests. With a grant present, a path that two readers could read differently is refused before all else. */
import { hexValue, isDigit, isLower, isUpper } from "./bytes";
import { sequenceLength } from "./utf8";

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
function escapedByte(ptr: usize, left: i32): i32 {
  if (left < 3) return -1;
  const high = hexValue(load<u8>(ptr, 1));
  const low = hexValue(load<u8>(ptr, 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

/** ASCII whose escape some reader decodes into structure, or that needs none: controls, DEL, `/` `;` `\` `%` `?` `#`, unreserved. */
function isDangerous(c: u8): bool {
  if (c < 0x20 || c == 0x7f) return true;
  if (c == SLASH || c == SEMICOLON || c == BACKSLASH || c == PERCENT || c == QUESTION || c == HASH) return true;
  return isUnreserved(c);
}

/** One character, decoded: at most four bytes (RFC 3629). */
const decoded: usize = memory.data(4, 4);

/**
 * The length of the escaped character at (ptr, left): three bytes of path for each byte that it stands for. 0 when two
 * readers could disagree: the escape is broken, stands for a dangerous character, or is no UTF-8. A reader that takes bytes
 * that are no UTF-8 may find a slash in them (`%c0%af`), or another letter than the next reader does.
 */
export function escapedLength(ptr: usize, left: i32): i32 {
  let count = 0;
  for (; count < 4; count++) {
    const at = count * 3;
    if (at >= left || load<u8>(ptr + at) != PERCENT) break;
    const byte = escapedByte(ptr + at, left - at);
    if (byte < 0) break;
    store<u8>(decoded + count, <u8>byte);
  }
  const length = sequenceLength(decoded, count);
  return length == 1 && isDangerous(load<u8>(decoded)) ? 0 : length * 3;
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
      const length = escapedLength(ptr + i, end - i);
      if (length == 0) return true;
      i += length - 1;
    } else if (c <= 0x20 || c >= 0x7f || c == SEMICOLON || c == BACKSLASH || c == HASH) {
      return true;
    }
  }
  return isDotSegment(ptr + segment, end - segment);
}
