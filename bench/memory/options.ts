/** What `npm run bench:memory` may be told. */
import { UserError } from "../../control/base/errors.js";
import { readFlags, wholeNumber } from "../base/flags.js";

/** A value of `table_memory_kib`; undefined: the filter's own. */
export type TableKib = number | undefined;

export interface Options {
  readonly workers: readonly number[];
  readonly tables: readonly TableKib[];
  readonly keys: number;
  readonly json: string | undefined;
  /** Not all that the page tells: it stays as it is. */
  readonly isPart: boolean;
}

const WORKERS = "1,8,32";
const TABLES = "0,default,8192,32768";

const USAGE = {
  script: "bench:memory",
  about: "Measures the memory of a real Envoy with and without the filter, and writes bench/RESULTS.md.",
  numbers: {
    keys: { about: "keys that sign, more than the largest memory has tables for", otherwise: 160, least: 2 },
  },
  texts: {
    workers: { value: "LIST", about: `numbers of workers (default ${WORKERS})` },
    tables: { value: "LIST", about: `values of table_memory_kib, or "default" (default ${TABLES})` },
  },
  example: "--workers 1,4 --tables 0,default",
} as const;

function listOf<T>(what: string, text: string, read: (entry: string) => T): readonly T[] {
  const list = text.split(",").map((entry) => read(entry.trim()));
  if (new Set(list).size < list.length) throw new UserError(`${what} has one value twice.`);
  return list;
}

/** Undefined where only help was wanted, which is printed. */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options | undefined {
  const flags = readFlags(USAGE, args, environment);
  if (flags === undefined) return undefined;
  const [workers, tables] = [flags.text("workers"), flags.text("tables")];
  return {
    workers: listOf("--workers", workers ?? WORKERS, (entry) => wholeNumber("--workers", entry, 1)),
    tables: listOf("--tables", tables ?? TABLES, (entry) =>
      entry === "default" ? undefined : wholeNumber("--tables", entry, 0),
    ),
    keys: flags.number("keys"),
    json: flags.json,
    isPart: workers !== undefined || tables !== undefined,
  };
}
