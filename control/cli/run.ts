/** Runs one command line, and says how it ended. */
import { CommanderError } from "commander";
import { UserError } from "../base/errors.js";
import { forgetWritten } from "../base/stopped.js";
import { releaseTerminal } from "../base/terminal.js";
import { takePassphrase } from "../signer/passphrase.js";
import { report, wantsJson } from "./ending.js";
import { keepResults, releaseResults, watchOutput } from "./output.js";
import { buildProgram } from "./program.js";

/** Commands whose arguments are another program's. */
const FOR_OTHERS = ["run", "curl"];

function usageOf([command = "", ...args]: readonly string[], code: string): string {
  if (code === "commander.unknownOption" && FOR_OTHERS.includes(command) && !args.includes("--"))
    return `what is not for glassgate stands behind --: glassgate ${command} -- ARGUMENTS`;
  return "see `glassgate --help`, or --help behind the command.";
}

/** @param args what stands behind `glassgate` @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const json = wantsJson(args);
  forgetWritten();
  process.exitCode = undefined;
  if (json) keepResults();
  try {
    await buildProgram().parseAsync([...args], { from: "user" });
    releaseResults();
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error, json);
    if (error.exitCode === 0) {
      releaseResults(); // --help and --version
      return 0;
    }
    const usage = usageOf(args, error.code);
    return report(new UserError(error.message.replace(/^error: /, ""), { hint: usage, cause: error }), json);
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
