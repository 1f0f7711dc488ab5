/** Runs one command line and says how it ended, in one way for every command. */
import { CommanderError } from "commander";
import { hintOf, messageOf, reasonOf, systemCode, systemError, UserError } from "../base/errors.js";
import { forgetWritten, stopped } from "../base/stopped.js";
import { endSignals, releaseTerminal } from "../base/terminal.js";
import { visible } from "../base/text.js";
import { takePassphrase } from "../signer/passphrase.js";
import { keepResults, releaseResults, say, sayLabelled } from "./output.js";
import { buildProgram } from "./program.js";

interface Ending {
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: number;
}

/** What could deceive is escaped, whoever wrote it into the sentence; line breaks are the sentence's own. */
const shown = (text: string): string => text.split("\n").map(visible).join("\n");

function endingOf(error: unknown): Ending {
  if (error instanceof CommanderError) {
    return {
      message: error.message.replace(/^error: /, ""),
      hint: "see `glassgate --help`, or --help behind the command.",
      exitCode: 2,
    };
  }
  const known: UserError | undefined = systemError(error);
  return (
    known ?? {
      message: `something went wrong that should not: ${messageOf(error)}`,
      hint: "run it again with GLASSGATE_DEBUG=1 and report what it prints. Nothing half-written was left.",
      exitCode: 70,
    }
  );
}

/** One clear error and the next step; with `--json` also as JSON in place of a result; a stack only for those who ask. */
function report(error: unknown, json: boolean): number {
  const { message, hint, exitCode } = endingOf(error);
  if (json) {
    const said = { message: shown(message), hint: hint === undefined ? null : shown(hint), exit_code: exitCode };
    releaseResults(`${JSON.stringify({ error: said }, null, 2)}\n`);
  }
  sayLabelled("red", "error:", shown(message));
  if (hint !== undefined) sayLabelled("cyan", "next: ", shown(hint));
  if (process.env.GLASSGATE_DEBUG !== undefined && error instanceof Error) say(error.stack ?? "");
  return exitCode;
}

/** Whether the option stands among the arguments, not behind `--`. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).includes("--json");
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
    if (error instanceof CommanderError && error.exitCode === 0) {
      releaseResults(); // --help and --version
      return 0;
    }
    return report(error, json);
  } finally {
    releaseTerminal();
  }
}

/** Signals end the command with its sentence, unless the command itself listens for them. */
function stopOnSignals(json: boolean): void {
  for (const signal of endSignals) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return;
      releaseTerminal();
      process.exit(report(stopped("interrupt"), json));
    });
  }
}

/** Whole process: what this module does to it stands here. */
export async function main(args: readonly string[]): Promise<void> {
  let lost: UserError | undefined;
  const note = (error: unknown): void => {
    if (systemCode(error) === "EPIPE") return; // A reader that has gone away wants no more: no error.
    lost ??= new UserError(`Cannot write the output: ${reasonOf(error)}.`, { cause: error, hint: hintOf(error) ?? "" });
  };
  process.stdout.on("error", note);
  process.stderr.on("error", note);
  takePassphrase();
  stopOnSignals(wantsJson(args));
  const code = await run(args);
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exitCode = lost === undefined ? code : report(lost, false);
}
