/** What people and machines read: results on stdout, everything else on stderr, colour only on a terminal. */
import { fstatSync, writeFileSync } from "node:fs";
import { styleText } from "node:util";
import { hintOf, reasonOf, systemCode, UserError } from "../base/errors.js";
import { askLine, hasTerminal } from "../base/terminal.js";
import { columnsOf, wrap } from "../base/wrap.js";

type Style = Parameters<typeof styleText>[0];

const isPlain = (): boolean => process.env.NO_COLOR !== undefined || !process.stderr.isTTY;

export function paint(style: Style, text: string): string {
  return isPlain() ? text : styleText(style, text);
}

/** A terminal that tells no width is one of 80 columns; what is no terminal is never wrapped. */
export const widthOf = (stream: NodeJS.WriteStream): number =>
  stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY;

let fault: UserError | undefined;

function note(error: unknown): void {
  if (systemCode(error) === "EPIPE") return; // A reader that has gone away wants no more: no error.
  fault ??= new UserError(`Cannot write the output: ${reasonOf(error)}.`, { cause: error, hint: hintOf(error) ?? "" });
}

/** Listens for what goes wrong with the streams. @returns waits until all is written, and what went wrong */
export function watchOutput(): () => Promise<UserError | undefined> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", note);
  return async () => {
    await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
    return fault;
  };
}

function put(stream: NodeJS.WriteStream & { fd: number }, text: string): void {
  try {
    // Node takes a short write to a file for a whole one: a full disk would cut a grant and say nothing.
    if (fstatSync(stream.fd).isFile()) writeFileSync(stream.fd, text);
    else stream.write(text);
  } catch (error) {
    note(error);
  }
}

/** A line for the person, never part of the result; wrapped at a terminal's width. @param hang indent of the further lines */
export function say(line = "", hang?: number): void {
  put(process.stderr, `${wrap(line, widthOf(process.stderr), hang)}\n`);
}

/** A line to be copied: a break of ours would end the command that it is. */
export function sayWhole(line: string): void {
  put(process.stderr, `${line}\n`);
}

/** `error: ...`: further lines hang under the text. */
export function sayLabelled(style: Style, label: string, text: string): void {
  const before = `${paint(style, label)} `;
  say(before + text, columnsOf(before));
}

export function warn(line: string): void {
  sayLabelled("yellow", "warning:", line);
}

/** With `--json` results wait for the end: an error then stands in their place, and stdout holds one JSON value. */
let kept: string[] | undefined;

export function keepResults(): void {
  kept = [];
}

/** @param instead what to print in place of the results */
export function releaseResults(instead?: string): void {
  const texts = instead === undefined ? (kept ?? []) : [instead];
  kept = undefined;
  for (const text of texts) put(process.stdout, text);
}

/** The result: a token, a table, a file's text. */
export function result(text: string): void {
  const whole = text.endsWith("\n") ? text : `${text}\n`;
  if (kept === undefined) put(process.stdout, whole);
  else kept.push(whole);
}

/** Where the values of a row `name   value` stand, or the text of `- text`: further lines hang there. */
const VALUE = /^\s*(?:- |\S+(?: \S+)*\s{2,})/;

export const hangOf = (row: string): number | undefined => VALUE.exec(row)?.[0].length;

/** A result that people read in rows: wrapped at a terminal's width. */
export function resultRows(rows: readonly string[]): void {
  const width = widthOf(process.stdout);
  result(rows.map((row) => wrap(row, width, hangOf(row))).join("\n"));
}

export function resultJson(value: unknown): void {
  result(JSON.stringify(value, null, 2));
}

/** Asks at the terminal, also when stdin carries data, about what `say` has shown there. @returns the line typed */
export async function askPerson(question: string): Promise<string> {
  if (!hasTerminal()) {
    throw new UserError("This needs a person at a terminal, and there is none.", {
      hint: "Run it in a terminal of your own and answer the question yourself.",
    });
  }
  if (!process.stderr.isTTY) {
    throw new UserError("What you would answer to was not shown at your terminal: standard error goes elsewhere.", {
      hint: "Run it again without `2>`, `2>&1` or `|&`; the result alone is on standard output.",
    });
  }
  return (await askLine(wrap(question, widthOf(process.stderr)))).trim();
}
