/** The filter's hashes, compiled as for release, against node:crypto and the paper. */
import { createHash } from "node:crypto";
import { beforeEach, expect, it } from "vitest";
import { startFixture } from "../kit/fixture.js";
import { referenceSipHash } from "../reference/siphash.js";

/** Past two blocks of SHA-512, and so past four of SHA-256, by a little. */
const MAX_LENGTH = 260;
/** Around the blocks of both hashes. */
const PIECES = [1, 7, 63, 64, 65, 111, 127, 128, 129] as const;

const guest = await startFixture("hashes");
beforeEach(() => {
  guest.invoke("emptyArena");
});

/** No byte like its neighbours, and the first of one length not that of another. */
const messageOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i * 167 + length * 13 + 5));
const digest = (name: string, message: Buffer): string => createHash(name).update(message).digest("hex");
const lengths = Array.from({ length: MAX_LENGTH + 1 }, (_, length) => length);

/** Room for a hash of `length` bytes, and what stands there and right behind it afterwards. */
function output(length: number) {
  const ptr = guest.put(Buffer.alloc(length + 8, 0xee));
  const read = (): string => {
    expect(guest.memory.text(ptr + length, 8)).toBe("\xee".repeat(8));
    return guest.memory.bytes(ptr, length).toString("hex");
  };
  return { ptr, read };
}

it("SHA-256 and SHA-512 of every length", () => {
  for (const length of lengths) {
    guest.invoke("emptyArena");
    const message = messageOf(length);
    const small = output(32);
    const large = output(64);
    const at = guest.put(message);
    guest.invoke("sha256", at, length, small.ptr);
    guest.invoke("sha512", at, length, large.ptr);
    expect(small.read(), `${length} bytes`).toBe(digest("sha256", message));
    expect(large.read(), `${length} bytes`).toBe(digest("sha512", message));
  }
});

it("the same in pieces, wherever they are cut and wherever they stand", () => {
  const small = output(32);
  const large = output(64);
  const at = guest.put(Buffer.alloc(MAX_LENGTH + 1));
  for (const length of lengths) {
    const message = messageOf(length);
    // An odd address.
    guest.memory.write(at + 1, message);
    for (const piece of PIECES) {
      guest.invoke("reset");
      for (let done = 0; done < length; done += piece) {
        guest.invoke("update", at + 1 + done, Math.min(piece, length - done));
        guest.invoke("update", at, 0);
      }
      guest.invoke("finish", small.ptr, large.ptr);
      expect(small.read(), `${length} bytes by ${piece}`).toBe(digest("sha256", message));
      expect(large.read(), `${length} bytes by ${piece}`).toBe(digest("sha512", message));
    }
  }
});

const sequence = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i));
const KEY = sequence(16);

it("the reference of SipHash gives the published values", () => {
  const hash = (c: number, d: number, length: number) =>
    referenceSipHash({ c, d }, KEY, sequence(length)).toString(16).padStart(16, "0");
  // vectors.h of github.com/veorq/SipHash; 15 bytes are also the paper's appendix A.
  expect([0, 8, 15, 63].map((length) => hash(2, 4, length))).toEqual([
    "726fdb47dd0e0e31",
    "93f5f5799a932462",
    "a129ca6149be45e5",
    "958a324ceb064572",
  ]);
  // test_siphash_1_3 of Rust's core library, whose hash tables use it.
  expect([0, 8, 15, 63].map((length) => hash(1, 3, length))).toEqual([
    "abac0158050fc4dc",
    "369095118d299a8e",
    "d320d86d2a519956",
    "9d199062b7bbb3a8",
  ]);
});

function sipHash(key: Buffer, message: Buffer, offset: number): bigint {
  guest.invoke("emptyArena");
  const { ptr, read } = output(8);
  // What stands before and behind the message is not of it.
  const around = Buffer.concat([Buffer.alloc(offset, 0xff), message, Buffer.alloc(8, 0xff)]);
  guest.invoke("sip", guest.put(key), guest.put(around) + offset, message.length, ptr);
  return Buffer.from(read(), "hex").readBigUInt64LE();
}

it("SipHash-1-3 of every length up to 64, and around 256, where its last byte starts anew", () => {
  for (const length of [...lengths.filter((length) => length <= 64), 255, 256, 257, 8192]) {
    const expected = referenceSipHash({ c: 1, d: 3 }, KEY, sequence(length));
    for (const offset of [0, 3]) expect(sipHash(KEY, sequence(length), offset), `${length} bytes`).toBe(expected);
  }
});

it("SipHash-1-3 under other keys", () => {
  for (let byte = 0; byte < 16; byte++) {
    const key = Buffer.from(KEY);
    key[byte] = 0xa5;
    const message = messageOf(byte + 20);
    expect(sipHash(key, message, 0)).toBe(referenceSipHash({ c: 1, d: 3 }, key, message));
  }
});
