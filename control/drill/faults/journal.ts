/** What a drill has done to the user's fleet and has to undo: one line each, on the disk before it is done. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { reasonOf, UserError } from "../../base/errors.js";
import { readText, syncFolder } from "../../base/files.js";
import { visible } from "../../base/text.js";
import { isSurelyGone, type ProcessName, processSchema, thisProcess } from "../../ledger/log/process.js";
import { undoSchema } from "./undo.js";

const ENDING = ".faults";
/** Of a drill file, beside it. */
export const journalPath = (drill: string): string => `${drill}${ENDING}`;

const at = z.iso.datetime();
const by = z.enum(["drill", "watchdog", "person"]);
const lineSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("drill"), v: z.literal(1), at, process: processSchema }),
  z.strictObject({
    type: z.literal("fault"),
    n: z.int(),
    at,
    name: z.string(),
    on: z.array(z.string()),
    /** After that the watchdog undoes it. */
    until: at,
    undo: undoSchema,
  }),
  /** The process that makes it. */
  z.strictObject({ type: z.literal("doing"), n: z.int(), process: processSchema }),
  z.strictObject({ type: z.literal("undone"), n: z.int(), at, by, how: z.string() }),
  z.strictObject({ type: z.literal("failed"), n: z.int(), at, by, how: z.string(), output: z.string() }),
]);
type Line = z.infer<typeof lineSchema>;
export type By = z.infer<typeof by>;
export type FaultLine = Extract<Line, { type: "fault" }>;

export interface Entry {
  readonly fault: FaultLine;
  doing: ProcessName | undefined;
  undone: Extract<Line, { type: "undone" }> | undefined;
  failed: Extract<Line, { type: "failed" }> | undefined;
}

export interface JournalState {
  readonly process: ProcessName | undefined;
  readonly entries: readonly Entry[];
  /** Of those, the ones that are not undone, the last first. */
  readonly open: readonly Entry[];
}

/** A last line without its end is no line: its writer died, and has done nothing of what it says. */
function cutTorn(descriptor: number): void {
  const bytes = readFileSync(descriptor);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) ftruncateSync(descriptor, end);
}

/** Appended and on the disk when this returns. */
export function appendLine(path: string, line: Line): void {
  const isNew = !existsSync(path);
  try {
    const descriptor = openSync(path, "a+", 0o600);
    try {
      cutTorn(descriptor);
      writeFileSync(descriptor, `${JSON.stringify(line)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (isNew) syncFolder(dirname(path));
  } catch (error) {
    throw new UserError(`Cannot write the journal of faults ${visible(path)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: "No fault is made that is not in it. Put the drill file where there is room, and where you can write.",
    });
  }
}

const noLine = (path: string, number: number, cause?: unknown): UserError =>
  new UserError(`${visible(path)}:${number}: is no line of a journal of faults.`, {
    cause,
    hint: "See by hand that all that it names is undone, then remove it.",
  });

function parsed(text: string, path: string, number: number): Line {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch (error) {
    throw noLine(path, number, error);
  }
}

/** What is undone is removed: nothing else is to be taken for one, an empty file or a device least of all. */
export function mustBeJournal(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (path.endsWith(ENDING) && there?.isFile() !== false) return;
  throw new UserError(`${visible(path)} is no journal of faults.`, {
    hint: `It is a file beside the drill file, with its name and ${ENDING} behind it.`,
  });
}

export function readJournal(path: string): JournalState {
  mustBeJournal(path);
  const lines = readText(path, "the journal of faults").split("\n").slice(0, -1);
  const entries = new Map<number, Entry>();
  let process: ProcessName | undefined;
  lines.forEach((text, i) => {
    const line = parsed(text, path, i + 1);
    if (i === 0 && line.type !== "drill") throw noLine(path, 1);
    if (line.type === "drill") process = line.process;
    else if (line.type === "fault")
      entries.set(line.n, { fault: line, doing: undefined, undone: undefined, failed: undefined });
    else {
      const entry = entries.get(line.n);
      if (entry === undefined) return;
      if (line.type === "doing") entry.doing = line.process;
      else if (line.type === "undone") entry.undone = line;
      else entry.failed = line;
    }
  });
  const all = [...entries.values()];
  return { process, entries: all, open: all.filter(({ undone }) => undone === undefined).toReversed() };
}

/** All that stand in a folder. */
export const journalsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ENDING))
    .toSorted()
    .map((name) => join(folder, name));

/** Of a drill that begins. What it finds there is all undone. */
export function beginJournal(path: string): void {
  rmSync(path, { force: true });
  try {
    appendLine(path, { type: "drill", v: 1, at: new Date().toISOString(), process: thisProcess() });
  } catch (error) {
    rmSync(path, { force: true }); // One without its beginning is none.
    throw error;
  }
}

/** Nothing is left to be undone: nothing is left of it. */
export function endJournal(path: string): void {
  if (existsSync(path) && readJournal(path).open.length === 0) rmSync(path, { force: true });
}

export const isRunning = ({ process }: JournalState): boolean => process !== undefined && !isSurelyGone(process);
