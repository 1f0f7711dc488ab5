/** The allowance of a key for records of its denials. test/verdicts/denials.test.ts has it from outside. */
import { mayRecordProven } from "../../../assembly/filter/denials";
import { keyOf } from "../../../assembly/filter/failures";
import { bytesOf, lengthOf } from "../bytes";

const MAX_PROVEN: i32 = 100;
const VERDICT: i32 = 20;
const OTHER: i32 = 36;
/** Keys that the table has room for. */
const ROOM: i32 = 1024;
let now: i64 = 1795519995;

function key(name: string): u64 {
  return keyOf(bytesOf(name), lengthOf(name));
}

/** How many of so many denials are recorded. */
function flood(key: u64, verdict: i32, times: i32): i32 {
  let recorded = 0;
  for (let i = 0; i < times; i++) if (mayRecordProven(key, verdict, now)) recorded += 1;
  return recorded;
}

describe("a key's denials", () => {
  it("are recorded up to so many a second", () => {
    const rita = key("rita");
    for (let second = 0; second < 3; second++) {
      expect(flood(rita, VERDICT, 1000)).toBe(MAX_PROVEN);
      now += 1;
    }
    // A clock that went back begins anew as well, once.
    now -= 2;
    expect(flood(rita, VERDICT, 1000)).toBe(MAX_PROVEN);
    now += 10;
  });
  it("are recorded once more for each further verdict", () => {
    const rita = key("rita");
    expect(flood(rita, VERDICT, 1000)).toBe(MAX_PROVEN);
    for (let verdict = 0; verdict < 37; verdict++) {
      expect(flood(rita, verdict, 50)).toBe(verdict == VERDICT ? 0 : 1);
    }
    now += 1;
  });
  it("leave another key all of its own, one after the other and mixed", () => {
    let wrong = 0;
    for (let i = 0; i < 100; i++) if (flood(key(`first ${i}`), VERDICT, 200) != MAX_PROVEN) wrong += 1;
    now += 1;
    const counts = new StaticArray<i32>(50);
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 50; i++) counts[i] += flood(key(`mixed ${i}`), VERDICT, 1);
    }
    for (let i = 0; i < 50; i++) if (counts[i] != MAX_PROVEN) wrong += 1;
    expect(wrong).toBe(0);
    now += 1;
  });
  it("are recorded also where the table is full of others", () => {
    for (let i = 0; i < 4 * ROOM; i++) flood(key(`crowd ${i}`), VERDICT, 3);
    const late = key("late");
    expect(flood(late, VERDICT, 1000)).toBe(MAX_PROVEN);
    expect(flood(late, OTHER, 1)).toBe(1);
    now += 1;
    // Also where all of those are over their limit.
    for (let i = 0; i < 4 * ROOM; i++) flood(key(`crowd ${i}`), VERDICT, MAX_PROVEN + 1);
    expect(flood(key("late"), VERDICT, 1000)).toBe(MAX_PROVEN);
    now += 1;
  });
});
