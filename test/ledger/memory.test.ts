/** A log whose every entry names a long body beside it: whoever reads holds one of them, not all. */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { findEntries } from "../../control/ledger/audit/prove.js";
import { tailLedger } from "../../control/ledger/audit/tail.js";
import type { TileSource } from "../../control/ledger/log.js";
import { entry, filesOf, testKey } from "./make-log.js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const COUNT = 200;
const blob = Buffer.alloc(256 * 1024, "x");
const sha256 = createHash("sha256").update(blob).digest("hex");
const key = testKey("ledger.example.com/eu/2026-11");
const files = filesOf(
  Array.from({ length: COUNT }, () =>
    entry("", { type: "quarantine", more: { why: "too_long", sha256, bytes: blob.length } }),
  ),
  key,
);

/** @returns how many of the bodies that were handed out are held when the last one is asked for */
async function heldBy(use: (source: TileSource) => Promise<unknown>): Promise<number> {
  const given: WeakRef<Buffer>[] = [];
  let held = 0;
  await use({
    async read(path) {
      if (!path.startsWith("blob/")) return files.get(path);
      if (given.length === COUNT - 1) {
        await setImmediate(); // A reference that was made in this turn holds what it refers to.
        collect();
        held = given.filter((reference) => reference.deref() !== undefined).length;
      }
      const bytes = Buffer.from(blob);
      given.push(new WeakRef(bytes));
      return bytes;
    },
  });
  expect(given.length).toBeGreaterThanOrEqual(COUNT);
  return held;
}

describe("a log of long bodies", () => {
  it("is shown without holding them", async () => {
    const shown: number[] = [];
    const held = await heldBy((source) =>
      tailLedger(source, {
        ...{ key: undefined, lines: 3, follow: false, wanted: () => true, trouble: () => {} },
        show: async ({ index }) => shown.push(index) > 0,
      }),
    );
    expect(shown).toEqual([197, 198, 199]);
    expect(held).toBeLessThan(10);
  });

  it("is searched without holding them, nor the files that what was found came in", async () => {
    let found: readonly { bytes: Buffer }[] = [];
    const held = await heldBy(async (source) => {
      found = await findEntries(
        source,
        COUNT,
        () => true,
        () => {},
      );
    });
    expect(found).toHaveLength(COUNT);
    expect(held).toBeLessThan(10);
    const kept = new Set(found.map(({ bytes }) => bytes.buffer));
    expect([...kept].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(COUNT * 1024 + 64 * 1024);
  });
});
