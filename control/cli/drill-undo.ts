/** `glassgate drill undo`: undoes what a drill that was killed, and its watchdog with it, has left behind. `drill watch` is that watchdog. */
import { dirname } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { endJournal, isRunning, journalsIn, mustBeJournal, readJournal } from "../drill/faults/journal.js";
import { mend, placeWords } from "../drill/faults/mend.js";
import { type Self, shownUndo } from "../drill/faults/undo.js";
import { watch } from "../drill/faults/watchdog.js";
import { examples } from "./context.js";
import { say, warn } from "./output.js";

/** This command, to be started again. */
export function thisCommand(): Self {
  const [, script = ""] = process.argv;
  return [process.execPath, script];
}

async function undoOne(journal: string): Promise<number> {
  const state = readJournal(journal);
  if (isRunning(state) && state.open.length > 0)
    throw new UserError(`A drill makes faults by ${visible(journal)} now: process ${state.process?.pid ?? 0}.`, {
      hint: "It undoes them itself. End it with Ctrl-C if it must end now.",
      exitCode: 1,
    });
  const { undone, left } = await mend({ journal, self: thisCommand(), by: "person", say: warn });
  for (const entry of undone) say(`Undone: ${placeWords(entry)}, since ${entry.fault.at}.`);
  for (const { fault } of left) say(`By hand: ${shownUndo(fault.undo, journal)}`);
  endJournal(journal);
  return left.length;
}

async function undo(journal: string | undefined): Promise<void> {
  const journals = journal === undefined ? journalsIn(".") : [journal];
  const open = journals.filter((one) => readJournal(one).open.length > 0);
  let left = 0;
  for (const one of journals) left += await undoOne(one);
  if (open.length === 0) say("There is nothing to undo.");
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
