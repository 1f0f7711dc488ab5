/** Starts a process that does not outlive us: not our exit, and not our SIGKILL, whenever that comes. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { Writable } from "node:stream";
import { childEnvironment } from "./environment.js";

const SHELL = "/bin/sh";
/** The descriptor whose other end we alone hold: it closes when we end. */
const HELD = 3;

/** Ends the program, asked first, so that no audit record is lost, unless it hears from us that it has ended. */
const WATCH = `trap '' HUP INT TERM
read -r said && [ "$said" = over ] && exit 0
trap 'rm -rf "$1"' EXIT
kill -TERM "$0" 2>/dev/null || exit 0
for _ in 1 2 3 4 5; do sleep 1; kill -0 "$0" 2>/dev/null || exit 0; done
kill -KILL "$0"`;

/** The shell starts the watcher and becomes the program: at no moment does that run unwatched. */
const START = `${SHELL} -c "$1" $$ "$2" <&${HELD} ${HELD}<&- >/dev/null 2>&1 &
shift 2
exec "$@" ${HELD}<&-`;

/** @param folder is removed when it is ended for us @param stdout of the program */
export function startWithUs(
  command: readonly [string, ...string[]],
  folder: string,
  stdout: "inherit" | "pipe",
): ChildProcess {
  // No shell: then only our own exit ends it.
  const [program, ...args] = existsSync(SHELL)
    ? ([SHELL, "-c", START, "sh", WATCH, folder, ...command] as const)
    : command;
  const child = spawn(program, args, {
    detached: true, // Ctrl-C at the terminal is for us to hear; we end it.
    stdio: ["ignore", stdout, "pipe", "pipe"],
    env: childEnvironment(),
  });
  const kill = (): void => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", kill);
  const held = child.stdio[HELD];
  held?.on("error", () => {}); // The watcher has ended.
  child.once("exit", () => {
    process.off("exit", kill);
    if (held instanceof Writable) held.end("over\n");
  });
  return child;
}
