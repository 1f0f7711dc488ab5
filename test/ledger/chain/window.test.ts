/** The window over a VM's records: what a plain map would tell, in little memory, whatever `seq` somebody claims. */
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  headAt,
  indexAt,
  isForgotten,
  isSame,
  newWindow,
  put,
  shortHash,
} from "../../../control/ledger/chain/window.js";

const salt = randomBytes(32);
const full = (text: string): Buffer => createHash("sha256").update(text).digest();
const hashOf = (seq: number): Buffer => shortHash(salt, full(`${seq}`));

describe("the window", () => {
  it("tells of every record of the newest `max`, in whatever order they came", () => {
    const max = 1024;
    const seqs = fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 2 ** 40 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(seqs, (all) => {
        const window = newWindow();
        const there = new Map<number, number>();
        let high = 0;
        for (const [index, seq] of all.entries()) {
          put(window, seq, hashOf(seq), index, max);
          if (high === 0 || seq > high - max) there.set(seq, index);
          high = Math.max(high, seq);
          for (const old of there.keys()) if (old <= high - max) there.delete(old);
          for (const one of all) {
            expect(indexAt(window, one)).toBe(there.get(one));
            if (!there.has(one)) continue;
            expect(isForgotten(window, one, max)).toBe(false);
            expect(isSame(window, one, hashOf(one))).toBe(true);
            expect(isSame(window, one, hashOf(one + 1))).toBe(false);
            expect(headAt(window, one)).toBe(full(`${one}`).toString("hex", 0, 6));
          }
        }
      }),
    );
  });

  it("costs a sender who claims far apart records a page each, and no more", () => {
    const max = 2 ** 27;
    const window = newWindow();
    for (const seq of [1, max / 2, max, 2 * max - 1]) put(window, seq, hashOf(seq), seq % 1000, max);
    const bytes = [...window.pages.values()].reduce((sum, page) => sum + page.byteLength, 0);
    expect(bytes).toBeLessThanOrEqual(4 * 2048);
    put(window, 10 * max, hashOf(1), 1, max);
    expect(window.pages.size).toBe(1);
  });

  it("keeps no page below what it tells of", () => {
    const window = newWindow();
    for (let seq = 1; seq <= 3000; seq++) put(window, seq, hashOf(seq), seq, 1024);
    expect(window.pages.size).toBeLessThanOrEqual(1024 / 128 + 1);
  });
});
