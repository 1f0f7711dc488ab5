/** Headers that an allowed request loses, as the filters that would have judged or removed them are skipped. */

import { Ascii, ascii } from "../host/ascii";
import { MAX_STRIP } from "../limits";
import { equalBytes } from "../text/bytes";

/**
 * Always stripped. The credentials of the normal authentication must not reach the upstream unchecked, nor a proof that was made
 * for this gateway. The others would make some upstream read another method, URL or host than the one judged.
 */
const always: StaticArray<Ascii> = [
  ascii("authorization"),
  ascii("dpop"),
  // The method.
  ascii("x-http-method-override"),
  ascii("x-http-method"),
  ascii("x-method-override"),
  ascii("x-original-method"),
  ascii("x-forwarded-method"),
  // The URL.
  ascii("x-original-url"),
  ascii("x-rewrite-url"),
  ascii("x-original-path"),
  ascii("x-original-uri"),
  ascii("x-forwarded-uri"),
  ascii("x-forwarded-path"),
  ascii("x-forwarded-prefix"),
  // The host.
  ascii("forwarded"),
  ascii("x-forwarded-host"),
  ascii("x-forwarded-server"),
  ascii("x-host"),
  ascii("x-original-host"),
  ascii("x-http-host-override"),
];
/** How many those are. With those of the configuration they must fit into the 64 bits of `Incoming.toStrip`. */
const MAX_ALWAYS: i32 = 20;

function isAlways(ptr: usize, len: i32): bool {
  for (let i = 0; i < always.length; i++) {
    const name = unchecked(always[i]);
    if (equalBytes(name.ptr, name.len, ptr, len)) return true;
  }
  return false;
}

/** The names to strip: the fixed ones and the configuration's. */
export class StripList {
  private names: usize = 0;
  private count: i32 = 0;
  /** A bit for each length, those above 63 folded: most headers have none of these lengths and are compared with no name. */
  private lengths: u64 = 0;

  /** Bytes that `open` needs. */
  static bytes(): i32 {
    return (MAX_STRIP + MAX_ALWAYS) * offsetof<Ascii>();
  }

  open(memory: usize): void {
    this.names = memory;
    this.count = 0;
    this.lengths = 0;
    for (let i = 0; i < always.length; i++) {
      const name = unchecked(always[i]);
      this.add(name.ptr, name.len);
    }
  }

  add(ptr: usize, len: i32): void {
    if (this.count >= MAX_STRIP + MAX_ALWAYS) return;
    const name = this.at(this.count);
    name.ptr = ptr;
    name.len = len;
    this.count += 1;
    this.lengths |= (<u64>1) << (len & 63);
  }

  /** Takes one of the fixed names out. False when it is none of them. To be called before requests come. */
  keep(ptr: usize, len: i32): bool {
    const index = this.indexOf(ptr, len);
    if (index < 0 || !isAlways(ptr, len)) return false;
    this.count -= 1;
    const last = this.at(this.count);
    const name = this.at(index);
    name.ptr = last.ptr;
    name.len = last.len;
    return true;
  }

  at(index: i32): Ascii {
    return changetype<Ascii>(this.names + <usize>index * offsetof<Ascii>());
  }

  /** The place of that name in the list, or -1. */
  indexOf(ptr: usize, len: i32): i32 {
    if (((this.lengths >> (len & 63)) & 1) == 0) return -1;
    for (let i = 0; i < this.count; i++) {
      const name = this.at(i);
      if (equalBytes(name.ptr, name.len, ptr, len)) return i;
    }
    return -1;
  }
}
