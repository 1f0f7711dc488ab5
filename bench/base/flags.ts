/** The command line of the programs in this folder: numbers and file names, by flags or, where these do not get through, by the environment. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, systemCode, UserError } from "../../control/base/errors.js";

export interface NumberFlag {
  readonly about: string;
  readonly otherwise: number;
  /** The smallest that makes sense; default 1. */
  readonly least?: number;
}

export interface TextFlag {
  readonly about: string;
  /** What its value is called in the help. */
  readonly value: string;
}

export interface Usage<Name extends string, Text extends string = never> {
  /** `npm run NAME`; the environment's names begin with it. */
  readonly script: string;
  readonly about: string;
  readonly numbers: Readonly<Record<Name, NumberFlag>>;
  readonly texts?: Readonly<Record<Text, TextFlag>>;
  /** What stands behind `npm run NAME -- `. */
  readonly example: string;
}

export interface Flags<Name extends string, Text extends string = never> {
  number(name: Name): number;
  text(name: Text): string | undefined;
  /** Where to write everything found as JSON. */
  readonly json: string | undefined;
}

const environmentName = (script: string, name: string): string =>
  `GLASSGATE_${script}_${name}`.replaceAll(":", "_").toUpperCase();

function helpText({ script, about, numbers, texts = {}, example }: Usage<string, string>): string {
  const rows = Object.entries(numbers).map(([name, flag]) => [
    `--${name} N`,
    `${flag.about} (default ${flag.otherwise}; or ${environmentName(script, name)})`,
  ]);
  for (const [name, flag] of Object.entries(texts)) rows.push([`--${name} ${flag.value}`, flag.about]);
  rows.push(["--json FILE", "writes everything found"], ["--help", "says this"]);
  const width = Math.max(...rows.map(([flag = ""]) => flag.length));
  const lines = rows.map(([flag = "", text = ""]) => `  ${flag.padEnd(width)}  ${text}`);
  return [about, "", ...lines, "", "Example:", `  $ npm run ${script} -- ${example}`, ""].join("\n");
}

/** Only what is declared. `--help` and the values as they were typed. */
function parse(usage: Usage<string, string>, args: readonly string[]): ReadonlyMap<string, string | boolean> {
  const names = [...Object.keys(usage.numbers), ...Object.keys(usage.texts ?? {}), "json"];
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean" },
        ...Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
      },
    });
    return new Map(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  } catch (error) {
    if (!systemCode(error)?.startsWith("ERR_PARSE_ARGS_")) throw error;
    const [sentence = ""] = messageOf(error).split(/\.\s/);
    throw new UserError(`${sentence.replace(/\.$/, "")}.`, { hint: `See \`npm run ${usage.script} -- --help\`.` });
  }
}

export function wholeNumber(what: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < least)
    throw new UserError(`${what} is "${text}"; it must be a whole number from ${least} on.`);
  return value;
}

/** Known before the work, not after it. The file itself may not exist yet. */
function checkWritable(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  try {
    accessSync(found === undefined ? dirname(resolve(path)) : path, constants.W_OK);
  } catch (error) {
    throw new UserError(`--json: ${path} cannot be written.`, { cause: error });
  }
  if (found?.isDirectory()) throw new UserError(`--json: ${path} is a directory.`);
}

/** Prints the help and returns undefined where that is what was asked for. */
export function readFlags<Name extends string, Text extends string = never>(
  usage: Usage<Name, Text>,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Flags<Name, Text> | undefined {
  const typed = parse(usage, args);
  if (typed.has("help")) {
    process.stdout.write(helpText(usage));
    return undefined;
  }
  const json = typed.get("json")?.toString();
  if (json !== undefined) checkWritable(json);
  const number = (name: Name): number => {
    const { otherwise, least = 1 } = usage.numbers[name];
    const flag = typed.get(name)?.toString();
    if (flag !== undefined) return wholeNumber(`--${name}`, flag, least);
    const variable = environmentName(usage.script, name);
    const text = environment[variable] ?? "";
    return text === "" ? otherwise : wholeNumber(variable, text, least);
  };
  return { number, text: (name) => typed.get(name)?.toString(), json };
}
