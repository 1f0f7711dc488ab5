/**
 * What Envoy, and what is built on it, does for the filter, and by which names. host/gateway.ts says which host a build is for; the
 * rest of the source asks these constants and does not know where it runs. All are known when the filter is built: what a host lacks
 * is not in its module, and what another host lacks costs it nothing.
 */
import { Ascii } from "./ascii";

/** `on_tick` comes, for all that is done outside of requests. */
export const HAS_TICKS: bool = true;
/** A stream that is open can be ended. */
export const ENDS_STREAMS: bool = true;
/** The VMs of a process share data: what was accepted, and which proofs were used. */
export const HAS_SHARED_DATA: bool = true;
export const HAS_METRICS: bool = true;
/** A request can be held back while another service is asked: a ledger, for a receipt. */
export const CALLS_OUT: bool = true;
/** A configuration that is refused leaves the one before in force. */
export const MAY_REFUSE: bool = true;
/** Each instance gets `on_vm_start` before anything else. */
export const STARTS_EACH_VM: bool = true;
/** Root contexts end as well as begin. */
export const ENDS_ROOTS: bool = true;
/** The normal authentication, or a native guard, stands behind the filter: a request without a grant may go on to it. */
export const IS_GUARDED: bool = true;
/** It tells which certificate the client has shown. */
export const KNOWS_CERTIFICATE: bool = true;
/** A header that is removed or replaced is so on each of its lines, and reaches the upstream no more. */
export const REACHES_ALL_LINES: bool = true;
/** More headers than these are not handed over whole; 0 where all are. */
export const MAX_HEADERS: u32 = 0;
/** How many headers the filter sets for the upstream by `upstream_header`. */
export const UPSTREAM_HEADERS: i32 = 0;
/**
 * A request is shown as HTTP/2 has it: names of headers in lower case, `:path` as it was sent or as the upstream gets it, `:authority` the
 * host that the client named.
 */
export const SHOWS_AS_HTTP2: bool = true;
/** Elsewhere the properties that have the path, and the gateway's number for the request. */
export function pathProperty(): Ascii {
  return changetype<Ascii>(0);
}
export function requestIdProperty(): Ascii {
  return changetype<Ascii>(0);
}

/** Filter state, read by the gateway as `wasm.glassgate.*`. One segment each: a path of two could not be read back. */
export function verdictProperty(): string {
  return "glassgate.verdict";
}
export function auditProperty(): string {
  return "glassgate.audit";
}
/** Who this gateway is. */
export function nodeProperty(): string {
  return "xds\0node\0id";
}
