import { JsonReader } from "../../../assembly/text/json";
import { bytesOf, lengthOf, stringOf } from "../bytes";

const reader = new JsonReader();

function start(text: string): void {
  reader.start(bytesOf(text), lengthOf(text));
}

/** Reads any value of strings, integers, booleans, arrays and objects. */
function skip(): void {
  const kind = reader.kind();
  if (kind == 0x7b) {
    if (!reader.openObject()) return;
    while (reader.nextMember()) skip();
  } else if (kind == 0x5b) {
    if (!reader.openArray()) return;
    while (reader.nextElement()) skip();
  } else if (kind == 0x22) reader.string();
  else if (kind == 0x74 || kind == 0x66) reader.boolean();
  else reader.integer();
}

function isGood(text: string): bool {
  start(text);
  skip();
  return reader.finish();
}

function readString(text: string): string {
  start(text);
  return reader.string() && reader.finish() ? stringOf(reader.stringPtr, reader.stringLen) : "(bad)";
}

function readInteger(text: string): i64 {
  start(text);
  const value = reader.integer();
  return reader.finish() ? value : -1;
}

function skipsNumber(text: string): bool {
  start(text);
  return reader.skipNumber() && reader.finish();
}

describe("structure", () => {
  it("reads what RFC 8259 allows", () => {
    expect(isGood('{"a":[1,"b",true,false,{}],"c":{"d":[]}}')).toBe(true);
    expect(isGood(' \t\r\n{ "a" : [ 1 , 2 ] } \n')).toBe(true);
    expect(isGood("[]")).toBe(true);
    expect(isGood('""')).toBe(true);
    expect(isGood("[[[[[[[[]]]]]]]]")).toBe(true);
  });
  it("refuses everything else", () => {
    const bad = [
      "",
      " ",
      "{",
      "}",
      "[",
      "]",
      "[1",
      "[1,",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[1]]",
      "{}}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      "{a:1}",
      "{1:1}",
      '{"a" 1}',
      '{"a":1 "b":2}',
      '{,"a":1}',
      "[true",
      "tru",
      "[falsee]",
      "'a'",
      '{"a":1}x',
      "nul",
      "[1}",
      '{"a":1]',
      "\x0b[]",
      "[[[[[[[[[]]]]]]]]]",
    ];
    for (let i = 0; i < bad.length; i++) {
      if (isGood(bad[i])) log(bad[i]);
      expect(isGood(bad[i])).toBe(false);
    }
  });
  it("stays bad after the first error", () => {
    start('[x, "y"]');
    reader.openArray();
    reader.nextElement();
    expect(reader.string()).toBe(false);
    expect(reader.string()).toBe(false);
    expect(reader.finish()).toBe(false);
  });
});

describe("strings", () => {
  it("are unescaped in place", () => {
    expect(readString('"a\\"b\\\\c\\/d\\b\\f\\n\\r\\t"')).toBe('a"b\\c/d\b\f\n\r\t');
    expect(readString('"\\u0041\\u00e9\\u20ac\\ud83d\\ude00"')).toBe("A\u00e9\u20ac\ud83d\ude00");
    expect(readString('"\u00e9\u20ac\ud83d\ude00"')).toBe("\u00e9\u20ac\ud83d\ude00");
    expect(readString('"\\u0000x"').length).toBe(2);
  });
  it("refuse bad escapes, lone surrogates and control bytes", () => {
    const bad = [
      '"',
      '"a',
      '"\\',
      '"\\x41"',
      '"\\u12"',
      '"\\u12g4"',
      '"\\ud83d"',
      '"\\ud83dx"',
      '"\\ud83d\\u0041"',
      '"\\ude00"',
      '"\n"',
      '"\x1f"',
      '"\\ud83d\\ude0"',
    ];
    for (let i = 0; i < bad.length; i++) expect(readString(bad[i])).toBe("(bad)");
  });
  it("refuse malformed UTF-8", () => {
    // Each: bytes between quotes. Overlong, surrogate, too large, truncated, stray continuation.
    const bad: StaticArray<u32> = [
      0xc080, 0xe08080, 0xeda080, 0xf0808080, 0xf4908080, 0xff, 0x80, 0xc3, 0xe282, 0xf09f98,
    ];
    for (let i = 0; i < bad.length; i++) {
      const ptr = heap.alloc(8);
      let at = ptr;
      store<u8>(at++, 0x22);
      for (let shift = 24; shift >= 0; shift -= 8) {
        const byte = <u8>(bad[i] >> shift);
        if (byte != 0) store<u8>(at++, byte);
      }
      store<u8>(at++, 0x22);
      reader.start(ptr, <i32>(at - ptr));
      expect(reader.string()).toBe(false);
    }
  });
});

describe("integers", () => {
  it("are NumericDates", () => {
    expect(readInteger("0")).toBe(0);
    expect(readInteger("1795520157")).toBe(1795520157);
    expect(readInteger("9007199254740991")).toBe(9007199254740991);
  });
  it("have no sign, fraction, exponent, leading zero, and stay below 2^53", () => {
    const bad = [
      "-1",
      "+1",
      "01",
      "00",
      "1.0",
      "1e3",
      "1E3",
      "9007199254740992",
      "99999999999999999999",
      "",
      "a",
      "0x1",
      "1 2",
    ];
    for (let i = 0; i < bad.length; i++) expect(readInteger(bad[i])).toBe(-1);
  });
});

describe("numbers that nobody reads", () => {
  it("are all that RFC 8259 has", () => {
    const good = [
      "0",
      "-0",
      "10",
      "-1",
      "1.5",
      "0.05",
      "-0.0E-0",
      "1e3",
      "1E+30",
      "2e-7",
      "123456789012345678901234567890",
    ];
    for (let i = 0; i < good.length; i++) expect(skipsNumber(good[i])).toBe(true);
  });
  it("are no others", () => {
    const bad = [
      "",
      "-",
      "+1",
      "01",
      "-00",
      "1.",
      ".5",
      "1.e1",
      "1e",
      "1e+",
      "- 1",
      "1 .5",
      "0x1",
      "1e1.5",
      "NaN",
      "--1",
      "1-",
      '"1"',
    ];
    for (let i = 0; i < bad.length; i++) expect(skipsNumber(bad[i])).toBe(false);
  });
});
