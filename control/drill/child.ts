/** A program that a drill runs, in a group of its own: when the drill is no longer there to end it, however it died, it is ended all the same. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { type Readable, Writable } from "node:stream";
import { childEnvironment } from "../gateway/environment.js";

/** The descriptor whose other end we alone hold: it closes when we end. */
const HELD = 3;

/** Ends the group unless it hears from us first, once its program has had its time. */
const WATCH = `trap '' HUP INT TERM
read -r _ && exit 0
for _ in $(seq "$1"); do sleep 1; kill -0 "$0" || exit 0; done
kill -KILL 0`;

/**
 * The shell starts the watcher and becomes the program: at no moment does that run unwatched. The watcher is no child of the program's, as
 * some (`script`) wait for the end of every child that they have.
 */
const START = `( /bin/sh -c "$1" $$ "$2" <&${HELD} ${HELD}<&- >/dev/null 2>&1 & )
shift 2
`;
/** It waits for a line before it becomes the program, and ends without one. */
const GATE = "read -r _ && ";

export interface ChildOptions {
  readonly cwd: string;
  /** Besides ours, without the passphrase. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may go on without us. */
  readonly aloneSeconds: number;
  /** It begins once a line is written to its standard input. */
  readonly isGated: boolean;
}

export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export function startChild(argv: readonly string[], { cwd, env = {}, aloneSeconds, isGated }: ChildOptions): Child {
  const script = `${START}${isGated ? GATE : ""}exec "$@" ${HELD}<&-`;
  const child = spawn("/bin/sh", ["-c", script, "sh", WATCH, String(Math.ceil(aloneSeconds)), ...argv], {
    cwd,
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { ...childEnvironment(), ...env },
  });
  const held = child.stdio[HELD];
  held?.on("error", () => {}); // The watcher has ended.
  child.once("exit", () => {
    if (held instanceof Writable) held.end("over\n");
  });
  return child;
}

/** Ends one with all that it started and that did not leave its group. */
export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
