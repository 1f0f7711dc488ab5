/** Memory that parsed forms live in: a bump allocator over one block which is freed as a whole by its owner. */
export class Region {
  private top: usize = 0;
  private end: usize = 0;
  /** An allocation did not fit. Readers check it once at their end; until then they write to `spill`, never out of bounds. */
  full: bool = false;

  /** Takes over `len` bytes at `ptr`, which is 8-aligned. */
  open(ptr: usize, len: i32): void {
    this.top = ptr;
    this.end = ptr + len;
    this.full = false;
  }

  /** `size` zeroed bytes, 8-aligned. When there is no room: `full`, and a scratch block that is big enough for any struct. */
  take(size: i32): usize {
    const rounded = (<usize>size + 7) & ~(<usize>7);
    if (size < 0 || rounded > this.end - this.top) {
      this.full = true;
      memory.fill(spill, 0, SPILL_BYTES);
      return spill;
    }
    const ptr = this.top;
    this.top += rounded;
    memory.fill(ptr, 0, rounded);
    return ptr;
  }

  /** Whether `take(size)` would succeed: for blocks larger than a struct. */
  hasRoom(size: i32): bool {
    return size >= 0 && ((<usize>size + 7) & ~(<usize>7)) <= this.end - this.top;
  }

  /** The first free byte: everything below belongs to what was taken. */
  used(): usize {
    return this.top;
  }
}

/** Larger than any struct that is taken without `hasRoom`. */
const SPILL_BYTES: i32 = 512;
const spill: usize = memory.data(512, 16);

/** A byte range: a string of a parsed text, unescaped, somewhere in its region. `ptr` 0 means absent. */
export class Text {
  ptr: usize = 0;
  len: i32 = 0;
}

export function newText(region: Region, ptr: usize, len: i32): Text {
  const text = changetype<Text>(region.take(offsetof<Text>()));
  text.ptr = ptr;
  text.len = len;
  return text;
}

/** Consecutive `Text`s in a region. While a list grows, nothing else is taken from its region. */
export class TextList {
  first: usize = 0;
  count: i32 = 0;

  at(index: i32): Text {
    return changetype<Text>(this.first + <usize>index * offsetof<Text>());
  }

  /** Appends, or fails (false) at `max`. */
  push(region: Region, ptr: usize, len: i32, max: i32): bool {
    if (this.count >= max) return false;
    const text = newText(region, ptr, len);
    if (this.count == 0) this.first = changetype<usize>(text);
    this.count += 1;
    return !region.full;
  }
}

export function newTextList(region: Region): TextList {
  return changetype<TextList>(region.take(offsetof<TextList>()));
}
