/** A string that may be shown in part: whole characters and whole escapes, never more than was allowed. */
import { Writer } from "../../../assembly/text/writer";
import { bytesOf, lengthOf } from "../bytes";

const writer = new Writer();
const out = heap.alloc(4096);
let shown: i32 = 0;

/** The part of the text that takes `limit` characters. */
function part(text: string, limit: i32): string {
  writer.open(out, 4096);
  shown = writer.part(bytesOf(text), lengthOf(text), limit);
  expect(writer.overflow).toBe(false);
  return String.UTF8.decodeUnsafe(out, writer.length);
}

describe("a part of a string", () => {
  it("is all of it where that fits, to the last character", () => {
    expect(part("/orders/7", 9)).toBe('"/orders/7"');
    expect(shown).toBe(9);
    expect(part("", 0)).toBe('""');
    expect(shown).toBe(0);
    expect(part("abcdefghijklmnopqrstuvwxyz0123456789", 36)).toBe('"abcdefghijklmnopqrstuvwxyz0123456789"');
    expect(shown).toBe(36);
  });
  it("is its beginning otherwise, at each length", () => {
    const text = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (let limit = 0; limit < 36; limit++) {
      expect(part(text, limit)).toBe(`"${text.substr(0, limit)}"`);
      expect(shown).toBe(limit);
    }
  });
  it("ends before an escape that does not fit whole", () => {
    // A quote takes 2 characters, a control byte 6, a character beyond 16 bits 12.
    expect(part('a"b', 1)).toBe('"a"');
    expect(part('a"b', 2)).toBe('"a"');
    expect(part('a"b', 3)).toBe('"a\\""');
    expect(shown).toBe(2);
    for (let limit = 1; limit < 7; limit++) expect(part("a\tb", limit)).toBe('"a"');
    expect(part("a\tb", 7)).toBe('"a\\u0009"');
    for (let limit = 1; limit < 7; limit++) expect(part("a\u00e9b", limit)).toBe('"a"');
    expect(part("a\u00e9b", 7)).toBe('"a\\u00e9"');
    expect(shown).toBe(3);
    for (let limit = 1; limit < 13; limit++) expect(part("a\u{1f600}b", limit)).toBe('"a"');
    expect(shown).toBe(1);
    expect(part("a\u{1f600}b", 13)).toBe('"a\\ud83d\\ude00"');
    expect(shown).toBe(5);
  });
  it("goes on behind what is no UTF-8", () => {
    writer.open(out, 4096);
    const bytes = bytesOf("abcd");
    store<u8>(bytes, 0xff, 1);
    shown = writer.part(bytes, 4, 8);
    expect(String.UTF8.decodeUnsafe(out, writer.length)).toBe('"a\\ufffdc"');
    expect(shown).toBe(3);
  });
  it("never leaves its buffer", () => {
    store<u8>(out, 0x77, 12);
    writer.open(out, 12);
    shown = writer.part(bytesOf("abcdefghijklmnopqrstuvwxyz"), 26, 20);
    expect(writer.overflow).toBe(true);
    expect(load<u8>(out, 12)).toBe(0x77);
  });
});

describe("whole steps", () => {
  it("escape a quote wherever it stands, at each length", () => {
    const plain = "abcdefghijklmnopqrstuvwxyz0123456789ABCD";
    for (let length = 1; length <= 40; length++) {
      for (let at = 0; at < length; at++) {
        const text = `${plain.substr(0, at)}"${plain.substr(at + 1, length - at - 1)}`;
        if (part(text, 100) != `"${text.replace('"', '\\"')}"`) expect(text).toBe("escaped");
        if (shown != length) expect(text).toBe("shown whole");
      }
    }
  });
  it("write a literal into the very last bytes, and none beyond", () => {
    for (let room = 0; room < 12; room++) {
      memory.fill(out, 0x77, 64);
      writer.open(out, room);
      writer.literal("a");
      writer.literal("seven77");
      expect(writer.overflow).toBe(room < 8);
      expect(load<u8>(out + room)).toBe(0x77);
    }
    expect(String.UTF8.decodeUnsafe(out, writer.length)).toBe("aseven77");
  });
  it("write numbers of each length", () => {
    const numbers: StaticArray<i64> = [0, 9, 10, 1764115200, -1, 9007199254740993, i64.MAX_VALUE, i64.MIN_VALUE];
    for (let i = 0; i < numbers.length; i++) {
      writer.open(out, 4096);
      writer.integer(numbers[i]);
      expect(String.UTF8.decodeUnsafe(out, writer.length)).toBe(numbers[i].toString());
    }
  });
});
