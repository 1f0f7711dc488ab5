/** Nothing is read past its end: each input stands in the very last bytes of memory, where that traps. */
import { sha256 } from "../../../assembly/crypto/sha256";
import { sha512 } from "../../../assembly/crypto/sha512";
import { sipHash } from "../../../assembly/crypto/siphash";
import { decode, encode } from "../../../assembly/text/base64url";
import { compare, equalBytes, writeHex } from "../../../assembly/text/bytes";
import { JsonReader } from "../../../assembly/text/json";
import { Writer } from "../../../assembly/text/writer";
import { bytesOf, lengthOf } from "../bytes";

/** Past a block of SHA-512 and a few words. */
const MAX_LENGTH: i32 = 160;

const out = heap.alloc(1024);
/** Q: canonical base64url, however many. */
const letters = bytesOf("Q".repeat(MAX_LENGTH));
const reader = new JsonReader();
const writer = new Writer();
/** What a string may break off in: escapes and UTF-8, each cut anywhere. */
const ENDINGS: StaticArray<string> = ["", "\\n", "\\u00e9", "\\ud83d\\ude00", "\u00e9", "\u20ac", "\ud83d\ude00"];

/** Letters and then the ending, up to the end of memory. A new page, which the allocator leaves alone, is made before. */
function layLast(len: i32, ending: usize, endingLen: i32): usize {
  const ptr = ((<usize>memory.size()) << 16) - len - endingLen;
  memory.copy(ptr, letters, len);
  memory.copy(ptr + len, ending, endingLen);
  return ptr;
}

describe("at the end of memory", () => {
  it("texts are read and written", () => {
    let good = 0;
    memory.grow(1);
    for (let len = 0; len <= MAX_LENGTH; len++) {
      const ptr = layLast(len, out, 0);
      writer.open(out, 1024);
      writer.string(ptr, len);
      const isWhole = writer.length == len + 2;
      const isDecoded = decode(ptr, len, out) == (len % 4 == 1 ? -1 : (len * 3) >> 2);
      const isEncoded = encode(ptr, len, out) == (len * 4 + 2) / 3 && writeHex(out, ptr, len) == 2 * len;
      const isSame =
        equalBytes(ptr, len, letters, len) &&
        equalBytes(letters, len, ptr, len) &&
        compare(letters, len, ptr, len) == 0;
      if (isWhole && isDecoded && isEncoded && isSame) good += 1;
    }
    expect(good).toBe(MAX_LENGTH + 1);
  });
  it("messages are hashed", () => {
    let good = 0;
    memory.grow(1);
    for (let len = 0; len <= MAX_LENGTH; len++) {
      const ptr = layLast(len, out, 0);
      sha256(ptr, len, out);
      sha512(ptr, len, out + 32);
      sha256(letters, len, out + 96);
      sha512(letters, len, out + 128);
      if (sipHash(letters, ptr, len) == sipHash(letters, letters, len) && memory.compare(out, out + 96, 96) == 0)
        good += 1;
    }
    expect(good).toBe(MAX_LENGTH + 1);
  });
  it("strings that break off are refused, and shown", () => {
    for (let i = 0; i < ENDINGS.length; i++) {
      const ending = bytesOf(ENDINGS[i]);
      const endingLen = lengthOf(ENDINGS[i]);
      let bad = 0;
      memory.grow(1);
      for (let cut = 0; cut <= endingLen; cut++) {
        for (let len = 1; len <= 40; len++) {
          const ptr = layLast(len, ending, cut);
          writer.open(out, 1024);
          writer.string(ptr, len + cut);
          store<u8>(ptr, 0x22);
          reader.start(ptr, len + cut);
          if (writer.overflow || reader.string()) bad += 1;
        }
      }
      expect(bad).toBe(0, ENDINGS[i]);
    }
  });
});
