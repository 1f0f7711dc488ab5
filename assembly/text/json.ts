/**
 * A pull reader of JSON (RFC 8259) over bytes that it may change: strings are unescaped where they stand, as no escape is
 * shorter than what it stands for. It reads only the shapes that its callers ask for, is bounded in depth, allocates
 * nothing and never reads past its end. After the first error `ok` stays false and nothing more is read.
 */
import { MAX_JSON_DEPTH, MAX_SAFE_INTEGER } from "../limits";
import { hexValue, isDigit } from "./bytes";
import { Fault } from "./fault";
import { sequenceLength, writeCodePoint } from "./utf8";

const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const MINUS: u8 = 0x2d;
const ZERO: u8 = 0x30;
const COMMA: u8 = 0x2c;
const COLON: u8 = 0x3a;
const OPEN_BRACE: u8 = 0x7b;
const CLOSE_BRACE: u8 = 0x7d;
const OPEN_BRACKET: u8 = 0x5b;
const CLOSE_BRACKET: u8 = 0x5d;

export class JsonReader {
  ok: bool = true;
  /** A `Fault`: the first that was found. */
  fault: i32 = Fault.None;
  /** Where: the caller's own numbers for the member that it was reading, and for one of an object inside that. 0 where it has none. */
  member: i32 = 0;
  inner: i32 = 0;
  /** The last name or string, unescaped. */
  stringPtr: usize = 0;
  stringLen: i32 = 0;
  private at: usize = 0;
  private end: usize = 0;
  private depth: i32 = 0;
  /** The container was just opened: its first element has no comma before it. */
  private isFirst: bool = false;

  start(ptr: usize, len: i32): void {
    this.ok = true;
    this.fault = Fault.None;
    this.member = 0;
    this.inner = 0;
    this.stringPtr = ptr;
    this.stringLen = 0;
    this.at = ptr;
    this.end = ptr + len;
    this.depth = 0;
    this.isFirst = false;
  }

  /** Refuses the text from outside: a value that the caller cannot take. The first fault stays. Always false. */
  fail(fault: i32 = Fault.Value): bool {
    if (this.fault == Fault.None) this.fault = fault;
    this.ok = false;
    return false;
  }

  /** The first byte of the next value, not consumed; 0 at the end or after an error. */
  kind(): u8 {
    this.skipSpace();
    return this.ok && this.at < this.end ? load<u8>(this.at) : 0;
  }

  openObject(): bool {
    return this.open(OPEN_BRACE);
  }

  openArray(): bool {
    return this.open(OPEN_BRACKET);
  }

  /** The next member's name is read and its colon consumed; false when the object is closed or bad. */
  nextMember(): bool {
    if (!this.next(CLOSE_BRACE)) return false;
    if (this.kind() != QUOTE) return this.fail(Fault.Json);
    if (!this.string()) return false;
    if (this.kind() != COLON) return this.fail(Fault.Json);
    this.at += 1;
    return true;
  }

  /** There is another element; false when the array is closed or bad. */
  nextElement(): bool {
    return this.next(CLOSE_BRACKET);
  }

  /** Reads a string; false when the next value is none, or a bad one. */
  string(): bool {
    if (this.kind() != QUOTE) return this.another();
    this.at += 1;
    const start = this.at;
    this.skipPlain();
    let out = this.at;
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c == QUOTE) {
        this.at += 1;
        this.stringPtr = start;
        this.stringLen = <i32>(out - start);
        return true;
      }
      if (c < 0x20) return this.fail(Fault.Json);
      if (c == BACKSLASH) {
        const written = this.unescape(out);
        if (written == 0) return this.fail(Fault.Json);
        out += written;
        continue;
      }
      const length = sequenceLength(this.at, <i32>(this.end - this.at));
      if (length == 0) return this.fail(Fault.Json);
      if (out != this.at) memory.copy(out, this.at, length);
      this.at += length;
      out += length;
    }
    return this.fail(Fault.Json);
  }

  /** An integer from 0 to 2^53 - 1, in digits only: no sign, fraction, exponent or leading zero. Else -1 and not ok. */
  integer(): i64 {
    const first = this.kind();
    const start = first == 0 ? this.end : this.at;
    if (first != MINUS && !isDigit(first)) {
      this.another();
      return -1;
    }
    let value: i64 = 0;
    while (this.at < this.end && isDigit(load<u8>(this.at))) {
      // At most 16 digits: below 2^63 by far.
      if (this.at - start >= 16) return this.noInteger();
      value = value * 10 + (load<u8>(this.at) - 0x30);
      this.at += 1;
    }
    const digits = <i32>(this.at - start);
    if (!this.ok || digits == 0 || value > MAX_SAFE_INTEGER) return this.noInteger();
    if (digits > 1 && load<u8>(start) == ZERO) return this.noInteger();
    if (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c == 0x2e || c == 0x65 || c == 0x45) return this.noInteger(); // . e E
    }
    return value;
  }

  /** Reads on over any number (RFC 8259, section 6): one whose value nobody asks for. False when the next value is none. */
  skipNumber(): bool {
    const first = this.kind();
    if (first != MINUS && !isDigit(first)) return this.another();
    if (first == MINUS) this.at += 1;
    const start = this.at;
    if (!this.digits() || (load<u8>(start) == ZERO && this.at - start > 1)) return this.fail(Fault.Json);
    if (this.byte() == 0x2e /* . */) {
      this.at += 1;
      if (!this.digits()) return this.fail(Fault.Json);
    }
    if ((this.byte() | 0x20) != 0x65 /* e, E */) return true;
    this.at += 1;
    const sign = this.byte();
    if (sign == 0x2b || sign == MINUS) this.at += 1;
    return this.digits() || this.fail(Fault.Json);
  }

  boolean(): bool {
    if (this.word("true")) return true;
    return this.word("false") ? false : this.another();
  }

  /** `null`; false when the next value is another. */
  nothing(): bool {
    return this.word("null") || this.another();
  }

  /** Everything is read and closed, and only white space is left. */
  finish(): bool {
    this.skipSpace();
    if (this.depth != 0 || this.at != this.end) this.fail(Fault.Json);
    return this.ok;
  }

  /** Moves on to the first byte that ends a string or needs a look, or to less than 16 bytes before the end. */
  private skipPlain(): void {
    while (this.at + 16 <= this.end) {
      const c = v128.load(this.at);
      const special = v128.or(i8x16.eq(c, i8x16.splat(QUOTE)), i8x16.eq(c, i8x16.splat(BACKSLASH)));
      // Signed: control bytes, and all from 0x80 on.
      const mask = i8x16.bitmask(v128.or(special, i8x16.lt_s(c, i8x16.splat(0x20))));
      if (mask != 0) {
        this.at += ctz(mask);
        return;
      }
      this.at += 16;
    }
  }

  /** The next value is of another type than wanted, or there is none. Always false. */
  private another(): bool {
    return this.fail(this.kind() == 0 ? Fault.Json : Fault.Type);
  }

  /** The byte at hand, white space or not; 0 at the end. */
  private byte(): u8 {
    return this.at < this.end ? load<u8>(this.at) : 0;
  }

  /** Moves on behind digits; false where there is none. */
  private digits(): bool {
    const start = this.at;
    while (isDigit(this.byte())) this.at += 1;
    return this.at > start;
  }

  private noInteger(): i64 {
    this.fail(Fault.Value);
    return -1;
  }

  private skipSpace(): void {
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c != 0x20 && c != 0x09 && c != 0x0a && c != 0x0d) return;
      this.at += 1;
    }
  }

  private open(bracket: u8): bool {
    if (this.kind() != bracket) return this.another();
    if (this.depth >= MAX_JSON_DEPTH) return this.fail(Fault.Json);
    this.at += 1;
    this.depth += 1;
    this.isFirst = true;
    return true;
  }

  private next(close: u8): bool {
    const c = this.kind();
    if (c == close) {
      this.at += 1;
      this.depth -= 1;
      // What follows stands behind an element of the outer container.
      this.isFirst = false;
      return false;
    }
    if (this.isFirst) {
      this.isFirst = false;
      return c != 0 || this.fail(Fault.Json);
    }
    if (c != COMMA) return this.fail(Fault.Json);
    this.at += 1;
    const value = this.kind();
    return (value != close && value != 0) || this.fail(Fault.Json);
  }

  private word(literal: string): bool {
    this.skipSpace();
    const length = literal.length;
    if (!this.ok || <i32>(this.end - this.at) < length) return false;
    for (let i = 0; i < length; i++) if (load<u8>(this.at + i) != <u8>literal.charCodeAt(i)) return false;
    this.at += length;
    return true;
  }

  /** Four hex digits at `from`, or -1. */
  private hex4(from: usize): i32 {
    if (from + 4 > this.end) return -1;
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexValue(load<u8>(from + i));
      if (digit < 0) return -1;
      value = (value << 4) | digit;
    }
    return value;
  }

  /** One escape at `at` is written to `out`; returns the bytes written, 0 when it is bad. A lone surrogate is bad. */
  private unescape(out: usize): i32 {
    if (this.at + 2 > this.end) return 0;
    const c = load<u8>(this.at, 1);
    if (c == 0x75 /* u */) return this.unescapeUnicode(out);
    this.at += 2;
    let byte: u8 = 0;
    switch (c) {
      case QUOTE:
      case BACKSLASH:
      case 0x2f:
        byte = c;
        break;
      case 0x62:
        byte = 0x08;
        break;
      case 0x66:
        byte = 0x0c;
        break;
      case 0x6e:
        byte = 0x0a;
        break;
      case 0x72:
        byte = 0x0d;
        break;
      case 0x74:
        byte = 0x09;
        break;
      default:
        return 0;
    }
    store<u8>(out, byte);
    return 1;
  }

  private unescapeUnicode(out: usize): i32 {
    const unit = this.hex4(this.at + 2);
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
    if (unit < 0xd800 || unit > 0xdbff) {
      this.at += 6;
      return writeCodePoint(out, <u32>unit);
    }
    // A high surrogate: the low one must follow as an escape.
    if (this.at + 12 > this.end || load<u8>(this.at, 6) != BACKSLASH || load<u8>(this.at, 7) != 0x75) return 0;
    const low = this.hex4(this.at + 8);
    if (low < 0xdc00 || low > 0xdfff) return 0;
    this.at += 12;
    return writeCodePoint(out, 0x10000 + ((<u32>unit - 0xd800) << 10) + (<u32>low - 0xdc00));
  }
}
