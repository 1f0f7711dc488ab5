import { equalBytes, isGrantId, isLiteral, isName, writeHex, writeLiteral } from "../../../assembly/text/bytes";
import { bytesOf, lengthOf, stringOf } from "../bytes";

/** Lengths around the steps of eight and sixteen bytes. */
const MAX_LENGTH: i32 = 40;
const GUARD: u8 = 0xa5;
const GUARD_BYTES: i32 = 32;
const ASCII = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

const first = heap.alloc(256);
const second = heap.alloc(256);

/** No byte like its neighbours. */
function fill(ptr: usize, len: i32): void {
  for (let i = 0; i < len; i++) store<u8>(ptr + i, <u8>(i * 167 + len));
}

function isGuarded(ptr: usize): bool {
  for (let i = 0; i < GUARD_BYTES; i++) if (load<u8>(ptr + i) != GUARD) return false;
  return true;
}

describe("names", () => {
  it("accepts letters, digits and ._@+-", () => {
    expect(isName(bytesOf("a"), 1)).toBe(true);
    expect(isName(bytesOf("rita.admin_7@x+y-z"), lengthOf("rita.admin_7@x+y-z"))).toBe(true);
  });
  it("refuses what begins otherwise, is empty or too long", () => {
    expect(isName(bytesOf(""), 0)).toBe(false);
    expect(isName(bytesOf(".a"), 2)).toBe(false);
    expect(isName(bytesOf("a/b"), 3)).toBe(false);
    expect(isName(bytesOf("x".repeat(65)), 65)).toBe(false);
    expect(isName(bytesOf("x".repeat(64)), 64)).toBe(true);
  });
});

describe("grant ids", () => {
  it("are 16 to 64 of base64url's letters", () => {
    expect(isGrantId(bytesOf("0123456789abcde"), 15)).toBe(false);
    expect(isGrantId(bytesOf("0123456789abcd-_"), 16)).toBe(true);
    expect(isGrantId(bytesOf("0123456789abcd.e"), 16)).toBe(false);
    expect(isGrantId(bytesOf("x".repeat(65)), 65)).toBe(false);
  });
});

describe("isLiteral", () => {
  it("compares bytes with an ASCII literal", () => {
    expect(isLiteral(bytesOf("jti"), 3, "jti")).toBe(true);
    expect(isLiteral(bytesOf("jtI"), 3, "jti")).toBe(false);
    expect(isLiteral(bytesOf("jti"), 2, "jti")).toBe(false);
    expect(isLiteral(bytesOf(""), 0, "")).toBe(true);
  });
});

describe("equalBytes", () => {
  it("sees one other byte at any place, wherever the two stand, and none beyond their end", () => {
    let wrong = "";
    for (let offset = 0; offset < 8; offset++) {
      for (let len = 0; len <= MAX_LENGTH; len++) {
        fill(first, len);
        fill(second + offset, len);
        store<u8>(first + len, 1);
        store<u8>(second + offset + len, 2);
        if (!equalBytes(first, len, second + offset, len)) wrong = `${len} bytes`;
        if (equalBytes(first, len, second + offset, len + 1) || equalBytes(first, len + 1, second + offset, len)) {
          wrong = `${len} and ${len + 1} bytes`;
        }
        for (let position = 0; position < len; position++) {
          const at = second + offset + position;
          for (let bit = 0; bit < 8; bit++) {
            store<u8>(at, load<u8>(at) ^ ((<u8>1) << (<u8>bit)));
            if (equalBytes(first, len, second + offset, len)) wrong = `another byte at ${position} of ${len}`;
            store<u8>(at, load<u8>(at) ^ ((<u8>1) << (<u8>bit)));
          }
        }
      }
    }
    expect(wrong).toBe("");
  });
});

describe("hex", () => {
  it("is two digits a byte, for every byte and every length, and nothing behind", () => {
    const digits = "0123456789abcdef";
    let wrong = "";
    for (let len = 0; len <= MAX_LENGTH; len++) {
      for (let round = 0; round < 8; round++) {
        let wanted = "";
        for (let i = 0; i < len; i++) {
          const byte = (i * 37 + round * 32 + len) & 255;
          store<u8>(first + i, <u8>byte);
          wanted += digits.charAt(byte >> 4) + digits.charAt(byte & 15);
        }
        memory.fill(second, GUARD, 256);
        const written = writeHex(second, first, len);
        if (written != 2 * len || stringOf(second, 2 * len) != wanted || !isGuarded(second + 2 * len))
          wrong = `${len}: ${wanted}`;
      }
    }
    expect(wrong).toBe("");
  });
});

describe("a literal", () => {
  it("is written a byte a character, for every character and every length, and nothing behind", () => {
    let wrong = "";
    for (let len = 0; len <= MAX_LENGTH; len++) {
      for (let from = 0; from + len <= ASCII.length; from++) {
        const literal = ASCII.substring(from, from + len);
        memory.fill(second, GUARD, 256);
        const written = writeLiteral(second, literal);
        if (written != len || stringOf(second, len) != literal || !isGuarded(second + len))
          wrong = `${len}: ${literal}`;
      }
    }
    expect(wrong).toBe("");
  });
});
