/** Runs one command line, and says how it ended. */
import { type Command, CommanderError } from "commander";
import { UserError } from "../base/errors.js";
import { forgetWritten } from "../base/stopped.js";
import { releaseTerminal } from "../base/terminal.js";
import { nearest, visible } from "../base/text.js";
import { takePassphrase } from "../signer/passphrase.js";
import { report, wantsJson } from "./ending.js";
import { keepResults, releaseResults, watchOutput } from "./output.js";
import { buildProgram } from "./program.js";

/** Commands whose arguments are another program's. */
const FOR_OTHERS = ["run", "curl"];

/** The command that was meant, and its name with those above it. */
function meant(program: Command, args: readonly string[]): { readonly command: Command; readonly name: string } {
  let command = program;
  let name = program.name();
  for (const arg of args) {
    const child = command.commands.find((one) => one.name() === arg);
    if (child === undefined) break;
    command = child;
    name += ` ${arg}`;
  }
  return { command, name };
}

/** Commander looks for what is missing before it looks for what it does not know, and a misspelt option is both. */
function misspelt({ options }: Command, args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  const known = ["--help", ...options.flatMap(({ long }) => long ?? [])];
  const flag = args
    .slice(0, end === -1 ? args.length : end)
    .map((arg) => /^--[a-z][^=]*/.exec(arg)?.[0] ?? "--help")
    .find((one) => !known.includes(one));
  if (flag === undefined) return undefined;
  const near = nearest(flag, known);
  return `unknown option '${visible(flag)}'${near === undefined ? "" : ` (Did you mean ${near}?)`}`;
}

/** What was wrong with the command line itself, and the next step. */
function usageError(program: Command, args: readonly string[], error: CommanderError): UserError {
  const { command, name } = meant(program, args);
  const [first = ""] = args;
  const help = `\`${name} --help\` shows how it is used.`;
  // Its group's help was shown already.
  if (error.code === "commander.help")
    return new UserError(`${name} needs to be told what: no command was named.`, {
      hint: `Name one of those above: ${name} COMMAND.`,
      cause: error,
    });
  if (error.code === "commander.unknownOption" && FOR_OTHERS.includes(first) && !args.includes("--"))
    return new UserError(error.message.replace(/^error: /, ""), {
      hint: `what is not for glassgate stands behind --: glassgate ${first} -- ARGUMENTS`,
      cause: error,
    });
  const missing = error.code === "commander.missingMandatoryOptionValue";
  const flags = /'([^']+)'/.exec(error.message)?.[1];
  const option = missing ? command.options.find((one) => one.flags === flags) : undefined;
  const wrong = missing ? misspelt(command, args) : undefined;
  return new UserError(wrong ?? error.message.replace(/^error: /, ""), {
    hint: wrong !== undefined || option === undefined ? help : `${option.long}: ${option.description}. ${help}`,
    cause: error,
  });
}

/** @param args what stands behind `glassgate` @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const json = wantsJson(args);
  forgetWritten();
  process.exitCode = undefined;
  if (json) keepResults();
  const program = await buildProgram(args[0]);
  try {
    await program.parseAsync([...args], { from: "user" });
    releaseResults();
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, json);
    if (error.exitCode === 0) {
      releaseResults(); // --help and --version
      return 0;
    }
    return report(usageError(program, args, error), json);
  } finally {
    releaseTerminal();
  }
}

/** The whole process: what is done to it and its streams stands here. */
export async function main(args: readonly string[]): Promise<void> {
  const output = watchOutput();
  takePassphrase();
  const code = await run(args);
  const fault = await output();
  process.exitCode = fault === undefined ? code : report(fault, false);
}
