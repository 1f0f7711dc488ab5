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

/** Multiplies by 2^64 divided by the golden ratio, an odd number, and folds the upper half, which depends on all bits, into the lower. */
function mix(value: u64): u64 {
  const product = value * 0x9e3779b97f4a7c15;
  return product ^ (product >> 32);
}

/**
 * A hash index with chained buckets. The names come from signed text, and its hash is the seed of theirs: whoever chose names
 * that crowd one bucket would change the seed with them. So a plain hash is enough: multiply and fold, eight bytes at a time.
 */
export class NameIndex {
  private buckets: usize = 0;
  private mask: u32 = 0;
  private seed: u32 = 0;
  private count: i32 = 0;

  /** Room for about `count` names. False when the region is full. */
  open(region: Region, count: i32, seed: u32): bool {
    let size: u32 = 1;
    while (size < <u32>count) size <<= 1;
    const bytes = <i32>size * sizeof<usize>();
    if (!region.hasRoom(bytes)) {
      region.full = true;
      return false;
    }
    this.buckets = region.take(bytes);
    this.mask = size - 1;
    this.seed = seed;
    return true;
  }

  /** The struct of that name, or 0. */
  find(ptr: usize, len: i32): usize {
    // Most lists of revoked names are empty: no hash for them.
    if (this.count == 0) return 0;
    let at = load<usize>(this.bucket(ptr, len));
    while (at != 0) {
      const named = changetype<Named>(at);
      if (named.isNamed(ptr, len)) return at;
      at = named.nextInBucket;
    }
    return 0;
  }

  has(named: Named): bool {
    return this.find(named.namePtr, named.nameLen) != 0;
  }

  /** Adds a struct. False when its name is there already. */
  add(named: Named): bool {
    const bucket = this.bucket(named.namePtr, named.nameLen);
    if (this.find(named.namePtr, named.nameLen) != 0) return false;
    named.nextInBucket = load<usize>(bucket);
    store<usize>(bucket, changetype<usize>(named));
    this.count += 1;
    return true;
  }

  private bucket(ptr: usize, len: i32): usize {
    let hash: u64 = ((<u64>this.seed) << 32) ^ <u64>len;
    let i = 0;
    for (; i + 8 <= len; i += 8) hash = mix(hash ^ load<u64>(ptr + i));
    for (; i < len; i++) hash = mix(hash ^ load<u8>(ptr + i));
    // What came last stands in the upper half: names such as user-001, user-002 would share a few buckets.
    hash = mix(hash);
    return this.buckets + <usize>(<u32>hash & this.mask) * sizeof<usize>();
  }
}

/** An index over `count` names in the region; add them with `add`. @param seed of the text that they come from */
export function newNameIndex(region: Region, count: i32, seed: u32): NameIndex {
  const index = changetype<NameIndex>(region.take(offsetof<NameIndex>()));
  index.open(region, count, seed);
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
