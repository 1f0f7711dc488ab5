/** What was measured, beside the drill's limits. */
import type { DrillFile } from "./file.js";
import { type Measure, type MeasureName, measureNames } from "./model.js";

export interface Sample {
  readonly name: MeasureName;
  readonly ms: number;
}

/** Of an even number the lower one: a value that was measured. */
const middle = (sorted: readonly number[]): number => sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;

export function measuresOf(samples: readonly Sample[], limits: DrillFile["limits"]): Measure[] {
  return measureNames.flatMap((name): Measure[] => {
    const own = samples.filter((one) => one.name === name).map(({ ms }) => Math.round(ms));
    if (own.length === 0) return [];
    const sorted = own.toSorted((a, b) => a - b);
    const max = sorted.at(-1) ?? 0;
    const seconds = limits[name];
    const limit = typeof seconds === "number" ? seconds * 1000 : undefined;
    return [
      {
        ...{ name, unit: "ms", samples: own, p50: middle(sorted), max },
        ...(limit === undefined ? {} : { limit }),
        ok: limit === undefined || max <= limit,
      },
    ];
  });
}
