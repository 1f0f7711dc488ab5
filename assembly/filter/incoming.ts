/** What the filter needs of a request's headers, gathered in one walk. */
import { Request } from "../decide/request";
import { Malformed } from "../grant/malformed";
import { getProperty, getRequestHeaders, Slice, Status } from "../host/calls";
import { pathProperty, REACHES_ALL_LINES, requestIdProperty, SHOWS_AS_HTTP2 } from "../host/gateway";
import { HeaderWalk } from "../host/headers";
import { parseAddress } from "../text/address";
import { isLiteral } from "../text/bytes";
import { beginLines, noteLine, noteStripped, noteUri, takeHost } from "./lines";
import { SOURCE_ADDRESS } from "./names";
import { StripList } from "./strip";

/** Pointers into the arena: good until the callback returns. */
export class Incoming {
  request: Request = new Request();
  /** The path with its query. */
  targetPtr: usize = 0;
  targetLen: i32 = 0;
  grantHeaders: i32 = 0;
  grantPtr: usize = 0;
  grantLen: i32 = 0;
  /** How many headers `DPoP` there are, and the last of them. */
  proofHeaders: i32 = 0;
  proofPtr: usize = 0;
  proofLen: i32 = 0;
  requestIdPtr: usize = 0;
  requestIdLen: i32 = 0;
  /** The peer's address and port; `len` 0 when the gateway names none. Only after `readSource`. */
  source: Slice = new Slice();
  private isSourceRead: bool = false;
  hasAttestation: bool = false;
  /** Why the grant is malformed, where it is: in the grant's region. */
  malformed: Malformed = changetype<Malformed>(0);
  /** A bit per name of the strip list that the request carries. */
  toStrip: u64 = 0;

  clear(): void {
    const request = this.request;
    request.methodLen = 0;
    request.hostLen = 0;
    request.pathLen = 0;
    request.isUpgrade = false;
    request.clearHolder();
    this.targetPtr = 0;
    this.targetLen = 0;
    this.grantHeaders = 0;
    this.grantLen = 0;
    this.proofHeaders = 0;
    this.requestIdPtr = 0;
    this.requestIdLen = 0;
    this.hasAttestation = false;
    this.malformed = changetype<Malformed>(0);
    this.toStrip = 0;
    this.isSourceRead = false;
  }

  /** Asks the gateway where the request comes from, once a request. */
  readSource(): Slice {
    if (!this.isSourceRead && getProperty(SOURCE_ADDRESS, this.source) != Status.Ok) this.source.clear();
    this.isSourceRead = true;
    return this.source;
  }

  /** The client's address into `request.address`, as the gateway says it: 0 where that is none. */
  readAddress(): void {
    const source = this.readSource();
    this.request.address = parseAddress(source.ptr, source.len, address) ? address : 0;
  }
}

const address: usize = memory.data(16, 8); // ADDRESS_BYTES

const map = new Slice();
const walk = new HeaderWalk();

function take(incoming: Incoming): void {
  const ptr = walk.namePtr;
  const len = walk.nameLen;
  const request = incoming.request;
  if (isLiteral(ptr, len, ":path")) {
    incoming.targetPtr = walk.valuePtr;
    incoming.targetLen = walk.valueLen;
  } else if (isLiteral(ptr, len, ":method")) {
    request.methodPtr = walk.valuePtr;
    request.methodLen = walk.valueLen;
  } else if (isLiteral(ptr, len, ":authority")) {
    request.hostPtr = walk.valuePtr;
    request.hostLen = walk.valueLen;
  } else if (isLiteral(ptr, len, "x-break-glass")) {
    incoming.grantHeaders += 1;
    incoming.grantPtr = walk.valuePtr;
    incoming.grantLen = walk.valueLen;
  } else if (isLiteral(ptr, len, "dpop")) {
    incoming.proofHeaders += 1;
    incoming.proofPtr = walk.valuePtr;
    incoming.proofLen = walk.valueLen;
  } else if (isLiteral(ptr, len, "x-request-id")) {
    incoming.requestIdPtr = walk.valuePtr;
    incoming.requestIdLen = walk.valueLen;
  } else if (isLiteral(ptr, len, "x-break-glass-grant")) {
    incoming.hasAttestation = true;
  } else if (isLiteral(ptr, len, ":protocol") || isLiteral(ptr, len, "upgrade")) {
    request.isUpgrade = true;
  }
}

/** What such a host tells elsewhere: the path, with its query, as it was sent. False where it does not. */
function readElsewhere(incoming: Incoming): bool {
  takeHost(incoming.request);
  noteUri(incoming.targetPtr, incoming.targetLen);
  if (getProperty(requestIdProperty(), map) == Status.Ok && map.len > 0) {
    incoming.requestIdPtr = map.ptr;
    incoming.requestIdLen = map.len;
  }
  if (getProperty(pathProperty(), map) != Status.Ok) return false;
  incoming.targetPtr = map.ptr;
  incoming.targetLen = map.len;
  return true;
}

/** Reads all headers. False when the gateway did not hand them over whole. `strip` may be 0. */
export function readIncoming(incoming: Incoming, strip: StripList): bool {
  incoming.clear();
  if (!SHOWS_AS_HTTP2 && !beginLines()) return false;
  if (getRequestHeaders(map) != Status.Ok) return false;
  walk.start(map);
  while (walk.next()) {
    if (!SHOWS_AS_HTTP2) noteLine(walk);
    take(incoming);
    if (changetype<usize>(strip) == 0) continue;
    const index = strip.indexOf(walk.namePtr, walk.nameLen);
    if (!REACHES_ALL_LINES && index >= 0) noteStripped(((incoming.toStrip >> index) & 1) != 0);
    if (index >= 0) incoming.toStrip |= (<u64>1) << index;
  }
  if (!SHOWS_AS_HTTP2 && !readElsewhere(incoming)) return false;
  return walk.ok;
}
