/**
 * The person's terminal, also when the standard streams carry data. From the moment it is held nothing that is typed is
 * echoed; what was typed before a question is thrown away: no answer is given to a question that was not read.
 */
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { PassThrough, Writable } from "node:stream";
import { isatty, ReadStream } from "node:tty";
import { stopped } from "./stopped.js";

const CTRL_C = 3;
export const endSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

interface Held {
  readonly input: ReadStream;
  /** What `input` reads from; undefined on Windows. */
  readonly descriptor: number | undefined;
  readonly output: number;
  /** Who is being answered. Nobody: what comes is thrown away. */
  answer: { take(chunk: Buffer): void; end(): void } | undefined;
}
let held: Held | undefined;
let isRefused = false;

/** Whether a terminal's Ctrl-C goes to this process and all that it has started: also where no standard stream is the terminal. */
export function isInForeground(): boolean {
  try {
    // | pid (name) state parent group session terminal foreground-group |, where a name may hold anything.
    const fields = readFileSync("/proc/self/stat", "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[2] === fields[5];
  } catch {
    return [0, 1, 2].some((descriptor) => isatty(descriptor)); // No Linux: as far as the streams tell.
  }
}

/** Node sets the terminals of its streams back when it ends, and aborts where one has hung up meanwhile: that one is closed before. */
export function leaveHungTerminals(): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.on("exit", () => {
    for (const descriptor of terminals)
      try {
        if (!isatty(descriptor)) closeSync(descriptor);
      } catch {
        // It is closed already.
      }
  });
}

/** For a process that must never ask, whatever terminal it was started from. */
export function refuseTerminal(): void {
  isRefused = true;
}

function open(): Held | undefined {
  if (process.platform === "win32") {
    return process.stdin.isTTY
      ? { input: process.stdin, descriptor: undefined, output: 2, answer: undefined }
      : undefined;
  }
  const { O_RDWR, O_NONBLOCK, O_NOCTTY, O_WRONLY } = constants;
  try {
    const descriptor = openSync("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY);
    const output = openSync("/dev/tty", O_WRONLY | O_NOCTTY);
    return { input: new ReadStream(descriptor), descriptor, output, answer: undefined };
  } catch {
    return undefined; // There is no terminal, or it is gone.
  }
}

/** Takes the terminal and stops its echo. @returns undefined where there is none */
export function holdTerminal(): Held | undefined {
  if (held !== undefined) return held;
  const terminal = isRefused ? undefined : open();
  if (terminal === undefined) return undefined;
  held = terminal;
  const { input } = terminal;
  input.setRawMode(true);
  input.on("data", (chunk: Buffer) => {
    if (terminal.answer !== undefined) terminal.answer.take(chunk);
    else if (chunk.includes(CTRL_C)) process.kill(process.pid, "SIGINT"); // Raw mode makes a byte of it.
  });
  const end = (): void => terminal.answer?.end();
  input.on("end", end).on("close", end).on("error", end);
  input.unref(); // Only a question keeps the command waiting.
  process.once("exit", releaseTerminal);
  process.on("SIGCONT", quietAgain);
  return terminal;
}

/** A shell that had the terminal while this process was stopped has turned the echo on. */
function quietAgain(): void {
  if (held?.input.isRaw !== true) return;
  held.input.setRawMode(false); // Otherwise it takes the mode for unchanged.
  held.input.setRawMode(true);
}

function endLine(output: number): void {
  try {
    writeSync(output, "\n");
  } catch {
    // A terminal that is gone has no line to end: what is said about it goes elsewhere.
  }
}

/** Leaves the terminal as it was found. */
export function releaseTerminal(): void {
  if (held === undefined) return;
  const { input, descriptor, output, answer } = held;
  held = undefined;
  process.off("exit", releaseTerminal);
  process.off("SIGCONT", quietAgain);
  if (answer !== undefined) endLine(output); // A signal ends the question.
  if (!input.destroyed) input.setRawMode(false);
  if (descriptor === undefined) return;
  input.destroy();
  closeSync(output);
}

/** Throws away what was typed so far. */
function drain({ descriptor }: Held): void {
  if (descriptor === undefined) return;
  const waste = Buffer.alloc(4096);
  try {
    for (let read = 1; read > 0; ) {
      read = readSync(descriptor, waste);
      if (waste.subarray(0, read).includes(CTRL_C)) throw stopped("interrupt");
    }
  } catch (error) {
    // EAGAIN says that there is no more; a terminal that is gone ends the question itself.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** Asks and waits for what `answering` makes of the bytes typed. */
async function question<T>(
  text: string,
  raw: boolean,
  answering: (terminal: Held, resolve: (answer: T) => void, reject: (why: Error) => void) => () => void,
): Promise<T> {
  const terminal = holdTerminal();
  if (terminal === undefined) throw new Error("there is no terminal"); // Callers ask hasTerminal() first.
  const { input } = terminal;
  let close = (): void => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      drain(terminal);
      input.setRawMode(raw);
      input.ref();
      close = answering(terminal, resolve, reject);
      writeSync(terminal.output, text);
      if (input.readableEnded || input.destroyed) reject(stopped("end"));
    });
  } catch (error) {
    endLine(terminal.output);
    throw error;
  } finally {
    terminal.answer = undefined;
    close();
    input.unref();
    if (!input.destroyed) input.setRawMode(true);
  }
}

export const hasTerminal = (): boolean => holdTerminal() !== undefined;

/** A line typed in sight. Call it only where there is a terminal. */
export function askLine(text: string): Promise<string> {
  return question<string>(text, false, (terminal, resolve, reject) => {
    let typed = Buffer.alloc(0);
    const interrupt = (): void => reject(stopped("interrupt"));
    process.once("SIGINT", interrupt);
    terminal.answer = {
      take: (chunk) => {
        typed = Buffer.concat([typed, chunk]);
        const end = typed.indexOf("\n");
        if (end >= 0) resolve(typed.toString("utf8", 0, end).replace(/\r$/, ""));
      },
      end: () => reject(stopped("end")),
    };
    return () => process.off("SIGINT", interrupt);
  });
}

/** A line typed unseen: the editor's echo goes nowhere. Call it only where there is a terminal. */
export async function askSecret(text: string): Promise<string> {
  const secret = await question<string>(text, true, (terminal, resolve, reject) => {
    const keys = new PassThrough();
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const editor = createInterface({ input: keys, output: nowhere, terminal: true, historySize: 0 });
    editor.once("line", resolve);
    editor.once("SIGINT", () => reject(stopped("interrupt")));
    editor.on("SIGTSTP", () => {}); // A question cannot be put into the background.
    editor.once("close", () => reject(stopped("end"))); // Ctrl-D on an empty line.
    terminal.answer = { take: (chunk) => void keys.write(chunk), end: () => reject(stopped("end")) };
    return () => editor.close();
  });
  if (held !== undefined) endLine(held.output);
  return secret;
}

/**
 * Runs something that blocks this thread, such as reading a pipe: meanwhile signals end the process as the system does it,
 * and the terminal is in its normal mode, so that Ctrl-C is a signal. Nothing else could hear it.
 */
export function blocking<T>(run: () => T): T {
  const listeners = endSignals.map((signal) => [signal, process.listeners(signal)] as const);
  for (const [signal] of listeners) process.removeAllListeners(signal);
  const terminal = held;
  terminal?.input.setRawMode(false);
  try {
    return run();
  } finally {
    terminal?.input.setRawMode(true);
    for (const [signal, before] of listeners) for (const listener of before) process.on(signal, listener);
  }
}
