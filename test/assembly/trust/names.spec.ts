/** The index over names: each is found, by its bytes and no others; names of every kind spread; and a full region is told. */
import { Region } from "../../../assembly/text/region";
import { Named, NameIndex, newNameIndex } from "../../../assembly/trust/names";

const REGION_BYTES: i32 = 512 * 1024;
const block = heap.alloc(REGION_BYTES);
const region = new Region();

/** A name of `len` letters at a place of its own, which something else follows. */
function named(len: i32, letter: u8, next: u8): Named {
  const made = changetype<Named>(region.take(offsetof<Named>()));
  made.namePtr = region.take(len + 1);
  made.nameLen = len;
  memory.fill(made.namePtr, letter, len);
  store<u8>(made.namePtr + len, next);
  return made;
}

/** `n` and seven digits. */
function numbered(value: i32): Named {
  const made = named(8, 0x6e, 0x22);
  for (let i = 7, rest = value; i > 0; i--, rest /= 10) store<u8>(made.namePtr + i, <u8>(0x30 + (rest % 10)));
  return made;
}

function reset(): void {
  region.open(block, REGION_BYTES);
}

/** How many names stand in the bucket list that begins with this one. */
function listFrom(first: Named): i32 {
  let count = 1;
  for (let at = first.nextInBucket; at != 0; at = changetype<Named>(at).nextInBucket) count += 1;
  return count;
}

/** The longest of the lists that these names stand in. */
function longestList(names: Named[]): i32 {
  let longest = 0;
  for (let i = 0; i < names.length; i++) longest = max(longest, listFrom(names[i]));
  return longest;
}

/** Names that differ at one place only. */
function differingAt(place: i32, len: i32, count: i32): Named[] {
  const names: Named[] = [];
  for (let i = 0; i < count; i++) {
    const made = named(len, 0x78, 0x22);
    store<u8>(made.namePtr + place, <u8>(0x61 + i));
    names.push(made);
  }
  return names;
}

function addAll(index: NameIndex, names: Named[]): void {
  for (let i = 0; i < names.length; i++) index.add(names[i]);
}

function numberedNames(count: i32): Named[] {
  const names: Named[] = [];
  for (let i = 0; i < count; i++) names.push(numbered(i * 37));
  return names;
}

describe("an index over names", () => {
  it("finds names of all lengths, wherever they are asked from, and no shorter or longer ones", () => {
    reset();
    const index = newNameIndex(region, 64, 7);
    for (let len = 1; len <= 64; len += 2) expect(index.add(named(len, 0x61, 0x22))).toBe(true);
    for (let len = 1; len <= 65; len++) expect(index.has(named(len, 0x61, 0x7e))).toBe(len % 2 == 1 && len <= 64);
    expect(index.add(named(33, 0x61, 0x2c))).toBe(false);
    expect(index.has(named(33, 0x62, 0x22))).toBe(false);
  });
  it("spreads names that differ at one place, whichever it is", () => {
    let crowded = 0;
    for (let len = 1; len <= 64; len++) {
      for (let place = 0; place < len; place++) {
        reset();
        const index = newNameIndex(region, 16, 7);
        const names = differingAt(place, len, 16);
        addAll(index, names);
        if (longestList(names) > 10) crowded += 1;
      }
    }
    expect(crowded).toBe(0);
  });
  it("spreads thousands, so that whoever asks compares with few", () => {
    reset();
    const index = newNameIndex(region, 4096, 7);
    const names = numberedNames(4096);
    addAll(index, names);
    expect(longestList(names)).toBeLessThan(12);
    for (let i = 0; i < 4096; i += 64) expect(index.find(names[i].namePtr, 8)).toBe(changetype<usize>(names[i]));
  });
  it("crowds others with another seed: names that were chosen for one do less under the next", () => {
    reset();
    const names = numberedNames(4096);
    const chosen: Named[] = [];
    addAll(newNameIndex(region, 64, 0x9d2c5680), names);
    let longest = 0;
    for (let i = 1; i < names.length; i++) if (listFrom(names[i]) > listFrom(names[longest])) longest = i;
    for (let at = changetype<usize>(names[longest]); at != 0; at = changetype<Named>(at).nextInBucket)
      chosen.push(changetype<Named>(at));
    expect(chosen.length).toBeGreaterThan(64);
    addAll(newNameIndex(region, 64, 0x1f83d9ab), chosen);
    expect(longestList(chosen)).toBeLessThan(chosen.length / 4);
  });
  it("tells a region in which it has no room", () => {
    reset();
    const index = new NameIndex();
    expect(index.open(region, REGION_BYTES / sizeof<usize>(), 7)).toBe(true);
    expect(region.full).toBe(false);
    expect(index.open(region, 1, 7)).toBe(false);
    expect(region.full).toBe(true);
  });
});
