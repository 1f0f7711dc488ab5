/** Runs the command inside this process: what it prints and its exit code, quickly enough for thousands of inputs. */
import { closeSync, openSync } from "node:fs";
import { refuseTerminal } from "../../control/base/terminal.js";
import { run as runCommand } from "../../control/cli/run.js";
import { takePassphrase } from "../../control/signer/passphrase.js";
import type { Ran, RunOptions } from "./run.js";

function capture(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const original = stream.write;
  let text = "";
  stream.write = (chunk: string | Uint8Array): boolean => {
    text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    return true;
  };
  return {
    text: () => text,
    release: () => {
      stream.write = original;
    },
  };
}

refuseTerminal();
// The lowest free descriptor is the next one opened: standard input is empty from here on, not one that never ends.
closeSync(0);
if (openSync("/dev/null", "r") !== 0) throw new Error("standard input could not be replaced");

/** One at a time: working directory, environment and streams are the process's own. */
export async function inside(args: readonly string[], { cwd, env = {} }: RunOptions): Promise<Ran> {
  const before = { folder: process.cwd(), environment: process.env, exitCode: process.exitCode };
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  try {
    if (cwd !== undefined) process.chdir(cwd);
    process.env = { ...process.env, NO_COLOR: "1", ...env };
    takePassphrase();
    const code = await runCommand(args);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.release();
    stderr.release();
    process.chdir(before.folder);
    process.env = before.environment;
    process.exitCode = before.exitCode;
  }
}
