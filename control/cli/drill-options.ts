/** What the commands about drills share. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { shellWord } from "../base/text.js";
import type { Report } from "../drill/model.js";
import { defaultKeys } from "./context.js";

/** Where the drill's keys are: as the flag says, the file, the environment; else the project's own folder, or yours. */
export function keysFolder(flag: string | undefined, file: string | undefined, project: string): string {
  const said = flag ?? file ?? (process.env.GLASSGATE_KEYS || undefined);
  if (said !== undefined) return said;
  const own = join(project, "keys");
  return existsSync(own) ? own : (defaultKeys() ?? "");
}

export interface RunOptions {
  readonly keys?: string;
  readonly output?: string;
  readonly only?: readonly string[];
}

/** The run of a drill file as a person would type it, with what they have said before. */
export function runLine(file: string, { keys, output }: RunOptions, only: readonly string[] = []): string {
  const said = Object.entries({ keys, output }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellWord(value)}`],
  );
  return ["glassgate drill run", shellWord(file), ...said, ...only.map((name) => `--only ${name}`)].join(" ");
}

/** More of them are tried again as a whole, or as what was asked for. */
const MOST_AGAIN = 5;

/** What to type when that is mended. */
export function again(
  file: string,
  { assertions, faults }: Pick<Report, "assertions" | "faults">,
  options: RunOptions,
) {
  const wrong = [...assertions.map((one) => ({ ...one, name: one.case })), ...faults].filter(({ ok }) => !ok);
  const names = [...new Set(wrong.map(({ name }) => name))];
  return runLine(file, options, names.length > MOST_AGAIN ? options.only : names);
}

export const proofsOption = (): Option =>
  new Option("--proofs <file>", "the challenges made here, and each key's newest proof").default("drills/roster.json");
