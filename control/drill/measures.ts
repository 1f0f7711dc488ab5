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

export function measuresOf(samples: readonly Sample[], limits: DrillFile["limits"]): Measure[] {
  return measureNames.flatMap((name): Measure[] => {
    const own = samples.filter((one) => one.name === name).map((one) => ({ ...one, ms: Math.round(one.ms) }));
    const sorted = own.toSorted((a, b) => a.ms - b.ms);
    const last = sorted.at(-1);
    if (last === undefined) return [];
    const { ms: max, gateway: slowest } = last;
    const seconds = limits[name];
    const limit = typeof seconds === "number" ? seconds * 1000 : undefined;
    return [
      {
        ...{ name, unit: "ms", samples: own.map(({ ms }) => ms), p50: middle(sorted.map(({ ms }) => ms)), max },
        ...(limit === undefined ? {} : { limit }),
        ok: limit === undefined || max <= limit,
        ...(slowest === undefined || LOCAL.has(name) ? {} : { slowest }),
      },
    ];
  });
}
