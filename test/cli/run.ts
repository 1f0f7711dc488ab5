/** Runs the built command as a person would. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** The same code in one file, which starts faster: test/kit/command.ts. */
export const quickMain = process.env.GLASSGATE_TEST_COMMAND ?? main;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What comes on standard input. */
  readonly input?: string | Buffer;
}

/** Any program with its arguments, in a session of its own: without a terminal, also where the tests have one. */
export function run(program: string, args: readonly string[], { cwd, env = {}, input }: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
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
    child.stdin.on("error", () => {}); // A program may end without reading it all.
    child.stdin.end(input);
  });
}

/** `glassgate ARGS`. */
export const glassgate = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  run(process.execPath, [quickMain, ...args], options);

/** A line of shell in which `npx glassgate` is the built command. */
export const shell = (line: string, options: RunOptions = {}): Promise<Ran> =>
  run("bash", ["-c", `set -e\nnpx() { shift; "${process.execPath}" "${quickMain}" "$@"; }\n${line}`], options);

export const CTRL_C = "\u0003";
export const CTRL_D = "\u0004";

/**
 * An answer at the next prompt, or at what the pattern finds in the output since the last answer; a command is run by a shell
 * in the test's own folder before the answer is typed.
 */
export type Typed = string | readonly [pattern: RegExp, answer: string, command?: string];

export interface TerminalOptions extends RunOptions {
  readonly columns?: number;
}

/** A question as ours end, with nothing behind it. */
const PROMPT = /: $/;

/**
 * A line of shell at a terminal: what it prints on any stream comes as stdout. Each answer is typed when its prompt has
 * appeared, never by the clock; a control character is typed as such, other answers with Enter.
 */
export const atTerminal = (line: string, typed: readonly Typed[], options: TerminalOptions = {}): Promise<Ran> => {
  const answers = typed.map((entry) => {
    const [pattern, answer, ...command] = typeof entry === "string" ? [PROMPT, entry] : entry;
    return [pattern.source, answer.length === 1 && answer < " " ? answer : `${answer}\n`, ...command];
  });
  const command = `npx() { shift; "${process.execPath}" "${quickMain}" "$@"; }\n${line}`;
  const plan = JSON.stringify({ answers, columns: options.columns ?? 80 });
  return run("python3", [fileURLToPath(new URL("terminal.py", import.meta.url)), plan, "bash", "-c", command], options);
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
