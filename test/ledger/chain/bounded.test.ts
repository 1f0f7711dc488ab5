/** Maps that forget: in order, and as fast when they are full. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { remember } from "../../../control/ledger/chain/bounded.js";

describe("a map with a bound", () => {
  it("forgets just what a plain list would, whatever else is done to it", () => {
    const step = fc.tuple(fc.constantFrom("remember", "delete", "set"), fc.nat(40), fc.nat(30));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.integer({ min: 1, max: 20 }), (steps, max) => {
        const map = new Map<number, number>();
        let list: [number, number][] = [];
        for (const [what, key, value] of steps) {
          const isThere = list.some(([one]) => one === key);
          // Nobody else lets it grow.
          if (what === "set" && !isThere) continue;
          if (what === "set") list = list.map(([one, old]) => [one, one === key ? value : old]);
          else list = list.filter(([one]) => one !== key);
          if (what === "set") map.set(key, value);
          else if (what === "delete") map.delete(key);
          else {
            list.push([key, value]);
            const forgotten = list.length > max ? list.shift() : undefined;
            expect(remember(map, key, value, max)).toEqual(forgotten);
          }
          expect([...map]).toEqual(list);
        }
      }),
    );
  });

  it("goes on in order where the same keys come again and again in between", () => {
    const map = new Map<number, number>();
    for (let i = 0; i < 200; i++) remember(map, i, i, 100);
    for (let i = 0; i < 5000; i++) remember(map, 150 + (i % 10), i, 100);
    expect(remember(map, 1000, 0, 100)?.[0]).toBe(100);
    expect(remember(map, 1001, 0, 100)?.[0]).toBe(101);
  });
});
