/**
 * A filter that does what it is told: it runs the host calls that its configuration and the header `x-script` name, and says
 * what they answered. The same script runs on a real gateway and on the Node host, and both must answer the same.
 *
 * Configuration: a line an event, `create|start|configure|request|tick|log|done|delete: command; command`.
 * Command: words parted by a space, `%41` is a byte, `-` is nothing. An answer is `status`, `status=hex` or `status=number`.
 * `return 0 worker` and `trap main` act in VMs of that thread only.
 */
import { setHostCommand } from "./commands";
import {
  proxy_add_header_map_value,
  proxy_call_foreign_function,
  proxy_define_metric,
  proxy_get_buffer_bytes,
  proxy_get_buffer_status,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_get_log_level,
  proxy_get_property,
  proxy_get_shared_data,
  proxy_log,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
  proxy_set_header_map_pairs,
  proxy_set_property,
  proxy_set_shared_data,
} from "./env";
import { random_get } from "./wasi_snapshot_preview1";
import { bytes, EXTRA, LEN, number, PTR } from "./words";

export {
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_delete,
  proxy_on_done,
  proxy_on_log,
  proxy_on_request_headers,
  proxy_on_tick,
  proxy_on_vm_start,
} from "./events";
export { malloc } from "./words";

export function proxy_abi_version_0_2_1(): void {}

/** Each call with an address outside memory: none may do more than answer 6. */
function outside(): string {
  const bad: usize = 0xfffffff0;
  const key = bytes("x");
  const statuses: i32[] = [
    proxy_log(2, bad, 8),
    proxy_get_log_level(bad),
    proxy_get_current_time_nanoseconds(bad),
    proxy_get_property(bad, 8, PTR, LEN),
    proxy_get_property(bytes("plugin_vm_id").ptr, 12, bad, LEN),
    proxy_set_property(bad, 8, PTR, 1),
    proxy_set_property(key.ptr, 1, bad, 8),
    proxy_get_header_map_value(0, bad, 8, PTR, LEN),
    proxy_get_header_map_value(0, bytes(":path").ptr, 5, bad, LEN),
    proxy_get_header_map_value(0, bytes(":path").ptr, 5, PTR, bad),
    proxy_add_header_map_value(0, bad, 8, PTR, 1),
    proxy_replace_header_map_value(0, key.ptr, 1, bad, 8),
    proxy_remove_header_map_value(0, bad, 8),
    proxy_get_header_map_pairs(0, bad, LEN),
    proxy_set_header_map_pairs(0, bad, 8),
    proxy_get_header_map_size(0, bad),
    proxy_get_buffer_bytes(6, 0, 1, bad, LEN),
    proxy_get_buffer_status(6, bad, LEN),
    proxy_send_local_response(200, bad, 8, PTR, 0, PTR, 0, -1),
    proxy_send_local_response(200, PTR, 0, bad, 8, PTR, 0, -1),
    proxy_send_local_response(200, PTR, 0, PTR, 0, bad, 8, -1),
    proxy_get_shared_data(bad, 8, PTR, LEN, EXTRA),
    proxy_set_shared_data(key.ptr, 1, bad, 8, 0),
    proxy_define_metric(0, bad, 8, PTR),
    proxy_define_metric(0, key.ptr, 1, bad),
    proxy_call_foreign_function(bad, 8, PTR, 0, PTR, LEN),
    // A length below zero is one of almost 4 GiB.
    proxy_log(2, PTR, -1),
    // The last byte but not one more; and nothing at the very end.
    proxy_set_shared_data(key.ptr, 1, ((<usize>memory.size()) << 16) - 1, 1, 0),
    proxy_set_shared_data(key.ptr, 1, ((<usize>memory.size()) << 16) - 1, 2, 0),
    proxy_set_shared_data(key.ptr, 1, (<usize>memory.size()) << 16, 0, 0),
  ];
  const chance: i32[] = [
    random_get(bad, 8),
    random_get(((<usize>memory.size()) << 16) - 1, 1),
    random_get(((<usize>memory.size()) << 16) - 1, 2),
    random_get((<usize>memory.size()) << 16, 0),
  ];
  return `${statuses.join(",")};${chance.join(",")}`;
}

setHostCommand((words: string[]): string => {
  const name = words[0];
  const first = number(words, 1);
  if (name == "loglevel") return proxy_get_log_level(PTR).toString();
  if (name == "outside") return outside();
  if (name == "bufstat") {
    const status = proxy_get_buffer_status(first, PTR, LEN);
    return status == 0 ? `0=${load<u32>(PTR)}` : status.toString();
  }
  if (name == "hsize") {
    const status = proxy_get_header_map_size(first, PTR);
    return status == 0 ? `0=${load<u32>(PTR)}` : status.toString();
  }
  return "";
});
