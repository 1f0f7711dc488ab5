/** Things with a name in linked lists, and an index over them. */
import { equalBytes } from "../text/bytes";
import { Region } from "../text/region";

/** The head of every struct that is found by name. */
export class Named {
  namePtr: usize = 0;
  nameLen: i32 = 0;
  /** The next of its list, or 0. */
  next: usize = 0;
  /** The next of the index's bucket list, or 0. */
  nextInBucket: usize = 0;

  isNamed(ptr: usize, len: i32): bool {
    return equalBytes(this.namePtr, this.nameLen, ptr, len);
  }
}

/**
 * A hash index with chained buckets. The names come from signed text, so nobody can crowd a bucket without the roots'
 * signatures; a plain FNV-1a hash is enough.
 */
export class NameIndex {
  private buckets: usize = 0;
  private mask: u32 = 0;

  /** Room for about `count` names. False when the region is full. */
  open(region: Region, count: i32): bool {
    let size: u32 = 1;
    while (size < <u32>count) size <<= 1;
    const bytes = <i32>size * sizeof<usize>();
    if (!region.hasRoom(bytes)) {
      region.full = true;
      return false;
    }
    this.buckets = region.take(bytes);
    this.mask = size - 1;
    return true;
  }

  /** The struct of that name, or 0. */
  find(ptr: usize, len: i32): usize {
    let at = load<usize>(this.bucket(ptr, len));
    while (at != 0) {
      const named = changetype<Named>(at);
      if (named.isNamed(ptr, len)) return at;
      at = named.nextInBucket;
    }
    return 0;
  }

  /** Adds a struct. False when its name is there already. */
  add(named: Named): bool {
    const bucket = this.bucket(named.namePtr, named.nameLen);
    if (this.find(named.namePtr, named.nameLen) != 0) return false;
    named.nextInBucket = load<usize>(bucket);
    store<usize>(bucket, changetype<usize>(named));
    return true;
  }

  private bucket(ptr: usize, len: i32): usize {
    let hash: u32 = 0x811c9dc5;
    for (let i = 0; i < len; i++) hash = (hash ^ load<u8>(ptr + i)) * 0x01000193;
    return this.buckets + <usize>((hash ^ (hash >> 15)) & this.mask) * sizeof<usize>();
  }
}

/** An index over `count` names in the region; add them with `add`. */
export function newNameIndex(region: Region, count: i32): NameIndex {
  const index = changetype<NameIndex>(region.take(offsetof<NameIndex>()));
  index.open(region, count);
  return index;
}

/** A list that grows at its end. */
export class NamedList {
  first: usize = 0;
  count: i32 = 0;
  private last: usize = 0;

  clear(): void {
    this.first = 0;
    this.last = 0;
    this.count = 0;
  }

  push(named: Named): void {
    const ptr = changetype<usize>(named);
    if (this.last == 0) this.first = ptr;
    else changetype<Named>(this.last).next = ptr;
    this.last = ptr;
    this.count += 1;
  }
}
