/** The words that the fixtures understand: commands as text, answers as text, and an allocator that can be told to fail. */
import { proxy_get_current_time_nanoseconds, proxy_log } from "./env";

const slot: usize = memory.data(32, 8);
export const PTR = slot;
export const LEN = slot + 4;
export const EXTRA = slot + 8;
export const WIDE = slot + 16;

/** What the allocator does next: 0 its work, 1 refuse, 2 trap, 3 answer an address outside memory, 4 log, 5 ask the time. */
let allocatorMode: i32 = 0;

export function setAllocator(mode: i32): void {
  allocatorMode = mode;
}

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

function digit(code: i32): i32 {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

export class Bytes {
  ptr: usize = 0;
  len: i32 = 0;
}

export function bytes(word: string): Bytes {
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

export function hex(ptr: usize, len: i32): string {
  let text = "";
  for (let i = 0; i < len; i++) {
    const byte = load<u8>(ptr + i);
    text += `${byte < 16 ? "0" : ""}${byte.toString(16)}`;
  }
  return text;
}

export function text(ptr: usize, len: i32): string {
  return String.UTF8.decodeUnsafe(ptr, len);
}

export function say(line: string): void {
  const buffer = String.UTF8.encode(line);
  proxy_log(2, changetype<usize>(buffer), buffer.byteLength);
}

export function number(words: string[], at: i32): i32 {
  return at < words.length ? I32.parseInt(words[at]) : 0;
}

export function word(words: string[], at: i32): Bytes {
  return bytes(at < words.length ? words[at] : "-");
}

/** `status=hex` of an answer in PTR and LEN. */
export function answer(status: i32): string {
  return status == 0 ? `0=${hex(load<u32>(PTR), load<i32>(LEN))}` : status.toString();
}
