/** What is special in a JSON string, at every place of strings of every length around the steps of sixteen bytes. */
import { equalBytes } from "../../../assembly/text/bytes";
import { JsonReader } from "../../../assembly/text/json";
import { Writer } from "../../../assembly/text/writer";
import { bytesOf, lengthOf } from "../bytes";

const MAX_LENGTH: i32 = 40;
const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;
const GUARD: u8 = 0xa5;
const GUARD_BYTES: i32 = 32;

const area = heap.alloc(512);
const text = heap.alloc(256);
const wanted = heap.alloc(256);
const one = heap.alloc(1);
const reader = new JsonReader();
const writer = new Writer();
const REPLACEMENT = bytesOf("\ufffd");

/** Escapes, and what they stand for. */
const ESCAPES: StaticArray<string> = [
  '\\"',
  "\\\\",
  "\\/",
  "\\b",
  "\\f",
  "\\n",
  "\\r",
  "\\t",
  "\\u0000",
  "\\u0041",
  "\\u00e9",
  "\\u20ac",
  "\\ud83d\\ude00",
  "\\n\u20ac\\t",
];
const ESCAPED: StaticArray<string> = [
  '"',
  "\\",
  "/",
  "\b",
  "\f",
  "\n",
  "\r",
  "\t",
  "\0",
  "A",
  "\u00e9",
  "\u20ac",
  "\ud83d\ude00",
  "\n\u20ac\t",
];
/** The first and the last of two, three and four bytes. */
const SEQUENCES: StaticArray<string> = ["\u0080", "\u07ff", "\u0800", "\uffff", "\ud800\udc00", "\udbff\udfff"];

/** Writes `len` letters with the insertion among them, and guards behind; returns the length. */
function lay(out: usize, len: i32, position: i32, ptr: usize, size: i32): i32 {
  for (let i = 0; i < len; i++) store<u8>(out + i + (i < position ? 0 : size), <u8>(0x61 + ((i * 7 + len) % 26)));
  memory.copy(out + position, ptr, size);
  memory.fill(out + len + size, GUARD, GUARD_BYTES);
  return len + size;
}

function isGuarded(ptr: usize): bool {
  for (let i = 0; i < GUARD_BYTES; i++) if (load<u8>(ptr + i) != GUARD) return false;
  return true;
}

/** Lays a string between quotes, and one more quote behind, which is not of the text. Returns the text's length. */
function layQuoted(len: i32, position: i32, ptr: usize, size: i32): i32 {
  const content = lay(area + 1, len, position, ptr, size);
  store<u8>(area, QUOTE);
  store<u8>(area + content + 1, QUOTE);
  store<u8>(area + content + 2, QUOTE);
  memory.fill(area + content + 3, GUARD, GUARD_BYTES);
  return content + 2;
}

function isRead(len: i32): bool {
  reader.start(area, len);
  return reader.string() && reader.finish();
}

function isRefused(len: i32, position: i32, ptr: usize, size: i32): bool {
  return !isRead(layQuoted(len, position, ptr, size));
}

/** The insertion reads as the other; without its closing quote, which stands right behind, the text is refused. */
function readsAs(len: i32, position: i32, ptr: usize, size: i32, asPtr: usize, asSize: i32): bool {
  if (isRead(layQuoted(len, position, ptr, size) - 1)) return false;
  const quoted = layQuoted(len, position, ptr, size);
  const wantedLen = lay(wanted, len, position, asPtr, asSize);
  if (!isRead(quoted) || !equalBytes(reader.stringPtr, reader.stringLen, wanted, wantedLen)) return false;
  return load<u8>(area + quoted) == QUOTE && isGuarded(area + quoted + 1);
}

/** Written as ASCII and read again it is the text, with the insertion as that. Returns the characters written, or -1. */
function written(len: i32, position: i32, ptr: usize, size: i32, asPtr: usize, asSize: i32): i32 {
  const textLen = lay(text, len, position, ptr, size);
  const wantedLen = lay(wanted, len, position, asPtr, asSize);
  writer.open(area, 512);
  writer.string(text, textLen);
  const count = writer.length;
  for (let i = 0; i < count; i++) if (load<u8>(area + i) < 0x20 || load<u8>(area + i) > 0x7e) return -1;
  if (writer.overflow || !isRead(count) || !equalBytes(reader.stringPtr, reader.stringLen, wanted, wantedLen))
    return -1;
  return count;
}

/** In a buffer of any size the text is written whole or `overflow` is set, and nothing stands behind the buffer. */
function fitsExactly(len: i32, position: i32, ptr: usize, size: i32): bool {
  const needed = written(len, position, ptr, size, ptr, size);
  const textLen = lay(text, len, position, ptr, size);
  for (let capacity = 0; capacity <= needed; capacity++) {
    memory.fill(area, GUARD, capacity + GUARD_BYTES);
    writer.open(area, capacity);
    writer.string(text, textLen);
    if (writer.overflow != capacity < needed || writer.length > capacity || !isGuarded(area + capacity)) return false;
  }
  return writer.length == needed;
}

function place(what: string, position: i32, len: i32): string {
  return `${what} at ${position} of ${len}`;
}

describe("a string is read", () => {
  it("with any single byte: as itself, or not at all", () => {
    let wrong = "";
    for (let byte = 0; byte < 256; byte++) {
      store<u8>(one, <u8>byte);
      const isPlain = byte >= 0x20 && byte < 0x80 && byte != QUOTE && byte != BACKSLASH;
      for (let len = 0; len <= MAX_LENGTH; len++) {
        for (let position = 0; position <= len; position++) {
          // Before a letter a backslash may be good: see the escapes.
          if (byte == BACKSLASH && position < len) continue;
          const isGood = isPlain ? readsAs(len, position, one, 1, one, 1) : isRefused(len, position, one, 1);
          if (!isGood) wrong = place(`byte ${byte}`, position, len);
        }
      }
    }
    expect(wrong).toBe("");
  });
  it("with any escape, as what it stands for", () => {
    let wrong = "";
    for (let i = 0; i < ESCAPES.length; i++) {
      const ptr = bytesOf(ESCAPES[i]);
      const size = lengthOf(ESCAPES[i]);
      const asPtr = bytesOf(ESCAPED[i]);
      const asSize = lengthOf(ESCAPED[i]);
      for (let len = 0; len <= MAX_LENGTH; len++) {
        for (let position = 0; position <= len; position++) {
          if (!readsAs(len, position, ptr, size, asPtr, asSize)) wrong = place(ESCAPES[i], position, len);
        }
      }
    }
    expect(wrong).toBe("");
  });
  it("with UTF-8, and not with a part of it, though the rest stands behind the end", () => {
    let wrong = "";
    for (let i = 0; i < SEQUENCES.length; i++) {
      const ptr = bytesOf(SEQUENCES[i]);
      const size = lengthOf(SEQUENCES[i]);
      for (let len = 0; len <= MAX_LENGTH; len++) {
        for (let position = 0; position <= len; position++) {
          if (!readsAs(len, position, ptr, size, ptr, size)) wrong = place(SEQUENCES[i], position, len);
          for (let cut = 1; cut < size; cut++) {
            if (!isRefused(len, position, ptr, cut)) wrong = place(`part of ${SEQUENCES[i]}`, position, len);
          }
        }
        for (let cut = 1; cut < size; cut++) {
          layQuoted(len, len, ptr, size);
          if (isRead(1 + len + cut)) wrong = place(`cut ${SEQUENCES[i]}`, len, len);
        }
      }
    }
    expect(wrong).toBe("");
  });
});

describe("a string is written", () => {
  it("with any single byte so that it is read again, an invalid one as U+FFFD", () => {
    let wrong = "";
    for (let byte = 0; byte < 256; byte++) {
      store<u8>(one, <u8>byte);
      const asPtr = byte < 0x80 ? one : REPLACEMENT;
      const asSize = byte < 0x80 ? 1 : 3;
      for (let len = 0; len <= MAX_LENGTH; len++) {
        for (let position = 0; position <= len; position++) {
          if (written(len, position, one, 1, asPtr, asSize) < 0) wrong = place(`byte ${byte}`, position, len);
        }
      }
    }
    expect(wrong).toBe("");
  });
  it("whole or with `overflow`, in a buffer of any size, and never past it", () => {
    const insertions: StaticArray<string> = ["", "a", '"', "\\", "\n", "\x7f", "\u00e9", "\u20ac", "\ud83d\ude00"];
    let wrong = "";
    for (let i = 0; i < insertions.length; i++) {
      const ptr = bytesOf(insertions[i]);
      const size = lengthOf(insertions[i]);
      for (let len = 0; len <= MAX_LENGTH; len++) {
        for (let position = 0; position <= len; position++) {
          if (!fitsExactly(len, position, ptr, size)) wrong = place(insertions[i], position, len);
        }
      }
    }
    expect(wrong).toBe("");
  });
});
