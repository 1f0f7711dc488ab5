/** Headers that an allowed request loses, as the filters that would have judged or removed them are skipped. */

import { Ascii, ascii } from "../host/ascii";
import { MAX_STRIP } from "../limits";
import { equalBytes } from "../text/bytes";

/**
 * Always stripped. The credential of the normal authentication must not reach the upstream unchecked; an override header
 * would make the upstream read another method or URL than the one judged.
 */
const always: StaticArray<Ascii> = [
  ascii("authorization"),
  ascii("x-http-method-override"),
  ascii("x-http-method"),
  ascii("x-method-override"),
  ascii("x-original-url"),
  ascii("x-rewrite-url"),
  ascii("x-original-method"),
  ascii("x-original-path"),
  ascii("x-original-uri"),
];

/** The names to strip: the fixed ones and the configuration's, at most 9 + 32. */
export class StripList {
  private names: usize = 0;
  private count: i32 = 0;

  /** Bytes that `open` needs. */
  static bytes(): i32 {
    return (MAX_STRIP + 9) * offsetof<Ascii>();
  }

  open(memory: usize): void {
    this.names = memory;
    this.count = 0;
    for (let i = 0; i < always.length; i++) {
      const name = unchecked(always[i]);
      this.add(name.ptr, name.len);
    }
  }

  add(ptr: usize, len: i32): void {
    if (this.count >= MAX_STRIP + always.length) return;
    const name = this.at(this.count);
    name.ptr = ptr;
    name.len = len;
    this.count += 1;
  }

  at(index: i32): Ascii {
    return changetype<Ascii>(this.names + <usize>index * offsetof<Ascii>());
  }

  /** The place of that name in the list, or -1. */
  indexOf(ptr: usize, len: i32): i32 {
    for (let i = 0; i < this.count; i++) {
      const name = this.at(i);
      if (equalBytes(name.ptr, name.len, ptr, len)) return i;
    }
    return -1;
  }
}
