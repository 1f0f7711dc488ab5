/** Callers who wait: in order, in batches that are bounded in entries and in bytes. */
import { describe, expect, it } from "vitest";
import { UserError } from "../../../control/base/errors.js";
import { MAX_BATCH_ENTRIES, Queue } from "../../../control/ledger/log/queue.js";

const entries = (count: number, bytes = 1): Buffer[] => Array.from({ length: count }, () => Buffer.alloc(bytes));

describe("the queue", () => {
  it("answers each caller with its own indices, over as many batches as it takes", async () => {
    const queue = new Queue();
    const counts = [1, MAX_BATCH_ENTRIES, 3, 2 * MAX_BATCH_ENTRIES + 7, 1];
    const waiting = counts.map((count) => queue.wait(entries(count)));
    const batches: number[] = [];
    for (let size = 100; !queue.isEmpty; ) {
      const { length } = queue.batch(() => false);
      queue.answer(size, length);
      size += length;
      batches.push(length);
    }
    expect(Math.max(...batches)).toBe(MAX_BATCH_ENTRIES);
    let next = 100;
    for (const [i, indices] of (await Promise.all(waiting)).entries()) {
      expect(indices).toEqual(Array.from({ length: counts[i] ?? 0 }, (_, at) => next + at));
      next += indices.length;
    }
  });

  it("takes no more than 16 MiB at once, and one entry at least", () => {
    const queue = new Queue();
    void queue.wait(entries(600, 65_535));
    expect(queue.batch(() => false)).toHaveLength(256);
    queue.answer(0, 256);
    expect(queue.batch(() => false)).toHaveLength(256);
  });

  it("tells everybody the same error", async () => {
    const queue = new Queue();
    const waiting = [queue.wait(entries(1)), queue.wait(entries(2))];
    const error = new UserError("The disk is full.");
    queue.reject(error);
    for (const one of waiting) await expect(one).rejects.toBe(error);
    expect(queue.isEmpty).toBe(true);
  });
});
