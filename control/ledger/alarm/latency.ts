/** How long commits took, as a Prometheus histogram: a disk that grows slow is seen before receipts come too late. */
import type { Histogram } from "./metrics.js";

/** Seconds: from a good disk's fsync to a gateway's patience with a receipt (half a second), and beyond. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

export class Latency {
  private readonly counts = BOUNDS.map(() => 0);
  private sum = 0;
  private count = 0;

  took(seconds: number): void {
    this.sum += seconds;
    this.count += 1;
    BOUNDS.forEach((bound, i) => {
      if (seconds <= bound) this.counts[i] = (this.counts[i] ?? 0) + 1;
    });
  }

  get histogram(): Histogram {
    return { buckets: BOUNDS.map((bound, i) => [bound, this.counts[i] ?? 0]), sum: this.sum, count: this.count };
  }
}
