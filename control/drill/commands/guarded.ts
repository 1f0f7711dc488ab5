/** A command of the drill file that nobody undoes: it is ended with the drill, whatever ends that. */
import { type ChildProcess, spawn } from "node:child_process";
import { endSignals } from "../../base/terminal.js";
import { childEnvironment } from "../../gateway/environment.js";
import { type Command, type CommandEnd, endGroup, runCommand, shownCommand } from "../faults/command.js";

/** Its standard input ends without a line when we do: then the command's group is ended. In a session of its own, which no Ctrl-C reaches. */
const GUARD = 'read -r _ || kill -s KILL -- "-$1"';

function guardOf(pid: number): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", GUARD, "sh", String(pid)], {
    ...{ cwd: "/", detached: true, env: childEnvironment() },
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.on("error", () => {}); // Where none can be started, signals that we hear end the command all the same.
  guard.stdin?.on("error", () => {});
  return guard;
}

/** @param say is told where a signal ends it, and us with it */
export async function runGuarded(
  command: Command,
  say: (line: string) => void,
  mostOutput?: number,
): Promise<CommandEnd> {
  let running: number | undefined;
  let guard: ChildProcess | undefined;
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
        guard = guardOf(pid);
      },
      undefined,
      mostOutput,
    );
  } finally {
    leave();
    guard?.stdin?.end("done\n");
  }
}
