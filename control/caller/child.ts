/** A command that is run with the proxy in its environment: signals go on to it, and its end is ours. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { reasonOf, systemCode, UserError } from "../base/errors.js";
import { endSignals, isInForeground } from "../base/terminal.js";
import { visible } from "../base/text.js";

/** As shells say it: 128 and the signal's number. */
const SIGNALLED = 128;

const signalNumbers = new Map<string, number>(Object.entries(constants.signals));

/**
 * Runs it with our standard streams. At a terminal Ctrl-C reaches the command by itself, as it is of the same group, wherever its
 * streams lead: a second one makes many a program stop at once and leave things half done. Everywhere else, and for other
 * signals, it is handed on.
 * @returns its exit code
 */
export function runChild(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((settle, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env });
    const handOn = (signal: NodeJS.Signals): void => {
      if (signal !== "SIGINT" || !isInForeground()) child.kill(signal);
    };
    for (const signal of endSignals) process.on(signal, handOn);
    const leave = (): void => {
      for (const signal of endSignals) process.off(signal, handOn);
    };
    child.once("error", (error) => {
      leave();
      const isMissing = systemCode(error) === "ENOENT";
      reject(
        new UserError(
          isMissing
            ? `There is no command ${visible(program)}.`
            : `Cannot run ${visible(program)}: ${reasonOf(error)}.`,
          { cause: error, hint: "Check its name and your PATH; what stands behind -- is the command." },
        ),
      );
    });
    child.once("exit", (code, signal) => {
      leave();
      settle(code ?? SIGNALLED + (signalNumbers.get(signal ?? "") ?? 0));
    });
  });
}
