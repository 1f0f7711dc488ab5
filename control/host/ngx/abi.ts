/**
 * Proxy-Wasm as ngx_wasm_module takes it, at the commit that Kong 3.9 pins: what a module may import, and what it must export.
 * Where something differs from Envoy, docs/gateways/kong-differences.md says so and names the test.
 */
import { IMPORTS as ENVOY_IMPORTS } from "../abi.js";
import type { LoadingRules } from "../program.js";

/** Known to Envoy and not to this host: a module that imports one of them does not load. */
const ABSENT: ReadonlySet<string> = new Set([
  "proxy_get_header_map_size",
  "proxy_get_buffer_status",
  "envoy_resolve_dns",
  "pthread_equal",
  "emscripten_notify_memory_growth",
]);

const present = [...ENVOY_IMPORTS].filter(([name]) => !ABSENT.has(name));
export const IMPORTS: ReadonlyMap<string, string> = new Map([...present, ["proxy_get_log_level", "ii>i"]]);

/** They may be imported, and a call of any of them is a trap. */
export const NOT_IMPLEMENTED: readonly string[] = [
  "proxy_get_log_level",
  "proxy_get_status",
  "proxy_done",
  "proxy_close_stream",
  "proxy_grpc_call",
  "proxy_grpc_stream",
  "proxy_grpc_send",
  "proxy_grpc_close",
  "proxy_grpc_cancel",
  "proxy_resolve_shared_queue",
];

const DIES = "the worker dies by SIGSEGV, and so does each that takes its place";
const PASSES = "no chain is attached, and requests pass unjudged";

export const NGX_RULES: LoadingRules = {
  imports: IMPORTS,
  offered: "nginx offers",
  absent: "nginx does not offer: it attaches no chain then, and requests pass unjudged",
  mandatory: new Map([
    ["proxy_on_context_create", PASSES],
    ["proxy_on_vm_start", PASSES],
    ["proxy_on_configure", PASSES],
    ["proxy_on_request_headers", DIES],
    ["proxy_on_request_body", DIES],
    ["proxy_on_response_headers", DIES],
    ["proxy_on_response_body", DIES],
    ["proxy_on_done", DIES],
    ["proxy_on_log", DIES],
    ["proxy_on_delete", DIES],
  ]),
};

/** What a filter may answer to `on_request_headers`. At every other number the connection is closed; below 0 the worker dies. */
export enum Action {
  Continue = 0,
  /** Without a reply the request hangs until its client goes. */
  Pause = 1,
  /** Lets the request pass. */
  Done = 3,
}

/** Pseudo-headers included, pairs beyond this many are left out without a word. */
export const MAX_PAIRS = 100;
