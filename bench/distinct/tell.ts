/** The table of what was found. */
import { median, type Ratio, ratioOfMedians, type Spread, spread } from "../base/statistics.js";
import { NATIVE, NONE, type Row } from "./rows.js";
import type { Run } from "./run.js";

export interface Figure {
  readonly name: string;
  /** CPU microseconds a request: of "no filter" in full, of the others what they add to it in the same round. */
  readonly cpu: Spread;
  readonly perSecond: number;
  /** To jwt_authn: of all runs together, and of each. */
  readonly ratio: Ratio;
  readonly ratios: readonly number[];
}

/** What a row adds to "no filter", round by round. */
function added({ perRequest }: Run, name: string): number[] {
  const none = perRequest.get(NONE) ?? [];
  return (perRequest.get(name) ?? []).map((value, i) => value - (none[i] ?? Number.NaN));
}

export function figuresOf(rows: readonly Row[], runs: readonly Run[]): readonly Figure[] {
  return rows.map(({ name }) => {
    const own = (run: Run): readonly number[] => (name === NONE ? (run.perRequest.get(NONE) ?? []) : added(run, name));
    const native = (run: Run): readonly number[] => added(run, NATIVE);
    return {
      name,
      cpu: spread(runs.flatMap(own)),
      perSecond: Math.round(median(runs.flatMap(({ perSecond }) => perSecond.get(name) ?? []))),
      ratio: ratioOfMedians(runs.flatMap(own), runs.flatMap(native)),
      ratios: runs.map((run) => median(own(run)) / median(native(run))),
    };
  });
}

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, cpu, perSecond, ratio, ratios }) => {
    const isNone = name === NONE;
    const time = `${isNone ? "" : "+"}${cpu.median.toFixed(1)}`;
    const against = isNone
      ? " | | "
      : `**${ratio.value.toFixed(2)}x** | ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)} | ${ratios.map((value) => value.toFixed(2)).join(", ")}`;
    return `| ${name} | ${time} | ${cpu.low.toFixed(1)} to ${cpu.high.toFixed(1)} | ${perSecond} | ${against} |`;
  });
  return [
    "| what | CPU µs a request | quartiles | requests/s | against jwt_authn | 95 % | each run |",
    "|---|--:|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}
