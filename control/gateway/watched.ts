/**
 * A program with a watcher that hears when we end, however we die: it holds the one end of a pipe, we the other, and ours closes with us.
 */
import type { ChildProcess } from "node:child_process";
import { Writable } from "node:stream";

export const SHELL = "/bin/sh";
/** The pipe's descriptor in the child: `stdio` has to have a pipe there. */
const HELD = 3;

const HEAR = `trap '' HUP INT TERM
read -r _ && exit 0
`;

/**
 * The shell starts the watcher and becomes the program: at no moment does that run unwatched. The watcher is no child of the program's, as
 * some (`script`) wait for the end of every child that they have.
 */
const START = `( ${SHELL} -c "$1" $$ "$2" <&${HELD} ${HELD}<&- >/dev/null 2>&1 & )
shift 2
`;

/**
 * @param end shell, run where we have ended before the program: `$0` is the program's process, `$1` the argument
 * @param gate shell that has to succeed before the program begins, as `read -r _`
 * @returns what to spawn, with a pipe at descriptor 3; then `tellWatcher`
 */
export function watchedCommand(
  end: string,
  argument: string,
  argv: readonly string[],
  gate = "true",
): readonly [string, ...string[]] {
  return [SHELL, "-c", `${START}${gate} && exec "$@" ${HELD}<&-`, "sh", `${HEAR}${end}`, argument, ...argv];
}

/** Its program has ended by itself: nothing is left to watch. */
export function tellWatcher(child: ChildProcess): void {
  const held = child.stdio[HELD];
  held?.on("error", () => {}); // The watcher has ended.
  child.once("exit", () => {
    if (held instanceof Writable) held.end("over\n");
  });
}
