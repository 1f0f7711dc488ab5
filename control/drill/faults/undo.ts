/** How a fault is undone: data, so that it stands in the journal before the fault is made, and whoever reads it there can undo it. Twice is as once. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { messageOf } from "../../base/errors.js";
import { readTextIfThere } from "../../base/files.js";
import { visible } from "../../base/text.js";
import { writeEcds } from "../../gateway/ecds.js";
import { runningPid } from "../../gateway/pid.js";
import { takeLock } from "../../gateway/push-lock.js";
import { isHere, isSurelyGone, type ProcessName, processOf, processSchema } from "../../ledger/log/process.js";
import { sha256Hex } from "../../signer/sign.js";
import { type CommandEnd, runCommand, shownArgv, shownCommand } from "./command.js";

const path = z.string().min(1).max(4096);

export const undoSchema = z.discriminatedUnion("kind", [
  /** A command of the drill file. */
  z.strictObject({ kind: z.literal("command"), argv: z.array(z.string()).min(1), cwd: path }),
  /** A gateway that was stopped: `gateway run` as it was started, where it does not run. */
  z.strictObject({
    kind: z.literal("start"),
    config: path,
    args: z.array(z.string()),
    cwd: path,
    /** All of its environment, in place of the drill's. The user's secrets may stand there: nobody is shown it. */
    env: z.record(z.string(), z.string()),
    was: processSchema,
  }),
  /** A file that was damaged: what stood in it, unless somebody has written another since. */
  z.strictObject({ kind: z.literal("restore"), path, damaged: z.string(), text: z.string() }),
  /** A process that was made to stand still. */
  z.strictObject({ kind: z.literal("continue"), process: processSchema, what: z.string() }),
]);
export type Undo = z.infer<typeof undoSchema>;

/** How `glassgate` is run from here: program and script. */
export type Self = readonly [program: string, script: string];

/** Of its environment a person is told what chose its Envoy, and nothing else. */
const chosen = ({ env: { ENVOY_BIN: binary = "" } }: Extract<Undo, { kind: "start" }>): string[] =>
  binary === "" ? [] : ["env", `ENVOY_BIN=${binary}`];

/** In words, or as a command for a person's shell. @param journal where it stands */
export function shownUndo(undo: Undo, journal: string): string {
  switch (undo.kind) {
    case "command":
      return shownCommand(undo);
    case "start":
      return shownCommand({ argv: [...chosen(undo), "glassgate", ...undo.args], cwd: undo.cwd });
    case "restore":
      return shownArgv(["glassgate", "drill", "undo", journal]);
    case "continue":
      return `kill -CONT ${undo.process.pid}`;
  }
}

/** Whether it is surely that process, and not another of its number. */
export const isStill = (known: ProcessName): boolean =>
  isHere(known) && !isSurelyGone(known) && processOf(known.pid).started === known.started;

/** Envoy is asked to end, and killed after five seconds. */
const ENDING_MS = 30_000;
const PAUSE_MS = 50;

export async function awaitEnd(known: ProcessName, ms = ENDING_MS): Promise<boolean> {
  for (const deadline = performance.now() + ms; isStill(known); await sleep(PAUSE_MS))
    if (performance.now() > deadline) return false;
  return true;
}

const done = (how: string): CommandEnd => ({ ok: true, how, output: "" });

async function startAgain(undo: Extract<Undo, { kind: "start" }>, self: Self): Promise<CommandEnd> {
  const { config, args, cwd, env, was } = undo;
  // It may have been told to end just before the drill died.
  if (!(await awaitEnd(was))) return done("it was not stopped");
  if (runningPid(config) !== undefined) return done("it runs already");
  return runCommand({ argv: [...self, ...args], cwd, env });
}

/** A push that is under way is waited for: what it writes stays. */
async function restore({ path: file, damaged, text }: Extract<Undo, { kind: "restore" }>): Promise<CommandEnd> {
  const release = await takeLock(file, { isLeft: true });
  try {
    const now = readTextIfThere(file, "the file");
    if (now === text) return done("it is as it was");
    if (now !== undefined && sha256Hex(now) !== damaged) return done("somebody has written another since");
    writeEcds(file, text);
    return done("put back");
  } finally {
    release();
  }
}

function goOn({ process: known }: Extract<Undo, { kind: "continue" }>): CommandEnd {
  if (!isStill(known)) return done("it has ended since");
  process.kill(known.pid, "SIGCONT");
  return done("it goes on");
}

/** Never throws: what went wrong is told. */
export async function performUndo(undo: Undo, self: Self): Promise<CommandEnd> {
  try {
    switch (undo.kind) {
      case "command":
        return await runCommand(undo);
      case "start":
        return await startAgain(undo, self);
      case "restore":
        return await restore(undo);
      case "continue":
        return goOn(undo);
    }
  } catch (error) {
    return { ok: false, how: visible(messageOf(error)), output: "" };
  }
}
