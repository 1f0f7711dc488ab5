/** How a command line ends when it did not do what it was asked: one clear error and the next step, in one way for all. */
import { messageOf, systemError } from "../base/errors.js";
import { stopped } from "../base/stopped.js";
import { endSignals, releaseTerminal } from "../base/terminal.js";
import { visible } from "../base/text.js";
import { releaseResults, say, sayLabelled } from "./output.js";

/** What could deceive is escaped, whoever wrote it into the sentence; line breaks are the sentence's own. */
const shown = (text: string): string => text.split("\n").map(visible).join("\n");

/**
 * Says what is wrong; with `--json` also as JSON in place of a result; the stack only to those who ask.
 * @returns the exit code; 70 is a defect of ours
 */
export function report(error: unknown, json: boolean): number {
  const known = systemError(error);
  const message = shown(known?.message ?? `something went wrong that should not: ${messageOf(error)}`);
  const defect = "run it again with GLASSGATE_DEBUG=1 and report what it prints. Nothing half-written was left.";
  const next = known === undefined ? defect : known.hint;
  const hint = next === undefined || next === "" ? undefined : shown(next);
  const exitCode = known?.exitCode ?? 70;
  if (json)
    releaseResults(`${JSON.stringify({ error: { message, hint: hint ?? null, exit_code: exitCode } }, null, 2)}\n`);
  sayLabelled("red", "error:", message);
  if (hint !== undefined) sayLabelled("cyan", "next: ", hint);
  if (process.env.GLASSGATE_DEBUG !== undefined && error instanceof Error) say(error.stack ?? "");
  return exitCode;
}

/** Whether the option stands among the arguments, not behind `--`. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).includes("--json");
}

/** Signals end the command with its sentence, unless the command itself listens for them. */
export function stopOnSignals(args: readonly string[]): void {
  for (const signal of endSignals) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return;
      releaseTerminal();
      process.exit(report(stopped("interrupt"), wantsJson(args)));
    });
  }
}
