/**
 * What Kong does for the filter (ngx_wasm_module, as of Kong 3.4 to 3.9), and by which names: the counterpart of host/envoy.ts, which
 * says what each constant means. docs/decisions.md, "Kong profile", has the reasons.
 */
import { Ascii, ascii } from "./ascii";

/** They cannot be had once a worker: each instance that takes a trapped one's place would add a timer. */
export const HAS_TICKS: bool = false;
export const ENDS_STREAMS: bool = false;
/** Without a key-value memory in the gateway's own configuration each call is a trap. */
export const HAS_SHARED_DATA: bool = false;
/** Kong 3.4 to 3.7 answer each call with a trap, and a trap in `on_configure` opens the route. */
export const HAS_METRICS: bool = false;
/** A request that is held back without a reply hangs. */
export const CALLS_OUT: bool = false;
/** Where `on_configure` refuses, no filter is attached and requests pass. */
export const MAY_REFUSE: bool = false;
/** What takes a trapped instance's place gets none. */
export const STARTS_EACH_VM: bool = false;
export const ENDS_ROOTS: bool = false;
/** Kong's own plugins have run before. */
export const IS_GUARDED: bool = false;
export const KNOWS_CERTIFICATE: bool = false;
/** Removing hides a header from filters alone, replacing changes the first of its lines. */
export const REACHES_ALL_LINES: bool = false;
/** It cuts them at 100, of which four are the pseudo headers. */
export const MAX_HEADERS: u32 = 96;
export const UPSTREAM_HEADERS: i32 = 1;
/** Names have the client's case, `:path` is decoded while the upstream gets what was sent, `:authority` is nginx's own name. */
export const SHOWS_AS_HTTP2: bool = false;
const PATH_PROPERTY = ascii("request.path");
/** What Kong's own logs and the upstream are told as well; nginx's `$request_id` is another each time that it is asked for. */
const REQUEST_ID_PROPERTY = ascii("ngx.kong_request_id");
export function pathProperty(): Ascii {
  return PATH_PROPERTY;
}
export function requestIdProperty(): Ascii {
  return REQUEST_ID_PROPERTY;
}

/** Where Kong's log plugins read them: `kong.ctx.shared.glassgate_audit`. Most other names under `kong.` are a trap. */
export function verdictProperty(): string {
  return "kong.ctx.shared.glassgate_verdict";
}
export function auditProperty(): string {
  return "kong.ctx.shared.glassgate_audit";
}
/** Kong 3.6 and later tell it. */
export function nodeProperty(): string {
  return "kong.node.id";
}
