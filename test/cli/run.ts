/** Runs the built command as a person would. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Typed line by line, a second apart: a prompt throws away what was typed before it. */
  readonly input?: readonly string[];
}

/** Any program with its arguments. */
export function run(program: string, args: readonly string[], { cwd, env = {}, input }: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    (input ?? []).forEach((line, i) => {
      setTimeout(() => child.stdin.write(`${line}\n`), 1000 * (i + 1));
    });
    if (input === undefined) child.stdin.end();
    else child.on("exit", () => child.stdin.end());
  });
}

/** `glassgate ARGS`. */
export const glassgate = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  run(process.execPath, [main, ...args], options);

/** A line of shell in which `npx glassgate` is the built command. */
export const shell = (line: string, options: RunOptions = {}): Promise<Ran> =>
  run("bash", ["-c", `set -e\nnpx() { shift; "${process.execPath}" "${main}" "$@"; }\n${line}`], options);

/** The same at a terminal, where `typed` is typed: what it prints on either stream comes as stdout. */
export const atTerminal = (line: string, typed: readonly string[], options: RunOptions = {}): Promise<Ran> => {
  const script = "import pty,sys,os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const command = `npx() { shift; "${process.execPath}" "${main}" "$@"; }\n${line}`;
  return run("python3", ["-c", script, "bash", "-c", command], { ...options, input: typed });
};

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
