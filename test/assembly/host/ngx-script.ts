/**
 * The scripted filter (script.ts) for the other host: with the exports that nginx demands, and without the calls that it does not
 * have. Further events: `respond` and `body`, for the response that is on its way.
 */
import { setHostCommand } from "./commands";
import { on, parents } from "./events";
import { proxy_get_log_level } from "./ngx/env";
import { LEN, PTR } from "./words";

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

export function proxy_on_request_body(_id: u32, _size: u32, _endOfStream: u32): i32 {
  return 0;
}

export function proxy_on_response_headers(id: u32, _count: u32, _endOfStream: u32): i32 {
  on("respond", id, parents.get(id));
  return 0;
}

export function proxy_on_response_body(id: u32, _size: u32, _endOfStream: u32): i32 {
  on("body", id, parents.get(id));
  return 0;
}

setHostCommand((words: string[]): string => {
  return words[0] == "loglevel" ? proxy_get_log_level(PTR, LEN).toString() : "";
});
