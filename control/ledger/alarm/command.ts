/** A command as an alarm's receiver: its JSON on standard input, no shell, a time-out. What it prints is trusted with nothing. */
import { spawn } from "node:child_process";
import { reasonOf, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { childEnvironment } from "../../gateway/environment.js";

const TIMEOUT_MS = 30_000;
const MAX_SHOWN = 200;

export interface Command {
  /** The program and its arguments. */
  readonly run: readonly string[];
  readonly timeoutMs?: number | undefined;
}

/** Ends it with all that it has started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Runs it once. @throws where it cannot be started, ends with another code than 0, or takes too long */
export function runCommand({ run, timeoutMs = TIMEOUT_MS }: Command, body: string): Promise<void> {
  const [program = "", ...args] = run;
  const name = visible(program);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: childEnvironment(),
      stdio: ["pipe", "ignore", "pipe"],
      shell: false,
      detached: true,
    });
    let words = "";
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child.pid);
      // A child of its that left the group could hold the pipe open.
      child.stderr.destroy();
    }, timeoutMs);
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      words = (words + text).slice(-MAX_SHOWN);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new UserError(`Cannot run ${name}: ${reasonOf(error)}.`, { cause: error }));
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      child.stderr.destroy();
      if (isLate) reject(new UserError(`${name} took longer than ${timeoutMs / 1000} seconds.`));
      else if (code === 0) resolve();
      else reject(new UserError(`${name} ended with ${code ?? signal ?? "nothing"}: ${visible(words.trim())}`));
    });
    child.stdin.on("error", () => {
      // It does not read what it is given: its exit code tells whether that is a fault.
    });
    child.stdin.end(body);
  });
}
