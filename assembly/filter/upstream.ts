/**
 * The configuration's `upstream_header`: a credential that an allowed request carries to the upstream, where the gateway's own
 * authentication cannot be skipped. Only where the host needs it (host/gateway.ts); elsewhere the member is refused. Its value stands in
 * no record, reply, log line or property.
 */
import { Ascii } from "../host/ascii";
import { Status, setRequestHeader } from "../host/calls";
import { UPSTREAM_HEADERS } from "../host/gateway";
import { MAX_UPSTREAM_VALUE_BYTES } from "../limits";
import { isLiteral } from "../text/bytes";
import { isMember, Loading } from "../trust/loading";
import { isHeaderName } from "./headernames";
import { StripList } from "./strip";

/** Its name, and what it carries. `len` 0: there is none. */
export class UpstreamHeader extends Ascii {
  valuePtr: usize = 0;
  valueLen: i32 = 0;
}

/** What a configuration's settings have for it. */
export const UPSTREAM_BYTES: i32 = UPSTREAM_HEADERS * 16;

/** No proxy takes it for itself, and it is none of the filter's own. */
function isUsable(ptr: usize, len: i32): bool {
  if (!isHeaderName(ptr, len)) return false;
  if (isLiteral(ptr, len, "x-break-glass") || isLiteral(ptr, len, "x-break-glass-grant")) return false;
  if (isLiteral(ptr, len, "connection") || isLiteral(ptr, len, "upgrade") || isLiteral(ptr, len, "te")) return false;
  return !isLiteral(ptr, len, "content-length") && !isLiteral(ptr, len, "transfer-encoding");
}

/** Visible ASCII: nothing that would end the line, or be read as another value behind a comma's blank. */
function isCredential(ptr: usize, len: i32): bool {
  if (len < 1 || len > MAX_UPSTREAM_VALUE_BYTES) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c < 0x21 || c > 0x7e) return false;
  }
  return true;
}

function readName(loading: Loading, header: UpstreamHeader): void {
  const reader = loading.reader;
  if (!reader.string()) return;
  if (!isUsable(reader.stringPtr, reader.stringLen)) {
    loading.refuse("the name in upstream_header is no lower-case header name, or one that is not to be set");
    return;
  }
  header.ptr = loading.copy(reader.stringPtr, reader.stringLen);
  header.len = reader.stringLen;
}

function readValue(loading: Loading, header: UpstreamHeader): void {
  const reader = loading.reader;
  if (!reader.string()) return;
  if (!isCredential(reader.stringPtr, reader.stringLen)) {
    loading.refuse("the value in upstream_header is not 1 to 512 visible ASCII characters");
    return;
  }
  header.valuePtr = loading.copy(reader.stringPtr, reader.stringLen);
  header.valueLen = reader.stringLen;
}

/** Reads `{name, value}`. What is refused is not shown: it may be the credential, in the wrong place. */
export function readUpstreamHeader(loading: Loading, header: UpstreamHeader): void {
  const reader = loading.reader;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    if (isMember(reader, "name") && header.len == 0) readName(loading, header);
    else if (isMember(reader, "value") && header.valueLen == 0) readValue(loading, header);
    else loading.refuse("upstream_header has an unknown member, or one twice");
    if (!loading.good()) return;
  }
  if (reader.ok && (header.len == 0 || header.valueLen == 0))
    loading.refuse("upstream_header lacks one of name, value");
}

/** What a client sends under that name is stripped, and told apart from a second line of it. After `strip` and `keep` were read. */
export function stripUpstreamHeader(header: UpstreamHeader, strip: StripList): void {
  if (header.len > 0 && strip.indexOf(header.ptr, header.len) < 0) strip.add(header.ptr, header.len);
}

/** Sets it on an allowed request. False when the host did not take it. */
export function setUpstreamHeader(header: UpstreamHeader): bool {
  return header.len == 0 || setRequestHeader(header, header.valuePtr, header.valueLen) == Status.Ok;
}
