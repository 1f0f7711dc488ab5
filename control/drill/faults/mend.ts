/** Undoes what a journal names: by the drill itself, by its watchdog, by a person. One at a time, and twice is as once. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../../base/errors.js";
import { shellWord, visible } from "../../base/text.js";
import { takeLock } from "../../gateway/push-lock.js";
import { isHere } from "../../ledger/log/process.js";
import { endGroup } from "../child.js";
import { saidWords } from "./command.js";
import {
  appendLine,
  type By,
  beginJournal,
  type Entry,
  isRunning,
  type JournalState,
  journalsIn,
  readJournal,
} from "./journal.js";
import { awaitEnd, isStill, performUndo, type Self, shownUndo } from "./undo.js";

/** Longer than one undo may take. */
const WAIT_MS = 100_000;

export interface Mending {
  readonly journal: string;
  readonly self: Self;
  readonly by: By;
  /** Which of them; all, where nothing is said. */
  readonly only?: (entry: Entry) => boolean;
  readonly say: (line: string) => void;
}

export const placeWords = ({ fault: { name, on } }: Entry): string =>
  visible(on.length === 0 ? name : `${name} on ${on.join(", ")}`);

async function mendOne(entry: Entry, { journal, self, by, say }: Mending): Promise<boolean> {
  const { n, undo } = entry.fault;
  if (entry.doing !== undefined && isStill(entry.doing)) {
    endGroup(entry.doing.pid);
    await awaitEnd(entry.doing);
  }
  const { ok, how, output } = await performUndo(undo, self);
  const line = { n, at: new Date().toISOString(), by, how };
  if (ok) appendLine(journal, { type: "undone", ...line });
  else {
    appendLine(journal, { type: "failed", ...line, output });
    say(`The fault ${placeWords(entry)} is NOT undone: ${how} of: ${shownUndo(undo, journal)}.${saidWords(output)}`);
  }
  return ok;
}

/** @returns those that it undid, and those that are still open */
export async function mend(mending: Mending): Promise<{ undone: readonly Entry[]; left: readonly Entry[] }> {
  const { journal, only = () => true } = mending;
  const release = await takeLock(journal, { courtesyMs: WAIT_MS, isLeft: true });
  try {
    const undone: Entry[] = [];
    const left: Entry[] = [];
    for (const entry of readJournal(journal).open.filter(only))
      ((await mendOne(entry, mending)) ? undone : left).push(entry);
    return { undone, left };
  } finally {
    release();
  }
}

interface Obstacle {
  readonly says: string;
  readonly hint: string;
}

/** A drill that runs undoes its own. Of one on another machine nobody here knows whether it runs: a person does. */
function whereRunning(journal: string, { process: drill, entries, open }: JournalState): Obstacle {
  const shown = visible(journal);
  if (drill === undefined || isHere(drill))
    return { says: `A drill makes faults here: process ${drill?.pid ?? 0}, by ${shown}.`, hint: "Wait for its end." };
  const since = entries.at(-1)?.fault.at;
  const last = since === undefined ? "It names no fault" : `Its last fault was begun at ${since}`;
  const left = open.length === 0 ? "all that it names is undone" : `not undone: ${open.map(placeWords).join("; ")}`;
  return {
    says: `${shown} is of a drill on another machine, ${visible(drill.host)}, or in another container: process ${drill.pid}, of which nobody here knows whether it is over. ${last}; ${left}.`,
    hint: `Look there. Where it runs, wait for its end; where it is over: glassgate drill undo ${shellWord(journal)}`,
  };
}

/** Why no drill may make faults in that folder now; undefined where one may. */
function obstacleIn(folder: string): Obstacle | undefined {
  for (const journal of journalsIn(folder)) {
    const state = readJournal(journal);
    const [entry] = state.open;
    if (isRunning(state)) return whereRunning(journal, state);
    if (entry === undefined) continue;
    return {
      says: `A drill that was ended has left a fault, ${placeWords(entry)}, since ${entry.fault.at}: ${visible(journal)} says that it is not undone${entry.failed === undefined ? "" : ` (${visible(entry.failed.how)})`}.`,
      hint: `glassgate drill undo ${shellWord(journal)}   # or by hand: ${shownUndo(entry.fault.undo, journal)}`,
    };
  }
  return undefined;
}

/** What a drill that was killed has left behind has to be undone before the next one begins. @throws UserError */
export function refuseOpen(folder: string): void {
  const obstacle = obstacleIn(folder);
  if (obstacle === undefined) return;
  throw new UserError(`${obstacle.says} Nothing was sent.`, { hint: obstacle.hint, exitCode: 2 });
}

/** Of two drills that come to their faults at once one makes them. @returns why this one may not */
export async function claimJournal(journal: string): Promise<string | undefined> {
  const release = await takeLock(journal, { isLeft: true });
  try {
    const obstacle = obstacleIn(dirname(journal));
    if (obstacle === undefined) beginJournal(journal);
    return obstacle?.says;
  } finally {
    release();
  }
}

/** What the watchdog of a drill that was killed has undone since. */
export function toldBy(journal: string): string[] {
  if (!existsSync(journal)) return [];
  return readJournal(journal).entries.flatMap((entry) =>
    entry.undone?.by === "watchdog"
      ? [
          `The last drill was ended in the middle of ${placeWords(entry)}; its watchdog undid that at ${entry.undone.at}.`,
        ]
      : [],
  );
}
