/**
 * Header maps as Proxy-Wasm serialises them, all numbers u32 little-endian:
 *
 *   | count | nameLen valueLen | nameLen valueLen | ... | name NUL value NUL | name NUL value NUL | ...
 */
import { Slice } from "./calls";

/** Walks a serialised header map. Checks each length against the end: a broken map ends the walk with `ok` false. */
export class HeaderWalk {
  ok: bool = true;
  namePtr: usize = 0;
  nameLen: i32 = 0;
  valuePtr: usize = 0;
  valueLen: i32 = 0;
  private lengths: usize = 0;
  private at: usize = 0;
  private end: usize = 0;
  private left: u32 = 0;

  start(map: Slice): void {
    this.left = 0;
    this.ok = map.len >= 4;
    if (!this.ok) return;
    const count = load<u32>(map.ptr);
    this.ok = <u64>count * 8 + 4 <= <u64>map.len;
    if (!this.ok) return;
    this.left = count;
    this.lengths = map.ptr + 4;
    this.at = map.ptr + 4 + <usize>count * 8;
    this.end = map.ptr + map.len;
  }

  next(): bool {
    if (this.left == 0) return false;
    const nameLen = load<u32>(this.lengths);
    const valueLen = load<u32>(this.lengths, 4);
    if (<u64>this.at + nameLen + valueLen + 2 > <u64>this.end) {
      this.ok = false;
      this.left = 0;
      return false;
    }
    this.left -= 1;
    this.lengths += 8;
    this.namePtr = this.at;
    this.nameLen = <i32>nameLen;
    this.valuePtr = this.at + nameLen + 1;
    this.valueLen = <i32>valueLen;
    this.at = this.valuePtr + valueLen + 1;
    return true;
  }
}

const MAX_PAIRS: i32 = 8;

/** Builds a serialised header map of at most 8 headers in `buffer`. A header that does not fit is left out. */
export class HeaderBuilder {
  private sources: usize = memory.data(128, 4); // MAX_PAIRS x (namePtr, nameLen, valuePtr, valueLen)
  private count: i32 = 0;

  start(): void {
    this.count = 0;
  }

  add(namePtr: usize, nameLen: i32, valuePtr: usize, valueLen: i32): void {
    if (this.count >= MAX_PAIRS) return;
    const source = this.sources + <usize>this.count * 16;
    store<u32>(source, <u32>namePtr);
    store<i32>(source, nameLen, 4);
    store<u32>(source, <u32>valuePtr, 8);
    store<i32>(source, valueLen, 12);
    this.count += 1;
  }

  /** Bytes written, or 0 when the map does not fit (then it is as if there were no headers). */
  finish(buffer: usize, capacity: i32): i32 {
    let at = buffer + 4 + <usize>this.count * 8;
    store<i32>(buffer, this.count);
    for (let i = 0; i < this.count; i++) {
      const source = this.sources + <usize>i * 16;
      const nameLen = load<i32>(source, 4);
      const valueLen = load<i32>(source, 12);
      if (<i32>(at - buffer) + nameLen + valueLen + 2 > capacity) return 0;
      store<i32>(buffer + 4 + <usize>i * 8, nameLen);
      store<i32>(buffer + 8 + <usize>i * 8, valueLen);
      memory.copy(at, load<u32>(source), nameLen);
      at += nameLen;
      store<u8>(at++, 0);
      memory.copy(at, load<u32>(source, 8), valueLen);
      at += valueLen;
      store<u8>(at++, 0);
    }
    return <i32>(at - buffer);
  }
}
