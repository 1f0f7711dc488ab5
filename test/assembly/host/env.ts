/** The host calls that the fixtures make. AssemblyScript takes the module name `env` from this file's name. */
export declare function proxy_log(level: i32, ptr: usize, len: i32): i32;
export declare function proxy_get_log_level(out: usize): i32;
export declare function proxy_get_status(outCode: usize, outPtr: usize, outLen: usize): i32;
export declare function proxy_get_current_time_nanoseconds(out: usize): i32;
export declare function proxy_set_tick_period_milliseconds(period: u32): i32;
export declare function proxy_get_property(path: usize, pathLen: i32, outPtr: usize, outLen: usize): i32;
export declare function proxy_set_property(path: usize, pathLen: i32, ptr: usize, len: i32): i32;
export declare function proxy_get_header_map_value(
  map: i32,
  name: usize,
  nameLen: i32,
  outPtr: usize,
  outLen: usize,
): i32;
export declare function proxy_add_header_map_value(map: i32, name: usize, nameLen: i32, ptr: usize, len: i32): i32;
export declare function proxy_replace_header_map_value(map: i32, name: usize, nameLen: i32, ptr: usize, len: i32): i32;
export declare function proxy_remove_header_map_value(map: i32, name: usize, nameLen: i32): i32;
export declare function proxy_get_header_map_pairs(map: i32, outPtr: usize, outLen: usize): i32;
export declare function proxy_set_header_map_pairs(map: i32, ptr: usize, len: i32): i32;
export declare function proxy_get_header_map_size(map: i32, out: usize): i32;
export declare function proxy_get_buffer_bytes(buffer: i32, start: i32, max: i32, outPtr: usize, outLen: usize): i32;
export declare function proxy_get_buffer_status(buffer: i32, outLen: usize, outFlags: usize): i32;
export declare function proxy_set_buffer_bytes(buffer: i32, start: i32, length: i32, ptr: usize, len: i32): i32;
export declare function proxy_send_local_response(
  status: i32,
  details: usize,
  detailsLen: i32,
  body: usize,
  bodyLen: i32,
  headers: usize,
  headersLen: i32,
  grpcStatus: i32,
): i32;
export declare function proxy_get_shared_data(
  key: usize,
  keyLen: i32,
  outPtr: usize,
  outLen: usize,
  outCas: usize,
): i32;
export declare function proxy_set_shared_data(key: usize, keyLen: i32, ptr: usize, len: i32, cas: u32): i32;
export declare function proxy_define_metric(kind: i32, name: usize, nameLen: i32, out: usize): i32;
export declare function proxy_increment_metric(id: u32, by: i64): i32;
export declare function proxy_record_metric(id: u32, value: u64): i32;
export declare function proxy_get_metric(id: u32, out: usize): i32;
export declare function proxy_set_effective_context(id: u32): i32;
export declare function proxy_done(): i32;
export declare function proxy_continue_stream(kind: i32): i32;
export declare function proxy_close_stream(kind: i32): i32;
export declare function proxy_call_foreign_function(
  name: usize,
  nameLen: i32,
  args: usize,
  argsLen: i32,
  outPtr: usize,
  outLen: usize,
): i32;
