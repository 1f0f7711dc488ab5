/** What `npm run bench` may be told. */
import { readFlags } from "../base/flags.js";

export interface Options {
  readonly rounds: number;
  /** Requests of one sample: one variant in one round. */
  readonly requests: number;
  /** Where to write everything measured as JSON. */
  readonly json: string | undefined;
  /** Too few rounds for a result: it only shows that everything works, and RESULTS.md and the chart stay as they are. */
  readonly isSmoke: boolean;
}

const FEWEST_ROUNDS_FOR_A_RESULT = 5;

const USAGE = {
  script: "bench",
  about: `Measures the filter on a real Envoy and writes bench/RESULTS.md and docs/benchmark.svg (not with less than ${FEWEST_ROUNDS_FOR_A_RESULT} rounds).`,
  numbers: {
    rounds: { about: "rounds; each has one sample of every row", otherwise: 36 },
    requests: { about: "requests of a sample", otherwise: 360 },
  },
  example: "--rounds 12 --json bench.json",
};

/** Undefined where only help was wanted, which is printed. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options | undefined {
  const flags = readFlags(USAGE, args, environment);
  if (flags === undefined) return undefined;
  const rounds = flags.number("rounds");
  return {
    rounds,
    requests: flags.number("requests"),
    json: flags.json,
    isSmoke: rounds < FEWEST_ROUNDS_FOR_A_RESULT,
  };
}
