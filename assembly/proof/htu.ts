/** `htu` of a proof: the URL that it was made for (RFC 9449, section 4.2). */
import { equalBytes, isLowerLiteral } from "../text/bytes";
import { sameHost } from "../text/host";

const SLASH: u8 = 0x2f;
const QUESTION: u8 = 0x3f;
const HASH: u8 = 0x23;
const AT: u8 = 0x40;

/** The bytes of `scheme://`, or 0 when it is none of four. TLS often ends before the gateway, so it is compared no further. */
function schemeLength(ptr: usize, len: i32): i32 {
  if (len >= 5 && isLowerLiteral(ptr, 5, "ws://")) return 5;
  if (len >= 6 && isLowerLiteral(ptr, 6, "wss://")) return 6;
  if (len >= 7 && isLowerLiteral(ptr, 7, "http://")) return 7;
  return len >= 8 && isLowerLiteral(ptr, 8, "https://") ? 8 : 0;
}

/** Where the path's end, the query or the fragment begins. */
function pathEnd(ptr: usize, len: i32, from: i32): i32 {
  for (let i = from; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c == QUESTION || c == HASH) return i;
  }
  return len;
}

/**
 * Whether (ptr, len) is the URL of that host and path: the host without case and default port, the path byte for byte, query and
 * fragment ignored. With a userinfo it is nobody's. An empty path is `/`, as every client sends it (RFC 9110, section 4.2.3).
 */
export function isUrlOf(ptr: usize, len: i32, hostPtr: usize, hostLen: i32, pathPtr: usize, pathLen: i32): bool {
  const start = schemeLength(ptr, len);
  if (start == 0) return false;
  const end = pathEnd(ptr, len, start);
  let slash = start;
  for (; slash < end; slash++) {
    const c = load<u8>(ptr + slash);
    if (c == AT) return false;
    if (c == SLASH) break;
  }
  if (!sameHost(ptr + start, slash - start, hostPtr, hostLen)) return false;
  if (slash == end) return pathLen == 1 && load<u8>(pathPtr) == SLASH;
  return equalBytes(ptr + slash, end - slash, pathPtr, pathLen);
}
