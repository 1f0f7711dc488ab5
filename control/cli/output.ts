/** What people and machines read: results on stdout, everything else on stderr, colour only on a terminal. */
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { UserError } from "../base/errors.js";
import { wrap } from "../base/wrap.js";

type Style = Parameters<typeof styleText>[0];

const isPlain = (): boolean => process.env.NO_COLOR !== undefined || !process.stderr.isTTY;

export function paint(style: Style, text: string): string {
  return isPlain() ? text : styleText(style, text);
}

/** A line for the person, never part of the result; wrapped at a terminal's width. @param hang indent of the further lines */
export function say(line = "", hang?: number): void {
  const width = process.stderr.isTTY ? process.stderr.columns || 80 : Number.POSITIVE_INFINITY;
  process.stderr.write(`${wrap(line, width, hang)}\n`);
}

export function warn(line: string): void {
  say(`${paint("yellow", "warning:")} ${line}`);
}

/** The result: a token, a table, a file's text. */
export function result(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

export function resultJson(value: unknown): void {
  result(JSON.stringify(value, null, 2));
}

/** Asks at the terminal, also when stdin carries data. @returns the line typed */
export async function askPerson(question: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UserError("This needs a person at a terminal, and standard input is none.", {
      hint: "Give the ask as an argument or a file, and answer the question yourself.",
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}
