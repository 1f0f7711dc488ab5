/**
 * The Proxy-Wasm 0.2.1 exports, nothing else. What is not exported costs the gateway nothing; kong.ts has those that its host demands all
 * the same.
 */
import { dropCached } from "./filter/cache";
import { configure } from "./filter/configure";
import { contextAt, createContext, deleteContext, findContext, findHandle, keepUp } from "./filter/contexts";
import { stopServing } from "./filter/generations";
import { startVm, vmNumber } from "./filter/identity";
import { onRequest, onRequestOfUnknownContext } from "./filter/judge";
import { noteHeaderCount } from "./filter/lines";
import { stopTelling } from "./filter/load";
import { countRefused, defineCounters } from "./filter/metrics";
import { prepareOpenGrants } from "./filter/opengrants";
import { handleOf, unwatch } from "./filter/openstreams";
import { Action } from "./filter/outcome";
import { forgetPending } from "./filter/pending";
import { prepareProofs } from "./filter/replays";
import { onAnswer } from "./filter/resume";
import { drawSecret } from "./filter/secret";
import { addStream, ownerOfStream, removeStream } from "./filter/streams";
import { fitTables, onTick, stopTicks } from "./filter/ticks";
// Named in asconfig.json as what the runtime calls when it fails.
import "./host/abort";
import { enter, leave } from "./host/arena";
import {
  CALLS_OUT,
  ENDS_ROOTS,
  ENDS_STREAMS,
  HAS_SHARED_DATA,
  HAS_TICKS,
  MAX_HEADERS,
  MAY_REFUSE,
  STARTS_EACH_VM,
} from "./host/gateway";

export { malloc } from "./host/arena";

/** The marker of the ABI's version. */
export function proxy_abi_version_0_2_1(): void {}

/**
 * A root context (`parent` 0: one per configuration) or a stream of one. Where there is no room for either, the stream is one of
 * an unknown context: its grant is denied. Without a grant it goes on, as nobody knows whether that context had `require`; a
 * gateway with `require` has a native RBAC filter behind this one that demands our verdict, and so stays closed
 * (test/gateway/fullness.test.ts).
 */
export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) {
    createContext(id);
    return;
  }
  const index = findContext(parent);
  if (index < 0 || !addStream(id, contextAt(index).handle)) countRefused();
  // Not when it is judged, where nothing may be allocated.
  if (ENDS_STREAMS) prepareOpenGrants();
}

export function proxy_on_vm_start(_context: u32, _size: u32): u32 {
  enter();
  if (startVm()) defineCounters();
  leave();
  return 1;
}

export function proxy_on_configure(context: u32, _size: u32): u32 {
  enter();
  if (!STARTS_EACH_VM) startVm();
  // Not in on_vm_start, which not every host calls anew for an instance that takes a trapped one's place.
  drawSecret(vmNumber());
  if (HAS_SHARED_DATA) prepareProofs();
  const accepted = configure(context);
  leave();
  return accepted || !MAY_REFUSE ? 1 : 0;
}

export function proxy_on_request_headers(id: u32, count: u32, _endOfStream: u32): i32 {
  enter();
  if (MAX_HEADERS > 0) noteHeaderCount(count);
  const index = findHandle(handleOf(ownerOfStream(id)));
  let action: Action;
  if (index >= 0) {
    const context = contextAt(index);
    keepUp(context);
    action = onRequest(context, id);
  } else {
    action = onRequestOfUnknownContext();
  }
  leave();
  return action;
}

export function proxy_on_delete(id: u32): void {
  const owner = removeStream(id);
  if (ENDS_STREAMS) unwatch(owner);
  if (CALLS_OUT) forgetPending(id);
  if (owner != 0 || !ENDS_ROOTS) return;
  const index = findContext(id);
  if (index < 0) return;
  enter();
  const context = contextAt(index);
  stopTicks(context);
  if (changetype<usize>(context.domain) != 0) stopServing(context.domain);
  stopTelling();
  leave();
  dropCached(deleteContext(index));
  fitTables();
}

export function proxy_on_http_call_response(
  _root: u32,
  token: u32,
  _headers: u32,
  bodySize: u32,
  _trailers: u32,
): void {
  if (!CALLS_OUT) return;
  enter();
  onAnswer(token, <i32>bodySize);
  leave();
}

export function proxy_on_tick(context: u32): void {
  if (!HAS_TICKS) return;
  enter();
  const index = findContext(context);
  if (index >= 0) onTick(index, context);
  leave();
}
