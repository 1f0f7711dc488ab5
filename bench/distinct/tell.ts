/** The table of what was found. */
import { median, type Ratio, ratioOfMedians, type Spread, spread } from "../base/statistics.js";
import type { Options } from "./options.js";
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

export function table(figures: readonly Figure[], { counter }: Pick<Options, "counter">): string {
  const unit = counter === "time" ? "CPU µs" : "thousand instructions";
  const rows = figures.map(({ name, cpu, perSecond, ratio, ratios }) => {
    const isNone = name === NONE;
    const time = `${isNone ? "" : "+"}${cpu.median.toFixed(1)}`;
    const against = isNone
      ? " | | "
      : `**${ratio.value.toFixed(2)}x** | ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)} | ${ratios.map((value) => value.toFixed(2)).join(", ")}`;
    return `| ${name} | ${time} | ${cpu.low.toFixed(1)} to ${cpu.high.toFixed(1)} | ${perSecond} | ${against} |`;
  });
  return [
    `| what | ${unit} a request | quartiles | requests/s | against jwt_authn | 95 % | each run |`,
    "|---|--:|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

export function markdown(figures: readonly Figure[], options: Options, envoy: string): string {
  const { grants, requesters, approvers, runs, rounds, seconds, connections, client } = options;
  return `## New grants of many people

\`npm run bench:distinct\`, ${new Date().toISOString().slice(0, 10)}: Envoy ${envoy}, one worker, the filter directly in the chain; ${grants} distinct grants of each kind, Ed25519,
by ${requesters} requesters and ${approvers} approvers, against ${grants} EdDSA tokens by as many keys (${requesters + approvers}) in one JWKS. No grant is in the filter's cache (64)
when its turn comes again; each of the keys has its table (docs/sizing.md says when one has none). ${runs} runs, each an Envoy of its own with ${rounds} rounds; in a round each row has ${seconds} s, in an order of its own, by ${client === "wrk" ? "wrk" : "the benchmark's own client"}
over ${connections} connections. CPU is that of the whole process, less what "no filter" takes in the same round. The interval is a bootstrap's over all rounds.

${table(figures, options)}
`;
}
