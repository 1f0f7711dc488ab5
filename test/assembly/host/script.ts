/**
 * A filter that does what it is told: it runs the host calls that its configuration and the header `x-script` name, and says
 * what they answered. The same script runs on a real gateway and on the Node host, and both must answer the same.
 *
 * Configuration: a line an event, `create|start|configure|request|tick|log|done|delete: command; command`.
 * Command: words parted by a space, `%41` is a byte, `-` is nothing. An answer is `status`, `status=hex` or `status=number`.
 * `return 0 worker` and `trap main` act in VMs of that thread only.
 */
import {
  proxy_add_header_map_value,
  proxy_call_foreign_function,
  proxy_close_stream,
  proxy_continue_stream,
  proxy_define_metric,
  proxy_done,
  proxy_get_buffer_bytes,
  proxy_get_buffer_status,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_get_log_level,
  proxy_get_metric,
  proxy_get_property,
  proxy_get_shared_data,
  proxy_get_status,
  proxy_increment_metric,
  proxy_log,
  proxy_record_metric,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_send_local_response,
  proxy_set_buffer_bytes,
  proxy_set_effective_context,
  proxy_set_header_map_pairs,
  proxy_set_property,
  proxy_set_shared_data,
  proxy_set_tick_period_milliseconds,
} from "./env";
import { random_get } from "./wasi_snapshot_preview1";

const slot: usize = memory.data(32, 8);
const PTR = slot;
const LEN = slot + 4;
const EXTRA = slot + 8;
const WIDE = slot + 16;

/** What the allocator does next: 0 its work, 1 refuse, 2 trap, 3 answer an address outside memory, 4 log, 5 ask the time. */
let allocatorMode: i32 = 0;

export function malloc(size: usize): usize {
  const mode = allocatorMode;
  allocatorMode = 0;
  if (mode == 1) return 0;
  if (mode == 2) unreachable();
  if (mode == 3) return 0xfffffff0;
  if (mode == 4) say("malloc");
  if (mode == 5) proxy_get_current_time_nanoseconds(WIDE);
  return heap.alloc(size);
}

export function proxy_abi_version_0_2_1(): void {}

function digit(code: i32): i32 {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

class Bytes {
  ptr: usize = 0;
  len: i32 = 0;
}

function bytes(word: string): Bytes {
  const result = new Bytes();
  result.ptr = heap.alloc(word.length + 1);
  if (word == "-") return result;
  for (let i = 0; i < word.length; i++) {
    let code = word.charCodeAt(i);
    if (code == 0x25) {
      code = (digit(word.charCodeAt(i + 1)) << 4) | digit(word.charCodeAt(i + 2));
      i += 2;
    }
    store<u8>(result.ptr + result.len, code);
    result.len += 1;
  }
  return result;
}

function hex(ptr: usize, len: i32): string {
  let text = "";
  for (let i = 0; i < len; i++) {
    const byte = load<u8>(ptr + i);
    text += `${byte < 16 ? "0" : ""}${byte.toString(16)}`;
  }
  return text;
}

function text(ptr: usize, len: i32): string {
  return String.UTF8.decodeUnsafe(ptr, len);
}

function say(line: string): void {
  const buffer = String.UTF8.encode(line);
  proxy_log(2, changetype<usize>(buffer), buffer.byteLength);
}

function number(words: string[], at: i32): i32 {
  return at < words.length ? I32.parseInt(words[at]) : 0;
}

function word(words: string[], at: i32): Bytes {
  return bytes(at < words.length ? words[at] : "-");
}

/** `status=hex` of an answer in PTR and LEN. */
function answer(status: i32): string {
  return status == 0 ? `0=${hex(load<u32>(PTR), load<i32>(LEN))}` : status.toString();
}

function headerCommand(words: string[]): string {
  const name = words[0];
  const map = number(words, 1);
  const key = word(words, 2);
  const value = word(words, 3);
  if (name == "hget") return answer(proxy_get_header_map_value(map, key.ptr, key.len, PTR, LEN));
  if (name == "hpairs") return answer(proxy_get_header_map_pairs(map, PTR, LEN));
  if (name == "hadd") return proxy_add_header_map_value(map, key.ptr, key.len, value.ptr, value.len).toString();
  if (name == "hset") return proxy_replace_header_map_value(map, key.ptr, key.len, value.ptr, value.len).toString();
  if (name == "hdel") return proxy_remove_header_map_value(map, key.ptr, key.len).toString();
  if (name == "hsetpairs") return proxy_set_header_map_pairs(map, key.ptr, key.len).toString();
  const status = proxy_get_header_map_size(map, PTR);
  return status == 0 ? `0=${load<u32>(PTR)}` : status.toString();
}

function sharedCommand(words: string[]): string {
  const name = words[0];
  const key = word(words, 1);
  if (name == "sget") {
    store<u32>(EXTRA, 0);
    const result = answer(proxy_get_shared_data(key.ptr, key.len, PTR, LEN, EXTRA));
    return load<u32>(EXTRA) != 0 ? `${result}+cas` : result;
  }
  const value = word(words, 2);
  // `last`: the version of the last `sget`. `wrong`: another.
  const last = load<u32>(EXTRA);
  const version = words.length > 3 ? words[3] : "";
  const cas = version == "last" ? last : version == "wrong" ? last + 1000 : 0;
  return proxy_set_shared_data(key.ptr, key.len, value.ptr, value.len, cas).toString();
}

/** The id of the metric last defined under that name; a number stands for itself. */
const metricIds = new Map<string, u32>();

function metricCommand(words: string[]): string {
  const name = words[0];
  if (name == "mdef") {
    const key = word(words, 2);
    const status = proxy_define_metric(number(words, 1), key.ptr, key.len, PTR);
    if (status != 0) return status.toString();
    metricIds.set(words[2], load<u32>(PTR));
    return `0=${load<u32>(PTR) & 3}`;
  }
  const id = metricIds.has(words[1]) ? metricIds.get(words[1]) : number(words, 1);
  if (name == "minc") return proxy_increment_metric(id, I64.parseInt(words[2])).toString();
  if (name == "mrec") return proxy_record_metric(id, I64.parseInt(words[2])).toString();
  const status = proxy_get_metric(id, WIDE);
  return status == 0 ? `0=${load<u64>(WIDE)}` : status.toString();
}

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

/** `0=16` when 16 bytes are other than they were; all at once they stay so only by chance. */
function random(length: i32): string {
  const ptr = heap.alloc(length + 1);
  memory.fill(ptr, 0, length + 1);
  const status = random_get(ptr, length);
  let drawn = 0;
  for (let i = 0; i < length; i++) if (load<u8>(ptr + i) != 0) drawn = length;
  return `${status}=${drawn}`;
}

/** A VM that has served a request is a worker's; one that was configured before and has not is the main thread's. */
let served: bool = false;
let configured: bool = false;

/** Whether the word names the thread that this VM belongs to (`worker`, `main`), or is not there. */
function isHere(words: string[], at: i32): bool {
  if (at >= words.length) return true;
  return words[at] == "worker" ? served : configured && !served;
}

let returned: i32 = -1;
let passes: bool = false;
let replied: bool = false;

function otherCommand(words: string[]): string {
  const name = words[0];
  const first = number(words, 1);
  if (name == "prop") return answer(proxy_get_property(word(words, 1).ptr, word(words, 1).len, PTR, LEN));
  if (name == "setprop") {
    const key = word(words, 1);
    const value = word(words, 2);
    return proxy_set_property(key.ptr, key.len, value.ptr, value.len).toString();
  }
  if (name == "buf") return answer(proxy_get_buffer_bytes(first, number(words, 2), number(words, 3), PTR, LEN));
  if (name == "bufstat") {
    const status = proxy_get_buffer_status(first, PTR, LEN);
    return status == 0 ? `0=${load<u32>(PTR)}` : status.toString();
  }
  if (name == "setbuf") return proxy_set_buffer_bytes(first, 0, 0, word(words, 2).ptr, word(words, 2).len).toString();
  if (name == "say") return proxy_log(first, word(words, 2).ptr, word(words, 2).len).toString();
  if (name == "loglevel") return proxy_get_log_level(PTR).toString();
  if (name == "status") return answer(proxy_get_status(EXTRA, PTR, LEN));
  if (name == "time") {
    const status = proxy_get_current_time_nanoseconds(WIDE);
    return `${status}${load<u64>(WIDE) > 1_500_000_000_000_000_000 ? "=ns" : ""}`;
  }
  if (name == "random") return random(first);
  if (name == "timer") return proxy_set_tick_period_milliseconds(first).toString();
  if (name == "effective") return proxy_set_effective_context(first).toString();
  if (name == "finish") return proxy_done().toString();
  if (name == "proceed") return proxy_continue_stream(first).toString();
  if (name == "close") return proxy_close_stream(first).toString();
  if (name == "foreign") {
    return proxy_call_foreign_function(word(words, 1).ptr, word(words, 1).len, PTR, 0, PTR, LEN).toString();
  }
  if (name == "reply") {
    replied = true;
    const details = word(words, 2);
    const body = word(words, 3);
    const pairs = word(words, 4);
    return proxy_send_local_response(
      first,
      details.ptr,
      details.len,
      body.ptr,
      body.len,
      pairs.ptr,
      pairs.len,
      words.length > 5 ? number(words, 5) : -1,
    ).toString();
  }
  if (name == "outside") return outside();
  return "?";
}

function command(line: string): string {
  const words = line.trim().split(" ");
  const name = words[0];
  if (name == "trap") {
    if (isHere(words, 1)) unreachable();
    return "";
  }
  if (name == "allocator") {
    allocatorMode = number(words, 1);
    return "";
  }
  if (name == "return") {
    if (isHere(words, 2)) returned = number(words, 1);
    return "";
  }
  if (name == "pass") {
    passes = true;
    return "";
  }
  if (name.startsWith("h")) return headerCommand(words);
  if (name == "sget" || name == "sset") return sharedCommand(words);
  if (name.startsWith("m")) return metricCommand(words);
  return otherCommand(words);
}

function run(script: string): string {
  const results: string[] = [];
  const lines = script.split(";");
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].trim().length == 0) continue;
    const result = command(lines[i]);
    if (result.length > 0) results.push(result);
  }
  return results.join(" ");
}

const configurations = new Map<u32, string>();
const parents = new Map<u32, u32>();

function linesOf(root: u32, event: string): string {
  if (!configurations.has(root)) return "";
  const lines = configurations.get(root).split("\n");
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].startsWith(`${event}:`)) return lines[i].substring(event.length + 1);
  }
  return "";
}

/** Runs the event's commands and says so. The answer is what `return` said, or -1. */
function on(event: string, id: u32, root: u32): i32 {
  returned = -1;
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
  configured = true;
  return accepted ? 1 : 0;
}

export function proxy_on_request_headers(id: u32, _count: u32, _endOfStream: u32): i32 {
  const name = String.UTF8.encode("x-script");
  served = true;
  passes = false;
  replied = false;
  returned = -1;
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
  return returned >= 0 ? returned : 0;
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
