/** Starts a process that does not outlive us: not our exit, and not our SIGKILL, whenever that comes. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { childEnvironment } from "./environment.js";
import { SHELL, tellWatcher, watchedCommand } from "./watched.js";

/** Asked first, so that no audit record is lost. */
const END = `trap 'rm -rf "$1"' EXIT
kill -TERM "$0" 2>/dev/null || exit 0
for _ in 1 2 3 4 5; do sleep 1; kill -0 "$0" 2>/dev/null || exit 0; done
kill -KILL "$0"`;

/** Those that run, and their folders. One listener for all: a drill has more of them than Node takes for a leak. */
const running = new Map<ChildProcess, string>();

function endAll(): void {
  for (const child of running.keys()) child.kill("SIGKILL");
  for (const folder of running.values()) rmSync(folder, { recursive: true, force: true });
}

/** @param folder is removed when it is ended for us @param stdout of the program */
export function startWithUs(
  command: readonly [string, ...string[]],
  folder: string,
  stdout: "inherit" | "pipe",
): ChildProcess {
  // No shell: then only our own exit ends it.
  const [program, ...args] = existsSync(SHELL) ? watchedCommand(END, folder, command) : command;
  const child = spawn(program, args, {
    detached: true, // Ctrl-C at the terminal is for us to hear; we end it.
    stdio: ["ignore", stdout, "pipe", "pipe"],
    env: childEnvironment(),
  });
  tellWatcher(child);
  if (running.size === 0) process.once("exit", endAll);
  running.set(child, folder);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", endAll);
  });
  return child;
}
