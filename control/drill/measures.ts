/** What was measured, beside the drill's limits. */
import type { DrillFile } from "./file.js";
import { type Measure, type MeasureName, measureNames } from "./model.js";

export interface Sample {
  readonly name: MeasureName;
  readonly ms: number;
  /** Of a measure of gateways: which one took so long, of several the last. */
  readonly gateway?: string;
}

/** Made on this machine: no gateway of the user's takes part. */
const LOCAL: ReadonlySet<MeasureName> = new Set(["quorum", "grant", "scratch_revoked", "scratch_pushed"]);

/** Of an even number the lower one: a value that was measured. */
const middle = (sorted: readonly number[]): number => sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;

/** What follows from the samples. @param limit milliseconds */
export function figuresOf(samples: readonly number[], limit: number | undefined): Pick<Measure, "p50" | "max" | "ok"> {
  const sorted = samples.toSorted((a, b) => a - b);
  const max = sorted.at(-1) ?? 0;
  return { p50: middle(sorted), max, ok: limit === undefined || max <= limit };
}

/** What the drill file allows, in whole milliseconds. */
export function limitMs(limits: DrillFile["limits"], name: MeasureName): number | undefined {
  const seconds = limits[name];
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

export function measuresOf(samples: readonly Sample[], limits: DrillFile["limits"]): Measure[] {
  return measureNames.flatMap((name): Measure[] => {
    const own = samples.filter((one) => one.name === name).map((one) => ({ ...one, ms: Math.round(one.ms) }));
    const slowest = own.toSorted((a, b) => a.ms - b.ms).at(-1)?.gateway;
    if (own.length === 0) return [];
    const all = own.map(({ ms }) => ms);
    const limit = limitMs(limits, name);
    return [
      {
        ...{ name, unit: "ms", samples: all, ...figuresOf(all, limit) },
        ...(limit === undefined ? {} : { limit }),
        ...(slowest === undefined || LOCAL.has(name) ? {} : { slowest }),
      },
    ];
  });
}
