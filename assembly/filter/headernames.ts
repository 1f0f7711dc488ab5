/** The lists of header names in the plugin configuration: `strip` and `keep`. */
import { MAX_STRIP } from "../limits";
import { isLiteral } from "../text/bytes";
import { TextList } from "../text/region";
import { Loading } from "../trust/loading";
import { StripList } from "./strip";

/** A header name in lower case: no pseudo header, not `host`. */
export function isHeaderName(ptr: usize, len: i32): bool {
  if (len < 1 || len > 64 || isLiteral(ptr, len, "host")) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    const good = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c == 0x2d || c == 0x5f;
    if (!good) return false;
  }
  return true;
}

/** Reads one name of an array of header names; false at its end, or when it is refused. */
function readHeaderName(loading: Loading): bool {
  const reader = loading.reader;
  if (!reader.nextElement() || !reader.string()) return false;
  if (isHeaderName(reader.stringPtr, reader.stringLen)) return true;
  return loading.refuse("strip or keep holds what is no lower-case header name", reader.stringPtr, reader.stringLen);
}

export function readStrip(loading: Loading, strip: StripList): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  for (let count = 1; readHeaderName(loading); count++) {
    if (count > MAX_STRIP) loading.refuse("strip holds more than 32 names");
    if (!loading.good()) return;
    strip.add(loading.copy(reader.stringPtr, reader.stringLen), reader.stringLen);
  }
}

export function readKeep(loading: Loading, kept: TextList): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (readHeaderName(loading)) {
    if (!kept.push(loading.region, reader.stringPtr, reader.stringLen, MAX_STRIP)) {
      loading.refuse("keep holds more than 32 names");
    }
    if (!loading.good()) return;
  }
}

/** A trusted proxy in front may set a header that would otherwise be stripped; nobody in front vouches for a credential. */
export function applyKeep(loading: Loading, kept: TextList, strip: StripList): bool {
  for (let i = 0; i < kept.count; i++) {
    const name = kept.at(i);
    if (isLiteral(name.ptr, name.len, "authorization") || isLiteral(name.ptr, name.len, "dpop")) {
      return loading.refuse("keep holds a credential, which no request may carry on", name.ptr, name.len);
    }
    if (!strip.keep(name.ptr, name.len)) {
      return loading.refuse("keep holds a header that is not stripped anyway", name.ptr, name.len);
    }
    if (strip.indexOf(name.ptr, name.len) >= 0) {
      return loading.refuse("keep and strip name the same header", name.ptr, name.len);
    }
  }
  return true;
}
