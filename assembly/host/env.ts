/**
 * The Proxy-Wasm 0.2.1 host calls that the filter imports, and no others: each import is one more thing that a host must
 * offer with exactly this type, or the module does not load. AssemblyScript takes the module name `env` from this file's
 * name. All return a status (`Status` in calls.ts).
 */
export declare function proxy_log(level: i32, ptr: usize, len: i32): i32;
export declare function proxy_get_current_time_nanoseconds(out: usize): i32;
export declare function proxy_set_tick_period_milliseconds(milliseconds: i32): i32;
export declare function proxy_get_property(pathPtr: usize, pathLen: i32, outPtr: usize, outLen: usize): i32;
export declare function proxy_set_property(pathPtr: usize, pathLen: i32, ptr: usize, len: i32): i32;
export declare function proxy_get_header_map_value(
  map: i32,
  namePtr: usize,
  nameLen: i32,
  outPtr: usize,
  outLen: usize,
): i32;
export declare function proxy_get_header_map_pairs(map: i32, outPtr: usize, outLen: usize): i32;
export declare function proxy_replace_header_map_value(
  map: i32,
  namePtr: usize,
  nameLen: i32,
  ptr: usize,
  len: i32,
): i32;
export declare function proxy_remove_header_map_value(map: i32, namePtr: usize, nameLen: i32): i32;
export declare function proxy_get_buffer_bytes(buffer: i32, start: i32, max: i32, outPtr: usize, outLen: usize): i32;
export declare function proxy_send_local_response(
  status: i32,
  detailsPtr: usize,
  detailsLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
  headersPtr: usize,
  headersLen: i32,
  grpcStatus: i32,
): i32;
export declare function proxy_http_call(
  clusterPtr: usize,
  clusterLen: i32,
  headersPtr: usize,
  headersLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
  trailersPtr: usize,
  trailersLen: i32,
  timeoutMilliseconds: i32,
  outToken: usize,
): i32;
export declare function proxy_continue_stream(kind: i32): i32;
export declare function proxy_set_effective_context(id: u32): i32;
export declare function proxy_get_shared_data(
  keyPtr: usize,
  keyLen: i32,
  outPtr: usize,
  outLen: usize,
  outCas: usize,
): i32;
export declare function proxy_set_shared_data(keyPtr: usize, keyLen: i32, ptr: usize, len: i32, cas: u32): i32;
export declare function proxy_define_metric(kind: i32, namePtr: usize, nameLen: i32, outId: usize): i32;
export declare function proxy_increment_metric(id: u32, by: i64): i32;
export declare function proxy_record_metric(id: u32, value: u64): i32;
