/** The Proxy-Wasm 0.2.1 exports, nothing else. What is not exported costs the gateway nothing. */
import { dropCached } from "./filter/cache";
import { configure } from "./filter/configure";
import { startVm } from "./filter/identity";
import { Action, onRequest, onRequestOfUnknownRoot } from "./filter/judge";
import { defineCounters } from "./filter/metrics";
import { createRoot, deleteRoot, findRoot, rootAt } from "./filter/roots";
import { addStream, removeStream, rootOfStream } from "./filter/streams";
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
    createRoot(id);
    return;
  }
  const index = findRoot(parent);
  if (index >= 0) addStream(id, index);
}

export function proxy_on_vm_start(_root: u32, _size: u32): u32 {
  enter();
  if (startVm()) defineCounters();
  leave();
  return 1;
}

export function proxy_on_configure(root: u32, _size: u32): u32 {
  enter();
  const accepted = configure(root);
  leave();
  return accepted ? 1 : 0;
}

export function proxy_on_request_headers(id: u32, _count: u32, _endOfStream: u32): i32 {
  enter();
  const index = rootOfStream(id);
  const action: Action = index >= 0 ? onRequest(rootAt(index)) : onRequestOfUnknownRoot();
  leave();
  return action;
}

export function proxy_on_delete(id: u32): void {
  if (removeStream(id)) return;
  const index = findRoot(id);
  if (index < 0) return;
  stopTicks(rootAt(index));
  dropCached(deleteRoot(index));
}

export function proxy_on_tick(root: u32): void {
  enter();
  const index = findRoot(root);
  if (index >= 0) onTick(index);
  leave();
}
