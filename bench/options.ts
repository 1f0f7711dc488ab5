/** What a run may be told: by flags, or by the environment where flags do not get through. */
import { parseArgs } from "node:util";

export interface Options {
  readonly rounds: number;
  /** Requests of one sample: one variant in one round. */
  readonly requests: number;
  /** Where to write everything measured as JSON. */
  readonly json: string | undefined;
  /** Too few rounds for a result: it only shows that everything works, and RESULTS.md and the chart stay as they are. */
  readonly isSmoke: boolean;
}

const DEFAULT_ROUNDS = 40;
const DEFAULT_REQUESTS = 400;
const FEWEST_ROUNDS_FOR_A_RESULT = 5;

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${name} is ${text}; it must be a whole number from 1 on.`);
  return value;
}

export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "string" }, rounds: { type: "string" }, requests: { type: "string" } },
  });
  const rounds = count("rounds", values.rounds ?? environment.GLASSGATE_BENCH_ROUNDS, DEFAULT_ROUNDS);
  const requests = count("requests", values.requests ?? environment.GLASSGATE_BENCH_REQUESTS, DEFAULT_REQUESTS);
  return { rounds, requests, json: values.json, isSmoke: rounds < FEWEST_ROUNDS_FOR_A_RESULT };
}
