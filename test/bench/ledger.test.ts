/** A little of `npm run bench:ledger`: what it counts, and that it notices what is no log. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { measureAppends } from "../../bench/ledger/appends.js";
import { measureOurs } from "../../bench/ledger/ours.js";
import { makeBigLog, measureVerify } from "../../bench/ledger/verify.js";

it("counts what was acknowledged, and finds it in our log", async () => {
  const home = mkdtempSync(join(tmpdir(), "glassgate-bench-ledger-test-"));
  const { entries, perSecond, p50, p99, bytes, files } = await measureOurs(home, {
    clients: 2,
    batch: 3,
    seconds: 0.1,
  });
  expect(entries).toBeGreaterThanOrEqual(6);
  expect(perSecond).toBeGreaterThan(0);
  expect(p99).toBeGreaterThanOrEqual(p50);
  expect(bytes).toBeGreaterThan(entries * 500);
  expect(files).toBeGreaterThanOrEqual(3);
  rmSync(home, { recursive: true });
});

it("ends where an index is given twice, or none", async () => {
  const load = { clients: 1, batch: 2, seconds: 0.1 };
  await expect(measureAppends({ name: "it", append: async () => [0, 0] }, load)).rejects.toThrow("the index 0 twice");
  await expect(measureAppends({ name: "it", append: async () => [0] }, load)).rejects.toThrow("1 indices");
});

it("counts the memory of verify, and not that of whoever started it", async () => {
  const home = mkdtempSync(join(tmpdir(), "glassgate-bench-ledger-test-"));
  const held = Buffer.alloc(256 * 1024 * 1024, 1);
  const { size, peakMib } = await measureVerify(await makeBigLog(home, 300), 300, 1);
  expect(size).toBe(300);
  expect(peakMib).toBeGreaterThan(16);
  expect(peakMib).toBeLessThan(held.length / 1024 / 1024);
  rmSync(home, { recursive: true });
});
