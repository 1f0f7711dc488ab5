/**
 * Proxy-Wasm 0.2.1 as Envoy checks it: the numbers on the wire, and the types of every import and export. A signature is
 * written `ii>i`: parameters, `>`, results; `i` is i32, `I` is i64.
 */

/** What a host call answers. */
export enum Status {
  Ok = 0,
  NotFound = 1,
  BadArgument = 2,
  SerializationFailure = 3,
  ParseFailure = 4,
  InvalidMemoryAccess = 6,
  Empty = 7,
  CasMismatch = 8,
  InternalFailure = 10,
  Unimplemented = 12,
}

export enum HeaderMapKind {
  Request = 0,
  RequestTrailers = 1,
  Response = 2,
  ResponseTrailers = 3,
  HttpCallResponse = 6,
  Max = 7,
}

export enum BufferKind {
  RequestBody = 0,
  ResponseBody = 1,
  HttpCallResponseBody = 4,
  VmConfiguration = 6,
  PluginConfiguration = 7,
  Max = 8,
}

export enum StreamKind {
  Request = 0,
  Response = 1,
  Downstream = 2,
  Upstream = 3,
}

export enum MetricKind {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything that Envoy offers under the module name `env` to a 0.2.1 module. */
export const IMPORTS: ReadonlyMap<string, string> = new Map([
  ["proxy_log", "iii>i"],
  ["proxy_get_log_level", "i>i"],
  ["proxy_get_status", "iii>i"],
  ["proxy_set_property", "iiii>i"],
  ["proxy_get_property", "iiii>i"],
  ["proxy_send_local_response", "iiiiiiii>i"],
  ["proxy_get_shared_data", "iiiii>i"],
  ["proxy_set_shared_data", "iiiii>i"],
  ["proxy_register_shared_queue", "iii>i"],
  ["proxy_resolve_shared_queue", "iiiii>i"],
  ["proxy_dequeue_shared_queue", "iii>i"],
  ["proxy_enqueue_shared_queue", "iii>i"],
  ["proxy_get_header_map_value", "iiiii>i"],
  ["proxy_add_header_map_value", "iiiii>i"],
  ["proxy_replace_header_map_value", "iiiii>i"],
  ["proxy_remove_header_map_value", "iii>i"],
  ["proxy_get_header_map_pairs", "iii>i"],
  ["proxy_set_header_map_pairs", "iii>i"],
  ["proxy_get_header_map_size", "ii>i"],
  ["proxy_get_buffer_status", "iii>i"],
  ["proxy_get_buffer_bytes", "iiiii>i"],
  ["proxy_set_buffer_bytes", "iiiii>i"],
  ["proxy_http_call", "iiiiiiiiii>i"],
  ["proxy_grpc_call", "iiiiiiiiiiii>i"],
  ["proxy_grpc_stream", "iiiiiiiii>i"],
  ["proxy_grpc_close", "i>i"],
  ["proxy_grpc_cancel", "i>i"],
  ["proxy_grpc_send", "iiii>i"],
  ["proxy_set_tick_period_milliseconds", "i>i"],
  ["proxy_get_current_time_nanoseconds", "i>i"],
  ["proxy_define_metric", "iiii>i"],
  ["proxy_increment_metric", "iI>i"],
  ["proxy_record_metric", "iI>i"],
  ["proxy_get_metric", "ii>i"],
  ["proxy_set_effective_context", "i>i"],
  ["proxy_done", ">i"],
  ["proxy_call_foreign_function", "iiiiii>i"],
  ["proxy_continue_stream", "i>i"],
  ["proxy_close_stream", "i>i"],
  ["envoy_resolve_dns", "iii>i"],
  ["pthread_equal", "ii>i"],
  ["emscripten_notify_memory_growth", "i>"],
]);

/** What is offered of WASI. Envoy and Kong have more, of which the filter uses nothing. */
export const WASI_IMPORTS: ReadonlyMap<string, string> = new Map([["random_get", "ii>i"]]);
export const WASI = "wasi_snapshot_preview1";

/** Errnos of WASI: an address outside memory, and an argument that is not taken. */
export const EFAULT = 21;
export const EINVAL = 28;

/** Exports that Envoy calls when they are there. One of another type refuses the module. */
export const CALLBACKS: ReadonlyMap<string, string> = new Map([
  ["_initialize", ">"],
  ["_start", ">"],
  ["main", "ii>i"],
  ["__main_void", ">i"],
  ["malloc", "i>i"],
  ["proxy_on_memory_allocate", "i>i"],
  ["proxy_validate_configuration", "ii>i"],
  ["proxy_on_vm_start", "ii>i"],
  ["proxy_on_configure", "ii>i"],
  ["proxy_on_tick", "i>"],
  ["proxy_on_context_create", "ii>"],
  ["proxy_on_new_connection", "i>i"],
  ["proxy_on_downstream_data", "iii>i"],
  ["proxy_on_upstream_data", "iii>i"],
  ["proxy_on_downstream_connection_close", "ii>"],
  ["proxy_on_upstream_connection_close", "ii>"],
  ["proxy_on_request_headers", "iii>i"],
  ["proxy_on_request_body", "iii>i"],
  ["proxy_on_request_trailers", "ii>i"],
  ["proxy_on_request_metadata", "ii>i"],
  ["proxy_on_response_headers", "iii>i"],
  ["proxy_on_response_body", "iii>i"],
  ["proxy_on_response_trailers", "ii>i"],
  ["proxy_on_response_metadata", "ii>i"],
  ["proxy_on_http_call_response", "iiiii>"],
  ["proxy_on_grpc_receive", "iii>"],
  ["proxy_on_grpc_close", "iii>"],
  ["proxy_on_grpc_receive_initial_metadata", "iii>"],
  ["proxy_on_grpc_receive_trailing_metadata", "iii>"],
  ["proxy_on_queue_ready", "ii>"],
  ["proxy_on_foreign_function", "iii>"],
  ["proxy_on_done", "i>i"],
  ["proxy_on_log", "i>"],
  ["proxy_on_delete", "i>"],
]);

/** Exports of a filter that a gateway would call and this host does not: it drives requests as far as their headers. */
export const NOT_DRIVEN: readonly string[] = [
  "proxy_on_request_body",
  "proxy_on_request_trailers",
  "proxy_on_response_headers",
  "proxy_on_response_body",
  "proxy_on_response_trailers",
];
