/** Ratios with an interval: what noise is common to both rows of a round must not count. */
import { describe, expect, it } from "vitest";
import { ratioOfMedians } from "../../bench/base/statistics.js";

/** Any noise, the same each time: between 0.5 and 1.5. */
const noise = (i: number): number => 0.5 + ((i * 0.618_033_988_7) % 1);
const rounds = Array.from({ length: 40 }, (_, i) => i);

describe("a ratio of medians", () => {
  it("is exact where both rows of a round are slow together", () => {
    const below = rounds.map((i) => 100 * noise(i));
    const { value, low, high } = ratioOfMedians(
      below.map((time) => 0.95 * time),
      below,
    );
    for (const found of [value, low, high]) expect(found).toBeCloseTo(0.95, 10);
  });

  it("has an interval around it that is wider the more the rows differ for themselves", () => {
    const width = (share: number): number => {
      const above = rounds.map((i) => 100 + share * 100 * noise(i));
      const below = rounds.map((i) => 100 + share * 100 * noise(i + 1000));
      const { value, low, high } = ratioOfMedians(above, below);
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
      return high - low;
    };
    expect(width(0.5)).toBeGreaterThan(2 * width(0.05));
  });

  it("is the same for the same samples", () => {
    const samples = rounds.map(noise);
    expect(ratioOfMedians(samples, [...samples].reverse())).toEqual(ratioOfMedians(samples, [...samples].reverse()));
  });
});
