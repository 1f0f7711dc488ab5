/** A program that a drill runs, in a group of its own: when the drill is no longer there to end it, however it died, it is ended all the same. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { tellWatcher, watchedCommand } from "../gateway/watched.js";

/** Once its program has had its time. */
const END = `for _ in $(seq "$1"); do sleep 1; kill -0 "$0" || exit 0; done
kill -KILL 0`;

/** It waits for a line before it becomes the program, and ends without one. */
const GATE = "read -r _";

export interface ChildOptions {
  readonly cwd: string;
  /** All of its environment. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** How long it may go on without us. */
  readonly aloneSeconds: number;
  /** It begins once a line is written to its standard input. */
  readonly isGated: boolean;
}

export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export function startChild(argv: readonly string[], { cwd, env, aloneSeconds, isGated }: ChildOptions): Child {
  const alone = String(Math.ceil(aloneSeconds));
  const [shell, ...args] = watchedCommand(END, alone, argv, isGated ? GATE : undefined);
  const child = spawn(shell, args, {
    cwd,
    detached: true,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env,
  });
  tellWatcher(child);
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
