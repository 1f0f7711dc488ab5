/** `glassgate drill undo`: undoes what a drill that was killed, and its watchdog with it, has left behind. `drill watch` is that watchdog. */
import { lstatSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import {
  type Entry,
  endJournal,
  isRunning,
  type JournalState,
  journalsIn,
  mustBeJournal,
  readJournal,
} from "../drill/faults/journal.js";
import { mend, placeWords } from "../drill/faults/mend.js";
import { type Self, shownUndo } from "../drill/faults/undo.js";
import { watch } from "../drill/faults/watchdog.js";
import { isHere } from "../ledger/log/process.js";
import { examples } from "./context.js";
import { askPerson, say, warn } from "./output.js";

/** This command, to be started again. */
export function thisCommand(): Self {
  const [, script = ""] = process.argv;
  return [process.execPath, script];
}

/** What it does, in words. */
function doneBy({ fault: { undo }, doing }: Entry, journal: string): string {
  const ended = doing === undefined ? "" : `kill -KILL -${doing.pid}, where it still runs; `;
  return `${ended}${undo.kind === "restore" ? `write ${visible(undo.path)} as it was` : shownUndo(undo, journal)}`;
}

/** Of this user, for nobody else to read or write: as drills write it. */
function isOwn(journal: string): boolean {
  const { uid, mode } = lstatSync(journal);
  const own = process.getuid?.();
  return own === undefined || (uid === own && (mode & 0o077) === 0);
}

/**
 * What stands in a journal runs as whoever undoes it. So it is a drill's own, and that drill is surely over; of what came from
 * another machine, where nobody here can know that, a person says that it may run.
 */
async function mustBeWanted(journal: string, state: JournalState): Promise<void> {
  const { process: drill, open } = state;
  const lines = open.map((entry) => `  ${placeWords(entry)}: ${doneBy(entry, journal)}`);
  if (!isOwn(journal))
    throw new UserError(
      `No drill of yours has left ${visible(journal)} so: it is another user's, or others may read or write it. What stands in it would run as you:\n${lines.join("\n")}`,
      { hint: "Nothing was run. Look at each, do by hand what is right, and remove the journal." },
    );
  if (drill === undefined || !isRunning(state)) return;
  if (isHere(drill))
    throw new UserError(`A drill makes faults by ${visible(journal)} now: process ${drill.pid}.`, {
      hint: "It undoes them itself. End it with Ctrl-C if it must end now.",
      exitCode: 1,
    });
  say(
    `${visible(journal)} is of a drill on another machine, ${visible(drill.host)}, or in another container: nobody here knows whether it is over. What stands in it will run here, as you:`,
  );
  for (const line of lines) say(line, 4);
  if ((await askPerson('Type "yes" to run it, anything else to stop: ')) !== "yes")
    throw new UserError("Nothing was run.", { exitCode: 1 });
}

async function undoOne(journal: string): Promise<number> {
  const state = readJournal(journal);
  if (state.open.length > 0) await mustBeWanted(journal, state);
  for (const entry of state.open) say(`Undoing ${placeWords(entry)}: ${doneBy(entry, journal)}`);
  const { undone, left } = await mend({ journal, self: thisCommand(), by: "person", say: warn });
  for (const entry of undone) say(`Undone: ${placeWords(entry)}, since ${entry.fault.at}.`);
  for (const { fault } of left) say(`By hand: ${shownUndo(fault.undo, journal)}`);
  endJournal(journal);
  return left.length;
}

/** Where that was looked for: whoever is in another folder is to see it. */
function lookedAt(journals: readonly string[]): string {
  if (journals.length > 0) return `All that ${journals.map(visible).join(", ")} names is undone.`;
  return `In ${visible(resolve("."))} is no journal of faults (*.faults): a drill keeps it beside its drill file while it makes some.`;
}

async function undo(journal: string | undefined): Promise<void> {
  const journals = journal === undefined ? journalsIn(".") : [journal];
  const open = journals.filter((one) => readJournal(one).open.length > 0);
  let left = 0;
  for (const one of journals) left += await undoOne(one);
  if (open.length === 0) say(`There is nothing to undo. ${lookedAt(journals)}`);
  if (left > 0)
    throw new UserError(`${plural(left, "fault")} of a drill could not be undone.`, {
      hint: "See why above; then run it again, or do it by hand, remove the journal and look with `glassgate drill run`.",
      exitCode: 1,
    });
}

export function addDrillUndo(drill: Command): void {
  const command = drill
    .command("undo")
    .description("undo the faults of a drill that was killed")
    .argument("[journal]", "the journal, DRILL-FILE.faults beside the drill file (default: each in this folder)")
    .action(undo);
  examples(command, ["glassgate drill undo", "glassgate drill undo drill.yaml.faults"]);
  drill
    .command("watch", { hidden: true })
    .description("undo the faults of a drill when it has died: the drill starts it by itself")
    .argument("<journal>", "the journal")
    .action((journal: string) => {
      mustBeJournal(journal);
      process.chdir(dirname(journal));
      return watch(journal, thisCommand());
    });
}
