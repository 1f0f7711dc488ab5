/**
 * The gateway as typed, zero-copy calls. The only room that imports `env` and WASI. Answers are slices of the arena (arena.ts) and
 * live until the running callback returns.
 */
import { Ascii } from "./ascii";
import {
  proxy_continue_stream,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_get_property,
  proxy_get_shared_data,
  proxy_http_call,
  proxy_increment_metric,
  proxy_log,
  proxy_record_metric,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
  proxy_set_effective_context,
  proxy_set_property,
  proxy_set_shared_data,
  proxy_set_tick_period_milliseconds,
} from "./env";
import { HAS_METRICS, HAS_SHARED_DATA, REACHES_ALL_LINES } from "./gateway";
import { random_get } from "./wasi_snapshot_preview1";

/** Status codes of host calls (Proxy-Wasm 0.2.1). */
export enum Status {
  Ok = 0,
  NotFound = 1,
  BadArgument = 2,
  CasMismatch = 8,
}

export enum LogLevel {
  Info = 2,
  Warn = 3,
  Error = 4,
}

export enum MetricKind {
  Counter = 0,
  Gauge = 1,
}

const REQUEST_HEADERS: i32 = 0;
const CALL_ANSWER_HEADERS: i32 = 6;
const CALL_ANSWER_BODY: i32 = 4;
const PLUGIN_CONFIGURATION: i32 = 7;
/** A stream's way to the upstream. */
const REQUEST: i32 = 0;

/** An answer of the gateway. The host writes `ptr` and `len` itself; a call that fails leaves both 0. */
export class Slice {
  ptr: usize = 0;
  len: i32 = 0;
  /** Shared data only: the version to hand back when setting. */
  cas: u32 = 0;

  clear(): void {
    this.ptr = 0;
    this.len = 0;
    this.cas = 0;
  }

  /** Checked once per call: a host that answers Ok with nonsense is treated as one that failed, and nothing is read out of memory. */
  accept(status: i32): i32 {
    const isInMemory = this.len >= 0 && <u64>this.ptr + this.len <= (<u64>memory.size()) << 16;
    if (status == Status.Ok && isInMemory) return Status.Ok;
    this.clear();
    return status == Status.Ok ? Status.BadArgument : status;
  }
}

function ptrField(slice: Slice): usize {
  return changetype<usize>(slice) + offsetof<Slice>("ptr");
}
function lenField(slice: Slice): usize {
  return changetype<usize>(slice) + offsetof<Slice>("len");
}

const number: usize = memory.data(8, 8);

/** Wall clock in nanoseconds since 1970, or 0 when the host has none. */
export function now(): u64 {
  store<u64>(number, 0);
  return proxy_get_current_time_nanoseconds(number) == Status.Ok ? load<u64>(number) : 0;
}

/** Fills (ptr, len) with random bytes. False when the host has none to give: what stands there then means nothing. */
export function getRandom(ptr: usize, len: i32): bool {
  return random_get(ptr, <usize>len) == 0;
}

/** How often `on_tick` of the current root context comes; 0 for never. Only from a callback of that root: nginx traps else. */
export function setTickPeriod(milliseconds: i32): void {
  proxy_set_tick_period_milliseconds(milliseconds);
}

export function log(level: i32, ptr: usize, len: i32): void {
  proxy_log(level, ptr, len);
}

/** The first header of that name. A missing header is `NotFound`, an empty one is `Ok` with `len` 0. */
export function getRequestHeader(name: Ascii, out: Slice): i32 {
  out.clear();
  return out.accept(proxy_get_header_map_value(REQUEST_HEADERS, name.ptr, name.len, ptrField(out), lenField(out)));
}

/** All request headers, serialised (headers.ts reads them). */
export function getRequestHeaders(out: Slice): i32 {
  out.clear();
  return out.accept(proxy_get_header_map_pairs(REQUEST_HEADERS, ptrField(out), lenField(out)));
}

export function setRequestHeader(name: Ascii, ptr: usize, len: i32): i32 {
  return proxy_replace_header_map_value(REQUEST_HEADERS, name.ptr, name.len, ptr, len);
}

/** Removes every header of that name; where that does not reach the upstream, empties the first. */
export function removeRequestHeader(namePtr: usize, nameLen: i32): i32 {
  if (!REACHES_ALL_LINES) return proxy_replace_header_map_value(REQUEST_HEADERS, namePtr, nameLen, 0, 0);
  return proxy_remove_header_map_value(REQUEST_HEADERS, namePtr, nameLen);
}

/** A property whose path segments are joined by NUL (`source\0address`). */
export function getProperty(path: Ascii, out: Slice): i32 {
  out.clear();
  return out.accept(proxy_get_property(path.ptr, path.len, ptrField(out), lenField(out)));
}

/** Sets filter state `wasm.<key>`; the key is one segment. */
export function setFilterState(key: Ascii, ptr: usize, len: i32): i32 {
  return proxy_set_property(key.ptr, key.len, ptr, len);
}

/** Filter state `wasm.<key>` as it was set. */
export function getFilterState(key: Ascii, out: Slice): i32 {
  return getProperty(key, out);
}

/** All further calls of this callback are about that stream (or root context). Not `Ok`: the gateway knows none of that id. */
export function setEffectiveContext(id: u32): i32 {
  return proxy_set_effective_context(id);
}

/** The plugin configuration, at most `max` bytes of it. */
export function getConfiguration(max: i32, out: Slice): i32 {
  out.clear();
  return out.accept(proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, max, ptrField(out), lenField(out)));
}

/** Data shared by all VMs of one vm_id in this process. */
export function getShared(keyPtr: usize, keyLen: i32, out: Slice): i32 {
  out.clear();
  if (!HAS_SHARED_DATA) return Status.BadArgument;
  const casField = changetype<usize>(out) + offsetof<Slice>("cas");
  return out.accept(proxy_get_shared_data(keyPtr, keyLen, ptrField(out), lenField(out), casField));
}

/** `cas` 0 overwrites on Envoy; any other must be the version that was read, else `CasMismatch`. */
export function setShared(keyPtr: usize, keyLen: i32, ptr: usize, len: i32, cas: u32): i32 {
  if (!HAS_SHARED_DATA) return Status.BadArgument;
  return proxy_set_shared_data(keyPtr, keyLen, ptr, len, cas);
}

/** The id of a metric; the same name gives the same id. -1 when the host refuses. */
export function defineMetric(kind: i32, namePtr: usize, nameLen: i32): i32 {
  if (!HAS_METRICS) return -1;
  store<u32>(number, 0);
  return proxy_define_metric(kind, namePtr, nameLen, number) == Status.Ok ? load<i32>(number) : -1;
}

export function incrementMetric(id: i32, by: i64): void {
  if (HAS_METRICS && id >= 0) proxy_increment_metric(<u32>id, by);
}

export function recordMetric(id: i32, value: u64): void {
  if (HAS_METRICS && id >= 0) proxy_record_metric(<u32>id, value);
}

/** Answers the request here. `headers` are serialised pairs. */
export function sendLocalResponse(
  status: i32,
  detailsPtr: usize,
  detailsLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
  headersPtr: usize,
  headersLen: i32,
): i32 {
  // -1: no gRPC status of ours; the host derives one from the HTTP status for gRPC requests.
  return proxy_send_local_response(status, detailsPtr, detailsLen, bodyPtr, bodyLen, headersPtr, headersLen, -1);
}

/** What a call that was sent is known by, when its answer comes. */
export class Token {
  value: u32 = 0;
}

/**
 * Sends a POST to a cluster of the gateway's; `headers` are serialised pairs. The answer comes to the root context's
 * `on_http_call_response`, a time-out as well. Not `Ok`: nothing was sent, and no answer comes.
 */
export function callOut(
  cluster: Ascii,
  headersPtr: usize,
  headersLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
  timeoutMilliseconds: i32,
  out: Token,
): i32 {
  const field = changetype<usize>(out) + offsetof<Token>("value");
  return proxy_http_call(
    cluster.ptr,
    cluster.len,
    headersPtr,
    headersLen,
    bodyPtr,
    bodyLen,
    0,
    0,
    timeoutMilliseconds,
    field,
  );
}

/** A header of the answer to a call. Only while it is handed over, and not with a stream as effective context. */
export function getAnswerHeader(name: Ascii, out: Slice): i32 {
  out.clear();
  return out.accept(proxy_get_header_map_value(CALL_ANSWER_HEADERS, name.ptr, name.len, ptrField(out), lenField(out)));
}

/** At most `max` bytes of the answer's body, likewise. */
export function getAnswerBody(max: i32, out: Slice): i32 {
  out.clear();
  return out.accept(proxy_get_buffer_bytes(CALL_ANSWER_BODY, 0, max, ptrField(out), lenField(out)));
}

/** The request that was held back goes on. Only with its stream as effective context. */
export function continueRequest(): void {
  proxy_continue_stream(REQUEST);
}
