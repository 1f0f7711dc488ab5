import { decode, encode } from "../../../assembly/text/base64url";
import { writeTimestamp } from "../../../assembly/text/time";
import { Writer } from "../../../assembly/text/writer";
import { bytesOf, lengthOf, stringOf } from "../bytes";

const out = heap.alloc(256);

function decoded(text: string): string {
  const len = decode(bytesOf(text), lengthOf(text), out);
  return len < 0 ? "(bad)" : stringOf(out, len);
}

describe("base64url", () => {
  it("decodes RFC 4648's vectors without padding", () => {
    expect(decoded("")).toBe("");
    expect(decoded("Zg")).toBe("f");
    expect(decoded("Zm8")).toBe("fo");
    expect(decoded("Zm9v")).toBe("foo");
    expect(decoded("Zm9vYg")).toBe("foob");
    expect(decoded("Zm9vYmE")).toBe("fooba");
    expect(decoded("Zm9vYmFy")).toBe("foobar");
  });
  it("has one spelling per value", () => {
    const bad = ["Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm 9v", "Zm9vZ", "Zm9v\n", "Zm9v="];
    for (let i = 0; i < bad.length; i++) expect(decoded(bad[i])).toBe("(bad)");
  });
  it("encodes back, in place too", () => {
    for (let len = 0; len < 64; len++) {
      for (let i = 0; i < len; i++) store<u8>(out + i, <u8>(i * 37 + len));
      const text = heap.alloc(128);
      const characters = encode(out, len, text);
      expect(decode(text, characters, text)).toBe(len);
      expect(memory.compare(text, out, len)).toBe(0);
    }
  });
});

describe("timestamps", () => {
  it("are RFC 3339 in UTC", () => {
    expect(stringOf(out, writeTimestamp(out, 0))).toBe("1970-01-01T00:00:00.000Z");
    expect(stringOf(out, writeTimestamp(out, 951782400123000000))).toBe("2000-02-29T00:00:00.123Z");
    expect(stringOf(out, writeTimestamp(out, 1795519995999999999))).toBe("2026-11-24T11:33:15.999Z");
    expect(stringOf(out, writeTimestamp(out, u64.MAX_VALUE))).toBe("2554-07-21T23:34:33.709Z");
  });
});

const writer = new Writer();

describe("the writer", () => {
  it("escapes to ASCII JSON", () => {
    writer.open(out, 256);
    const text = 'a"b\\c\n\x7f\u00e9\u20ac\ud83d\ude00';
    writer.string(bytesOf(text), lengthOf(text));
    expect(stringOf(out, writer.length)).toBe('"a\\"b\\\\c\\u000a\\u007f\\u00e9\\u20ac\\ud83d\\ude00"');
  });
  it("shows an invalid byte as U+FFFD", () => {
    const ptr = heap.alloc(4);
    store<u32>(ptr, 0x41ff80c0);
    writer.open(out, 256);
    writer.string(ptr, 4);
    expect(stringOf(out, writer.length)).toBe('"\\ufffd\\ufffd\\ufffdA"');
  });
  it("writes integers to their ends", () => {
    writer.open(out, 256);
    writer.integer(0);
    writer.byte(0x20);
    writer.integer(i64.MAX_VALUE);
    writer.byte(0x20);
    writer.integer(i64.MIN_VALUE);
    expect(stringOf(out, writer.length)).toBe("0 9223372036854775807 -9223372036854775808");
  });
  it("never writes past its end", () => {
    store<u8>(out, 0x2e, 8);
    writer.open(out, 8);
    writer.literal("12345");
    writer.literal("6789");
    expect(writer.overflow).toBe(true);
    expect(writer.length).toBe(5);
    writer.byte(0x21);
    expect(writer.length).toBe(5);
    expect(load<u8>(out, 8)).toBe(0x2e);
  });
});
