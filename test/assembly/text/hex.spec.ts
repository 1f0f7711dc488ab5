import { readHex } from "../../../assembly/text/hex";
import { bytesOf, lengthOf, stringOf } from "../bytes";

const out = heap.alloc(64);

function read(text: string, bytes: i32): string {
  return readHex(bytesOf(text), lengthOf(text), out, bytes) ? stringOf(out, bytes) : "(bad)";
}

describe("hexadecimal digits", () => {
  it("are read in either case", () => {
    expect(read("", 0)).toBe("");
    expect(read("41", 1)).toBe("A");
    expect(read("4a4B6f6F", 4)).toBe("JKoo");
  });
  it("are as many as are wanted, and nothing else", () => {
    const bad = ["", "4", "414", "41424", "414243", "4 42", "0x41", "41g2", "414G", "41:2", "41/2", "41@2", "41`2"];
    for (let i = 0; i < bad.length; i++) expect(read(bad[i], 2)).toBe("(bad)");
  });
  it("write nothing behind what is wanted", () => {
    memory.fill(out, 0x2a, 8);
    expect(readHex(bytesOf("ffff"), 4, out, 2)).toBe(true);
    expect(load<u64>(out)).toBe(0x2a2a2a2a2a2affff);
  });
});
