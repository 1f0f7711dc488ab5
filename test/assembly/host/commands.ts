/** The host calls that a script may make, on whatever host. What only one host has is the entry's: `setHostCommand`. */
import {
  proxy_add_header_map_value,
  proxy_call_foreign_function,
  proxy_close_stream,
  proxy_continue_stream,
  proxy_define_metric,
  proxy_done,
  proxy_get_buffer_bytes,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
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
import { answer, EXTRA, LEN, number, PTR, setAllocator, WIDE, word } from "./words";

/** An empty answer: it is no command of this host's alone. */
let hostCommand: (words: string[]) => string = (_words: string[]) => "";

export function setHostCommand(command: (words: string[]) => string): void {
  hostCommand = command;
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
  return "?";
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
export let served: bool = false;
export let configured: bool = false;

/** Whether the word names the thread that this VM belongs to (`worker`, `main`), or is not there. */
function isHere(words: string[], at: i32): bool {
  if (at >= words.length) return true;
  return words[at] == "worker" ? served : configured && !served;
}

export function markServed(): void {
  served = true;
}

export function markConfigured(): void {
  configured = true;
}

/** `return` was not said. */
export const NOTHING: i32 = i32.MIN_VALUE;
export let returned: i32 = NOTHING;
export let passes: bool = false;
export let replied: bool = false;

/** Before a callback: nothing is returned, passed on or replied yet. */
export function begin(): void {
  returned = NOTHING;
  passes = false;
  replied = false;
}

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
  if (name == "setbuf") return proxy_set_buffer_bytes(first, 0, 0, word(words, 2).ptr, word(words, 2).len).toString();
  if (name == "say") return proxy_log(first, word(words, 2).ptr, word(words, 2).len).toString();
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
    setAllocator(number(words, 1));
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
  const own = hostCommand(words);
  if (own.length > 0) return own;
  if (name.startsWith("h")) return headerCommand(words);
  if (name == "sget" || name == "sset") return sharedCommand(words);
  if (name.startsWith("m")) return metricCommand(words);
  return otherCommand(words);
}

export function run(script: string): string {
  const results: string[] = [];
  const lines = script.split(";");
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].trim().length == 0) continue;
    const result = command(lines[i]);
    if (result.length > 0) results.push(result);
  }
  return results.join(" ");
}
