/** Headers that an allowed request loses, as the filters that would have judged or removed them are skipped. */

import { Ascii } from "../host/ascii";
import { UPSTREAM_HEADERS } from "../host/gateway";
import { MAX_STRIP } from "../limits";
import { equalBytes } from "../text/bytes";
import { ALWAYS_STRIPPED_COUNT, alwaysStripped } from "./stripped.gen";

function isAlways(ptr: usize, len: i32): bool {
  for (let i = 0; i < alwaysStripped.length; i++) {
    const name = unchecked(alwaysStripped[i]);
    if (equalBytes(name.ptr, name.len, ptr, len)) return true;
  }
  return false;
}

/** With those that are replaced by one of ours. */
const CAPACITY: i32 = MAX_STRIP + ALWAYS_STRIPPED_COUNT + UPSTREAM_HEADERS;

/**
 * The names to strip: the fixed ones (config/stripped.json) and the configuration's. The credentials of the normal authentication
 * must not reach the upstream unchecked, nor a proof that was made for this gateway; the others would make some upstream read
 * another method, URL or host than the one judged. Together they must fit into the 64 bits of `Incoming.toStrip`.
 */
export class StripList {
  private names: usize = 0;
  private count: i32 = 0;
  /** A bit for each length, those above 63 folded: most headers have none of these lengths and are compared with no name. */
  private lengths: u64 = 0;

  /** Bytes that `open` needs. */
  static bytes(): i32 {
    return CAPACITY * offsetof<Ascii>();
  }

  open(memory: usize): void {
    this.names = memory;
    this.count = 0;
    this.lengths = 0;
    for (let i = 0; i < alwaysStripped.length; i++) {
      const name = unchecked(alwaysStripped[i]);
      this.add(name.ptr, name.len);
    }
  }

  add(ptr: usize, len: i32): void {
    if (this.count >= CAPACITY) return;
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
