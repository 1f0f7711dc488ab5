/** A command of a drill's file, run without a shell of its own: its arguments as they are, its output bounded, its time limited. */
import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { messageOf } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { childEnvironment } from "../../gateway/environment.js";
import { endGroup, startChild } from "../child.js";

/** A restart of a service in a cluster takes this long; what takes longer is stuck. */
export const COMMAND_SECONDS = 60;
/** The end of what a command said: its last lines say what was wrong. */
const MAX_OUTPUT = 2000;

export interface Command {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** In place of ours. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

export interface CommandEnd {
  readonly ok: boolean;
  /** How it ended, in words: `exit code 3`. */
  readonly how: string;
  /** Escaped, on one line. */
  readonly output: string;
}

/** Whether there is such a program: a path from that folder, or a name on the PATH. */
export function isThere(program: string, folder: string): boolean {
  const places = program.includes("/")
    ? [resolve(folder, program)]
    : (process.env.PATH ?? "").split(delimiter).map((one) => join(one, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false; // Not this one.
    }
  });
}

interface CommandLimits {
  readonly seconds?: number;
  /** How long it may go on where we have died: one that is undone may end what it does. */
  readonly aloneSeconds?: number;
  /** Characters: the last ones. */
  readonly mostOutput?: number;
}

/**
 * Its process is in the journal before it does anything, and it does nothing where we have died in between.
 * @param onProcess is told its process, which leads a group of its own, before the command begins
 */
export function runCommand(
  { argv, cwd, env = childEnvironment() }: Command,
  onProcess: (pid: number) => void = () => {},
  { seconds = COMMAND_SECONDS, aloneSeconds = seconds, mostOutput = MAX_OUTPUT }: CommandLimits = {},
): Promise<CommandEnd> {
  return new Promise((settle) => {
    const child = startChild(argv, { cwd, env, aloneSeconds, isGated: true });
    let output = "";
    let isLate = false;
    const collect = (chunk: Buffer): void => {
      output = `${output}${chunk.toString("utf8")}`.slice(-mostOutput);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.stdin.on("error", () => {}); // It ended without reading the line: its end says so.
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child.pid);
    }, seconds * 1000);
    const end = (ok: boolean, how: string): void => {
      clearTimeout(timer);
      // What it has left running may keep its output open: nobody waits for that.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      settle({ ok, how, output: visible(output.trim().replaceAll(/\s*\n\s*/g, "; ")) });
    };
    child.once("error", (error) => end(false, visible(messageOf(error))));
    child.once("exit", (code, signal) =>
      setImmediate(() => {
        if (isLate) end(false, `no end within ${seconds} s`);
        else end(code === 0, code === null ? `ended by ${signal}` : `exit code ${code}`);
      }),
    );
    if (child.pid === undefined) return;
    try {
      onProcess(child.pid);
      child.stdin.end("go\n");
    } catch (error) {
      child.stdin.destroy();
      end(false, visible(messageOf(error)));
    }
  });
}

const word = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${visible(text).replaceAll("'", "'\\''")}'`;

/** As a person can paste it into a shell. */
export const shownArgv = (argv: readonly string[]): string => argv.map(word).join(" ");
export const shownCommand = ({ argv, cwd }: Command): string => `cd ${word(cwd)} && ${shownArgv(argv)}`;

/** What it said, behind another sentence; nothing where it said nothing. */
export const saidWords = (output: string): string =>
  output === "" ? "" : ` It said: ${output}${/[.!?]$/.test(output) ? "" : "."}`;
