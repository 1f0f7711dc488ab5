/** Writes ASCII JSON into a fixed buffer. What does not fit sets `overflow`, and nothing more is written. */
import { encode } from "./base64url";
import { writeEight, writeHex, writeLiteral } from "./bytes";
import { codePoint, sequenceLength } from "./utf8";

/** What an invalid byte of a header is shown as. */
const REPLACEMENT: u32 = 0xfffd;
/** More characters than there is memory for. */
const WHOLE: i32 = 1 << 30;
const scratch: usize = memory.data(32, 8);
/** Digits of a u64, at most. */
const MAX_DIGITS: usize = 20;

/** `"` or `\`, which a backslash escapes. */
function isMarked(point: u32): bool {
  return point == 0x22 || point == 0x5c;
}

function isPlain(point: u32): bool {
  return point >= 0x20 && point < 0x7f && !isMarked(point);
}

/** Characters that a code point takes in a string: itself, `\"`, `\u0000`, or two of those. */
function writtenLength(point: u32): i32 {
  if (isPlain(point)) return 1;
  if (isMarked(point)) return 2;
  return point < 0x10000 ? 6 : 12;
}

/** Whether none of 16 bytes needs an escape. */
function arePlain(c: v128): bool {
  const special = v128.or(i8x16.eq(c, i8x16.splat(0x22)), i8x16.eq(c, i8x16.splat(0x5c)));
  // Signed: bytes beyond ASCII are below the space as well.
  const beyond = v128.or(i8x16.lt_s(c, i8x16.splat(0x20)), i8x16.eq(c, i8x16.splat(0x7f)));
  return !v128.any_true(v128.or(special, beyond));
}

export class Writer {
  start: usize = 0;
  length: i32 = 0;
  overflow: bool = false;
  private capacity: i32 = 0;

  open(ptr: usize, capacity: i32): void {
    this.start = ptr;
    this.capacity = capacity;
    this.length = 0;
    this.overflow = false;
  }

  /** Whether `len` more bytes fit; if not, `overflow`. */
  private room(len: i32): bool {
    if (this.overflow || len < 0 || len > this.capacity - this.length) {
      this.overflow = true;
      return false;
    }
    return true;
  }

  byte(value: u8): void {
    if (!this.room(1)) return;
    store<u8>(this.start + this.length, value);
    this.length += 1;
  }

  literal(text: string): void {
    if (!this.room(text.length)) return;
    const at = this.start + this.length;
    // Most are short: eight characters at once, of which those beyond the literal's end are written over by what comes next.
    if (text.length <= 8 && this.capacity - this.length >= 8) writeEight(at, text);
    else writeLiteral(at, text);
    this.length += text.length;
  }

  /** Bytes as they are. */
  bytes(ptr: usize, len: i32): void {
    if (!this.room(len)) return;
    memory.copy(this.start + this.length, ptr, len);
    this.length += len;
  }

  /** A quoted JSON string: `"`, `\`, control bytes and everything beyond ASCII escaped, an invalid byte as U+FFFD. */
  string(ptr: usize, len: i32): void {
    this.part(ptr, len, WHOLE);
  }

  /**
   * A quoted JSON string of as much of (ptr, len) as takes `limit` characters between its quotes. Characters are whole in it,
   * and so are their escapes.
   * @returns how many bytes are shown
   */
  part(ptr: usize, len: i32, limit: i32): i32 {
    this.byte(0x22);
    const end = this.length + min(limit, WHOLE);
    let at = 0;
    while (at < len && !this.overflow) {
      at += this.plain(ptr + at, min(len - at, end - this.length));
      if (at >= len || this.overflow) break;
      // Most are plain, and whole steps of 16 of them are behind us.
      if (isPlain(load<u8>(ptr + at)) && this.length < end) {
        this.byte(load<u8>(ptr + at));
        at += 1;
        continue;
      }
      const length = sequenceLength(ptr + at, len - at);
      const point = length == 0 ? REPLACEMENT : codePoint(ptr + at, length);
      if (writtenLength(point) > end - this.length) break;
      this.character(point);
      at += max(1, length);
    }
    this.byte(0x22);
    return at;
  }

  /** Copies what needs no escape from the start of (ptr, len), in steps of 16 and 8 bytes; returns how much that was. */
  private plain(ptr: usize, len: i32): i32 {
    let at = 0;
    while (at + 16 <= len && this.room(16)) {
      const c = v128.load(ptr + at);
      if (!arePlain(c)) return at;
      v128.store(this.start + this.length, c);
      this.length += 16;
      at += 16;
    }
    const rest = len - at;
    if (len < 8 || rest <= 0 || !this.room(rest)) return at;
    // What is left is copied with what stands before it, which is copied already: the last 16 bytes, or 8 and 8.
    const to = this.start + this.length;
    if (at > 0) {
      const c = v128.load(ptr + len - 16);
      if (!arePlain(c)) return at;
      v128.store(to + rest - 16, c);
    } else {
      const first = load<u64>(ptr);
      const last = load<u64>(ptr + len - 8);
      if (!arePlain(i64x2.replace_lane(i64x2.splat(first), 1, last))) return at;
      store<u64>(to, first);
      store<u64>(to + rest - 8, last);
    }
    this.length += rest;
    return len;
  }

  /** Decimal, with a sign when negative. */
  integer(value: i64): void {
    if (value < 0) this.byte(0x2d);
    let rest: u64 = value < 0 ? 0 - <u64>value : <u64>value;
    const end = scratch + MAX_DIGITS;
    let at = end;
    do {
      const tenth = rest / 10;
      store<u8>(--at, 0x30 + <u8>(rest - tenth * 10));
      rest = tenth;
    } while (rest > 0);
    this.bytes(at, <i32>(end - at));
  }

  /** Lower-case hex. */
  hex(ptr: usize, len: i32): void {
    if (!this.room(len << 1)) return;
    this.length += writeHex(this.start + this.length, ptr, len);
  }

  base64url(ptr: usize, len: i32): void {
    if (!this.room(<i32>((<i64>len * 4 + 2) / 3))) return;
    this.length += encode(ptr, len, this.start + this.length);
  }

  private character(point: u32): void {
    if (isPlain(point)) {
      this.byte(<u8>point);
    } else if (isMarked(point)) {
      this.byte(0x5c);
      this.byte(<u8>point);
    } else if (point >= 0x10000) {
      this.unit(0xd800 + ((point - 0x10000) >> 10));
      this.unit(0xdc00 + ((point - 0x10000) & 0x3ff));
    } else {
      this.unit(point);
    }
  }

  private unit(value: u32): void {
    store<u8>(scratch, <u8>(value >> 8));
    store<u8>(scratch, <u8>value, 1);
    this.literal("\\u");
    this.hex(scratch, 2);
  }
}
