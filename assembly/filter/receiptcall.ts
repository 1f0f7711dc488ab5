/**
 * The configuration's `receipt`, and the call that it describes: the lines of a pending record go to a ledger, which signs that it
 * holds them. Only where the host can hold a request back meanwhile (host/gateway.ts); elsewhere the member is refused.
 */
import { Ascii, ascii } from "../host/ascii";
import { callOut, Status, Token } from "../host/calls";
import { HeaderBuilder } from "../host/headers";
import { DEFAULT_RECEIPT_MS, MAX_CLUSTER_BYTES, MAX_HOST_BYTES, MAX_RECEIPT_PATH_BYTES } from "../limits";
import { Loading } from "../trust/loading";
import { RECEIPT_LACKS, REQUIRED_OF_RECEIPT, ReceiptMember, readReceiptTimeoutMs, receiptMember } from "./members.gen";

const METHOD = ascii(":method");
const POST = ascii("POST");
const PATH = ascii(":path");
const AUTHORITY = ascii(":authority");
const CONTENT_TYPE = ascii("content-type");
const JSON_LINES = ascii("application/x-ndjson");

/** Where it goes. It stands in a configuration's settings; `cluster` comes first, as its own fields do. */
export class ReceiptCall extends Ascii {
  pathPtr: usize = 0;
  pathLen: i32 = 0;
  authorityPtr: usize = 0;
  authorityLen: i32 = 0;
  timeoutMs: i32 = 0;
}

const headers = new HeaderBuilder();
const headerBytes: usize = memory.data(1024, 16); // two names, a path, what else is sent

export function newReceiptCall(loading: Loading): ReceiptCall {
  const call = changetype<ReceiptCall>(loading.region.take(offsetof<ReceiptCall>()));
  call.timeoutMs = <i32>DEFAULT_RECEIPT_MS;
  return call;
}

/** Visible ASCII, as it stands in a header. The string that was read last. */
function isVisible(loading: Loading, most: i32): bool {
  const ptr = loading.reader.stringPtr;
  const len = loading.reader.stringLen;
  if (len < 1 || len > most) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c < 0x21 || c > 0x7e) return false;
  }
  return true;
}

function readText(member: i32, loading: Loading, call: ReceiptCall): void {
  const reader = loading.reader;
  if (!reader.string()) return;
  const len = reader.stringLen;
  if (member == ReceiptMember.Cluster) {
    if (!isVisible(loading, MAX_CLUSTER_BYTES)) {
      loading.refuse("the cluster of receipt is not 1 to 255 visible ASCII characters");
      return;
    }
    call.ptr = loading.copy(reader.stringPtr, len);
    call.len = len;
  } else if (member == ReceiptMember.Authority) {
    if (!isVisible(loading, MAX_HOST_BYTES)) {
      loading.refuse("the authority of receipt is not 1 to 255 visible ASCII characters");
      return;
    }
    call.authorityPtr = loading.copy(reader.stringPtr, len);
    call.authorityLen = len;
  } else {
    if (!isVisible(loading, MAX_RECEIPT_PATH_BYTES) || load<u8>(reader.stringPtr) != 0x2f /* / */) {
      loading.refuse("the path of receipt does not begin with /, or is not 1 to 255 visible ASCII characters");
      return;
    }
    call.pathPtr = loading.copy(reader.stringPtr, len);
    call.pathLen = len;
  }
}

/** Reads `{cluster, path, authority?, timeout_ms?}`. Check `loading.good()`. */
export function readReceiptCall(loading: Loading, call: ReceiptCall): void {
  const reader = loading.reader;
  let seen = 0;
  if (!reader.openObject()) return;
  while (reader.nextMember()) {
    const member = receiptMember(reader.stringPtr, reader.stringLen);
    if (member == 0 || (seen & member) != 0) loading.refuse("receipt has an unknown member, or one twice");
    else if (member == ReceiptMember.TimeoutMs) call.timeoutMs = <i32>readReceiptTimeoutMs(loading);
    else readText(member, loading, call);
    if (!loading.good()) return;
    seen |= member;
  }
  if (reader.ok && (seen & REQUIRED_OF_RECEIPT) != REQUIRED_OF_RECEIPT) loading.refuse(RECEIPT_LACKS);
}

/** Sends the lines. False where the gateway cannot: no such cluster, nobody there, too many calls at once. */
export function askForReceipt(call: ReceiptCall, ptr: usize, len: i32, token: Token): bool {
  const hasAuthority = call.authorityLen > 0;
  headers.start();
  headers.add(METHOD.ptr, METHOD.len, POST.ptr, POST.len);
  headers.add(PATH.ptr, PATH.len, call.pathPtr, call.pathLen);
  headers.add(
    AUTHORITY.ptr,
    AUTHORITY.len,
    hasAuthority ? call.authorityPtr : call.ptr,
    hasAuthority ? call.authorityLen : call.len,
  );
  headers.add(CONTENT_TYPE.ptr, CONTENT_TYPE.len, JSON_LINES.ptr, JSON_LINES.len);
  const headersLen = headers.finish(headerBytes, 1024);
  return headersLen > 0 && callOut(call, headerBytes, headersLen, ptr, len, call.timeoutMs, token) == Status.Ok;
}
