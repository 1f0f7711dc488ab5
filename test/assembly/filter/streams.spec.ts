/** Streams whose places are neighbours, across the table's end: each keeps its own owner, whichever goes first. */
import { addStream, ownerOfStream, removeStream, setOwner, streamCount } from "../../../assembly/filter/streams";

/** As in streams.ts: the place where an id is looked for first, in a table that has not grown. */
const CAPACITY: u32 = 2048;
function home(id: u32): u32 {
  return (id * 0x9e3779b1) & (CAPACITY - 1);
}

/** Ids that begin at one of eight places around the table's end, six at each. */
const ids: u32[] = [];
for (let id: u32 = 1; id <= 6 * CAPACITY; id++) if (((home(id) + 4) & (CAPACITY - 1)) < 8) ids.push(id);
const owners: u32[] = ids.map<u32>((): u32 => 0);

let state: u32 = 12345;
function random(below: i32): i32 {
  state = state * 1664525 + 1013904223;
  return <i32>((state >> 8) % <u32>below);
}

function wrong(): i32 {
  let count = 0;
  for (let i = 0; i < ids.length; i++) if (ownerOfStream(ids[i]) != owners[i]) count += 1;
  return count;
}

describe("streams that would stand in one place", () => {
  it("are found, whichever of them came and went before, and no other is", () => {
    let live = 0;
    let bad = 0;
    expect(ids.length).toBe(48);
    for (let step = 0; step < 4000; step++) {
      const which = random(ids.length);
      const isLive = owners[which] != 0;
      if (isLive) {
        if (removeStream(ids[which]) != owners[which]) bad += 1;
        owners[which] = 0;
        live -= 1;
      } else {
        if (removeStream(ids[which]) != 0) bad += 1;
        owners[which] = <u32>step + 1;
        if (!addStream(ids[which], owners[which])) bad += 1;
        live += 1;
        if (random(2) == 0) {
          owners[which] = <u32>step + 100000;
          setOwner(ids[which], owners[which]);
        }
      }
      bad += wrong();
      if (streamCount() != live) bad += 1;
    }
    expect(bad).toBe(0);
  });
});
