/** A command of the drill file that nobody undoes: it is ended with the drill, whatever ends that. */
import { endSignals } from "../../base/terminal.js";
import { endGroup } from "../child.js";
import { type Command, type CommandEnd, runCommand, shownCommand } from "../faults/command.js";

/** @param say is told where a signal ends it, and us with it */
export async function runGuarded(
  command: Command,
  say: (line: string) => void,
  mostOutput?: number,
): Promise<CommandEnd> {
  let running: number | undefined;
  const leave = (): void => {
    for (const signal of endSignals) process.off(signal, stop);
  };
  const stop = (signal: NodeJS.Signals): void => {
    leave();
    endGroup(running);
    say(`Stopping: ended in the middle, so see what it has done: ${shownCommand(command)}`);
    process.kill(process.pid, signal); // As ever, now that nobody here listens.
  };
  for (const signal of endSignals) process.on(signal, stop);
  try {
    return await runCommand(
      command,
      (pid) => {
        running = pid;
      },
      { aloneSeconds: 0, ...(mostOutput === undefined ? {} : { mostOutput }) },
    );
  } finally {
    leave();
  }
}
