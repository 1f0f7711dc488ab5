/** What `npm run bench:distinct` may be told. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { UserError } from "../../control/base/errors.js";
import { wasmPath } from "../../control/host/wasm.js";
import { readFlags, wholeNumber } from "../base/flags.js";
import { SENDERS, type SenderName } from "../load/sender.js";

/** A build of the filter, by the name that its rows have. */
export interface Build {
  readonly name: string;
  readonly path: string;
}

/** What is counted: CPU microseconds, or thousands of instructions in user mode. */
const COUNTERS = ["time", "instructions"] as const;
export type CounterName = (typeof COUNTERS)[number];

export interface Options {
  readonly grants: number;
  readonly requesters: number;
  /** Half of them in each of two roles. */
  readonly approvers: number;
  readonly runs: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  /** Undefined: the filter's own default. */
  readonly tableKib: number | undefined;
  readonly client: SenderName;
  readonly counter: CounterName;
  readonly builds: readonly Build[];
  readonly json: string | undefined;
  /** Other than what the page tells, or less: it stays as it is. */
  readonly isPart: boolean;
}

const FEWEST_RUNS_FOR_A_RESULT = 3;
const FEWEST_ROUNDS_FOR_A_RESULT = 5;

const USAGE = {
  script: "bench:distinct",
  about:
    "Measures new grants of many people against jwt_authn with as many tokens and keys, on a real Envoy with one worker, and writes bench/RESULTS.md.",
  numbers: {
    grants: { about: "distinct grants of each kind, and tokens", otherwise: 4000, least: 2 },
    requesters: {
      about: "keys that sign grants; with those that approve as many as have tables by default",
      otherwise: 4,
    },
    approvers: { about: "keys that approve, half of them in each of two roles", otherwise: 8, least: 2 },
    runs: { about: "times that Envoy is started anew", otherwise: 3 },
    rounds: { about: "rounds of a run; each has one sample of every row, in an order of its own", otherwise: 10 },
    seconds: { about: "seconds of a sample", otherwise: 1 },
    connections: { about: "connections, with one request in flight on each", otherwise: 8 },
  },
  texts: {
    "table-memory-kib": { value: "N", about: "table_memory_kib of the filter (default: the filter's own)" },
    client: { value: "NAME", about: `what sends: ${SENDERS.join(" or ")} (default node)` },
    counter: {
      value: "NAME",
      about: `what is counted: ${COUNTERS.join(" or ")} (default time); the second needs perf`,
    },
    wasm: {
      value: "LIST",
      about: "builds to compare, [NAME=]FILE with commas between (default build/glassgate.wasm)",
    },
  },
  example: "--client wrk --wasm before=/tmp/before.wasm,after=build/glassgate.wasm",
} as const;

function buildsOf(list: string | undefined): readonly Build[] {
  if (list === undefined) return [{ name: "glassgate", path: wasmPath }];
  const builds = list.split(",").map((entry) => {
    const [, name, path = entry] = /^([\w.-]+)=(.+)$/.exec(entry) ?? [];
    return { name: name ?? basename(path, ".wasm"), path };
  });
  for (const { path } of builds) {
    if (!existsSync(path)) throw new UserError(`--wasm: there is no ${path}.`);
  }
  if (new Set(builds.map(({ name }) => name)).size < builds.length)
    throw new UserError("--wasm: two builds have one name.", { hint: "Give each a name: a=FILE,b=FILE." });
  return builds;
}

/** One of a closed list of names, the first by default. */
function oneOf<Name extends string>(flag: string, names: readonly [Name, ...Name[]], text: string | undefined): Name {
  const found = text === undefined ? names[0] : names.find((name) => name === text);
  if (found === undefined) throw new UserError(`--${flag} is "${text}"; it must be ${names.join(" or ")}.`);
  return found;
}

/** Undefined where only help was wanted, which is printed. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options | undefined {
  const flags = readFlags(USAGE, args, environment);
  if (flags === undefined) return undefined;
  const tables = flags.text("table-memory-kib");
  const [runs, rounds] = [flags.number("runs"), flags.number("rounds")];
  return {
    grants: flags.number("grants"),
    requesters: flags.number("requesters"),
    approvers: flags.number("approvers"),
    runs,
    rounds,
    seconds: flags.number("seconds"),
    connections: flags.number("connections"),
    tableKib: tables === undefined ? undefined : wholeNumber("--table-memory-kib", tables, 0),
    client: oneOf("client", SENDERS, flags.text("client")),
    counter: oneOf("counter", COUNTERS, flags.text("counter")),
    builds: buildsOf(flags.text("wasm")),
    json: flags.json,
    isPart:
      runs < FEWEST_RUNS_FOR_A_RESULT ||
      rounds < FEWEST_ROUNDS_FOR_A_RESULT ||
      tables !== undefined ||
      flags.text("counter") !== undefined ||
      flags.text("wasm") !== undefined,
  };
}
