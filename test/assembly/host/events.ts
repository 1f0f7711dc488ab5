/** What the scripted filter does in each callback: the commands that its configuration and the header `x-script` name. */
import { begin, markConfigured, markServed, NOTHING, passes, replied, returned, run } from "./commands";
import {
  proxy_get_buffer_bytes,
  proxy_get_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
} from "./env";
import { LEN, PTR, say, text } from "./words";

const configurations = new Map<u32, string>();
export const parents = new Map<u32, u32>();

function linesOf(root: u32, event: string): string {
  if (!configurations.has(root)) return "";
  const lines = configurations.get(root).split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].startsWith(`${event}:`)) return lines[i].substring(event.length + 1);
  }
  return "";
}

/** Runs the event's commands and says so. The answer is what `return` said, or `NOTHING`. */
export function on(event: string, id: u32, root: u32): i32 {
  begin();
  const result = run(linesOf(root, event));
  say(`${event} ${id}${result.length > 0 ? ": " : ""}${result}`);
  return returned;
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  parents.set(id, parent == 0 ? id : parent);
  if (parent == 0 && proxy_get_buffer_bytes(7, 0, 1 << 20, PTR, LEN) == 0) {
    configurations.set(id, text(load<u32>(PTR), load<i32>(LEN)));
  }
  on("create", id, parents.get(id));
}

export function proxy_on_vm_start(id: u32, _size: u32): u32 {
  return on("start", id, id) != 0 ? 1 : 0;
}

export function proxy_on_configure(id: u32, _size: u32): u32 {
  const accepted = on("configure", id, id) != 0;
  markConfigured();
  return accepted ? 1 : 0;
}

export function proxy_on_request_headers(id: u32, _count: u32, _endOfStream: u32): i32 {
  const name = String.UTF8.encode("x-script");
  markServed();
  begin();
  const root = parents.get(id);
  let result = run(linesOf(root, "request"));
  if (proxy_get_header_map_value(0, changetype<usize>(name), name.byteLength, PTR, LEN) == 0) {
    result += run(text(load<u32>(PTR), load<i32>(LEN)));
  }
  const out = String.UTF8.encode(result.length > 0 ? result : "-");
  const ptr = changetype<usize>(out);
  const key = String.UTF8.encode("x-out");
  if (passes) proxy_replace_header_map_value(0, changetype<usize>(key), key.byteLength, ptr, out.byteLength);
  else if (!replied) proxy_send_local_response(200, 0, 0, ptr, out.byteLength, 0, 0, -1);
  return returned != NOTHING ? returned : 0;
}

export function proxy_on_tick(id: u32): void {
  on("tick", id, id);
}

export function proxy_on_log(id: u32): void {
  on("log", id, parents.get(id));
}

export function proxy_on_done(id: u32): u32 {
  return on("done", id, parents.get(id)) != 0 ? 1 : 0;
}

export function proxy_on_delete(id: u32): void {
  on("delete", id, parents.get(id));
}
