/** Every byte at every place of a text, against decoding by the definition: a bit at a time. */
import { decode, encode } from "../../../assembly/text/base64url";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** From one step of 16 characters with what it needs behind it to three, and everything shorter. */
const MAX_LENGTH: i32 = 64;
const GUARD: u8 = 0xa5;
const GUARD_BYTES: i32 = 32;
const AREA_BYTES: i32 = 160;

const values = new StaticArray<i32>(256).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;

const source = heap.alloc(AREA_BYTES);
const target = heap.alloc(AREA_BYTES);
const wanted = heap.alloc(MAX_LENGTH);
const again = heap.alloc(MAX_LENGTH + 4);

/** Bytes written to `out`, or -1: an unknown character, a character too many, or spare bits that are not 0. */
function decodeByBits(text: usize, len: i32, out: usize): i32 {
  let written = 0;
  let byte = 0;
  let count = 0;
  for (let i = 0; i < len; i++) {
    const value = values[load<u8>(text + i)];
    if (value < 0) return -1;
    for (let bit = 5; bit >= 0; bit--) {
      byte = (byte << 1) | ((value >> bit) & 1);
      count += 1;
      if (count < 8) continue;
      store<u8>(out + written, <u8>byte);
      written += 1;
      byte = 0;
      count = 0;
    }
  }
  return count < 6 && byte == 0 ? written : -1;
}

/** A good text in the middle of `around`, which may be letters of the alphabet or not. */
function lay(len: i32, around: u8): usize {
  memory.fill(source, around, AREA_BYTES);
  const text = source + GUARD_BYTES;
  for (let i = 0; i < len; i++) store<u8>(text + i, <u8>ALPHABET.charCodeAt((i * 29 + len) & 63));
  // No spare bits.
  if (len > 0 && (len & 3) != 0) store<u8>(text + len - 1, 0x51); // Q: 010000
  return text;
}

/** Whether `len` bytes at `ptr` stand alone in their area: nothing else in it is changed. */
function isGuarded(area: usize, len: i32, guard: u8): bool {
  for (let i = 0; i < AREA_BYTES; i++) {
    const isInside = i >= GUARD_BYTES && i < GUARD_BYTES + len;
    if (!isInside && load<u8>(area + i) != guard) return false;
  }
  return true;
}

function isDecodedWell(text: usize, len: i32, around: u8): bool {
  const expected = decodeByBits(text, len, wanted);
  // No more room than a text of that length can need.
  const room = (len * 3) >> 2;
  const out = target + GUARD_BYTES;
  memory.fill(target, GUARD, AREA_BYTES);
  if (decode(text, len, out) != expected || !isGuarded(target, room, GUARD)) return false;
  if (expected >= 0) {
    if (memory.compare(out, wanted, expected) != 0) return false;
    if (encode(out, expected, again) != len || memory.compare(again, text, len) != 0) return false;
  }
  // In place.
  if (decode(text, len, text) != expected || !isGuarded(source, len, around)) return false;
  return expected < 0 || memory.compare(text, wanted, expected) == 0;
}

/** The first text that is decoded otherwise, or "". */
function firstWrong(len: i32): string {
  for (let position = 0; position < len; position++) {
    for (let byte = 0; byte < 256; byte++) {
      const around: u8 = ((byte ^ position) & 1) == 0 ? 0x42 : 0xff;
      const text = lay(len, around);
      store<u8>(text + position, <u8>byte);
      if (!isDecodedWell(text, len, around)) return `byte ${byte} at ${position} of ${len}`;
    }
  }
  return "";
}

describe("base64url", () => {
  it("decodes every byte at every place as the definition says, and touches nothing else", () => {
    for (let len = 0; len <= MAX_LENGTH; len++) expect(firstWrong(len)).toBe("");
  });
  it("decodes good texts of every length but those that no bytes have", () => {
    for (let len = 0; len <= MAX_LENGTH; len++) {
      expect(decode(lay(len, 0x42), len, target)).toBe(len % 4 == 1 ? -1 : (len * 3) >> 2);
    }
  });
});
