/** The Proxy-Wasm 0.2.1 exports, nothing else. What is not exported costs the gateway nothing. */
import { dropCached } from "./filter/cache";
import { configure } from "./filter/configure";
import { contextAt, createContext, deleteContext, findContext } from "./filter/contexts";
import { startVm } from "./filter/identity";
import { Action, onRequest, onRequestOfUnknownContext } from "./filter/judge";
import { defineCounters } from "./filter/metrics";
import { addStream, contextOfStream, removeStream } from "./filter/streams";
import { onTick, stopTicks } from "./filter/ticks";
// Named in asconfig.json as what the runtime calls when it fails.
import "./host/abort";
import { enter, leave } from "./host/arena";

export { malloc } from "./host/arena";

/** The marker of the ABI's version. */
export function proxy_abi_version_0_2_1(): void {}

/** A root context (`parent` 0: one per configuration) or a stream of one. */
export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) {
    createContext(id);
    return;
  }
  const index = findContext(parent);
  if (index >= 0) addStream(id, index);
}

export function proxy_on_vm_start(_context: u32, _size: u32): u32 {
  enter();
  if (startVm()) defineCounters();
  leave();
  return 1;
}

export function proxy_on_configure(context: u32, _size: u32): u32 {
  enter();
  const accepted = configure(context);
  leave();
  return accepted ? 1 : 0;
}

export function proxy_on_request_headers(id: u32, _count: u32, _endOfStream: u32): i32 {
  enter();
  const index = contextOfStream(id);
  const action: Action = index >= 0 ? onRequest(contextAt(index)) : onRequestOfUnknownContext();
  leave();
  return action;
}

export function proxy_on_delete(id: u32): void {
  if (removeStream(id)) return;
  const index = findContext(id);
  if (index < 0) return;
  stopTicks(contextAt(index));
  dropCached(deleteContext(index));
}

export function proxy_on_tick(context: u32): void {
  enter();
  const index = findContext(context);
  if (index >= 0) onTick(index);
  leave();
}
