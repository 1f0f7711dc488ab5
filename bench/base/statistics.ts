/** Medians and quartiles: what is told of a row of samples. */

/** Of times, in whatever unit they are. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Spread {
  readonly median: number;
  /** The first and the third quartile. */
  readonly low: number;
  readonly high: number;
}

/** Linear between the two nearest samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export function spread(samples: readonly number[]): Spread {
  return { median: median(samples), low: quantile(samples, 0.25), high: quantile(samples, 0.75) };
}

export const latencyOf = (times: readonly number[]): Latency => ({
  count: times.length,
  p50: quantile(times, 0.5),
  p99: quantile(times, 0.99),
  max: quantile(times, 1),
});

/** A ratio, and between which two it lies in 95 of 100 cases. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;
/** Any: the same samples shall give the same interval. */
const SEED = 0x9e3779b9;

/** Marsaglia's xorshift with 32 bits: whole numbers below `limit`. */
function* draws(limit: number): Generator<number> {
  for (let state = SEED; ; ) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield Math.floor(((state >>> 0) / 2 ** 32) * limit);
  }
}

/**
 * The ratio of two medians with a bootstrap interval. Sample `i` of both belongs to the same round, so rounds are drawn, not samples:
 * what slowed both down in a round counts in neither's favour.
 */
export function ratioOfMedians(above: readonly number[], below: readonly number[]): Ratio {
  const rounds = Math.min(above.length, below.length);
  const random = draws(rounds);
  const next = (): number => random.next().value ?? 0;
  const values = Array.from({ length: RESAMPLES }, () => {
    const picked = Array.from({ length: rounds }, next);
    const medianOf = (samples: readonly number[]): number => median(picked.map((i) => samples[i] ?? Number.NaN));
    return medianOf(above) / medianOf(below);
  });
  return {
    value: median(above.slice(0, rounds)) / median(below.slice(0, rounds)),
    low: quantile(values, 0.025),
    high: quantile(values, 0.975),
  };
}
