/** Makes each fault in its turn: into the journal, made, looked at while it holds, undone, looked at afterwards. */
import { dirname, resolve } from "node:path";
import { messageOf, reasonOf, UserError } from "../../base/errors.js";
import { tryWriting } from "../../base/files.js";
import { stopped } from "../../base/stopped.js";
import { endSignals } from "../../base/terminal.js";
import { visible } from "../../base/text.js";
import { processOf } from "../../ledger/log/process.js";
import { isStop } from "../held.js";
import type { Stage } from "../model.js";
import { makeStage, type Setting } from "../stage.js";
import { COMMAND_SECONDS, saidWords } from "./command.js";
import { appendLine, endJournal, journalPath, readJournal } from "./journal.js";
import { failedWrites, unshownWords } from "./loss.js";
import { claimJournal, mend, placeWords, refuseOpen } from "./mend.js";
import type { PlannedFault } from "./planned.js";
import { type Probe, Prober } from "./probe.js";
import { type Self, shownUndo, type Undo } from "./undo.js";
import { startWatchdog, type Watchdog } from "./watchdog.js";

/** Longer than what is sent while a fault holds can take: then the drill stands still, and its watchdog undoes it. */
const HELD_MS = 180_000;

export interface FaultPlay {
  readonly fault: PlannedFault;
  readonly probes: readonly Probe[];
  /** As the journal had it; of one that was not begun, none. */
  readonly undo: Undo | undefined;
  /** Sentences: it could not be made, or not be undone. */
  readonly trouble: readonly string[];
}

export interface FaultsRunning {
  readonly setting: Setting;
  readonly faults: readonly PlannedFault[];
  readonly self: Self;
  readonly onFault: (fault: PlannedFault) => void;
  readonly say: (line: string) => void;
}

interface Journaled extends FaultsRunning {
  readonly journal: string;
  readonly stages: readonly Stage[];
  /** Throws where the person wants an end. */
  readonly stopped: () => void;
}

const all = async (stages: readonly Stage[], play: (stage: Stage) => Promise<unknown>): Promise<void> =>
  void (await Promise.all(stages.map(play)));

/** Looks on one gateway while it holds. @param failed its failed writes before @returns what does not show there */
async function look(stage: Stage, fault: PlannedFault, prober: Prober, failed: number | undefined): Promise<string[]> {
  const { gateway } = stage;
  if (!fault.on.includes(gateway.id)) {
    await prober.round(stage, "while", "allowed", fault.withinMs);
    return [];
  }
  if (fault.expect !== "unrecorded") {
    await prober.round(stage, "while", fault.expect, fault.withinMs);
    return [];
  }
  const hasShown = async (): Promise<boolean> => {
    const now = await failedWrites(gateway.admin);
    return now !== undefined && failed !== undefined && now > failed;
  };
  await prober.round(stage, "while", fault.expect, fault.withinMs, hasShown);
  return (await hasShown()) ? [] : [`While it held: ${unshownWords(visible(gateway.id))}`];
}

/** Makes it, and looks while it holds. @returns what went wrong */
async function hold(n: number, fault: PlannedFault, prober: Prober, running: Journaled): Promise<string[]> {
  const { journal, stages } = running;
  const begun = await fault.begin().catch((error: unknown) => visible(messageOf(error)));
  if (typeof begun === "string") return [`The fault could not be made: ${begun}.`];
  const { undo, act } = begun;
  const now = Date.now();
  const until = new Date(now + COMMAND_SECONDS * 1000 + fault.withinMs + HELD_MS).toISOString();
  const { name, on } = fault;
  const failed =
    fault.expect === "unrecorded" ? await Promise.all(stages.map(({ gateway }) => failedWrites(gateway.admin))) : [];
  appendLine(journal, {
    ...{ type: "fault", n, at: new Date(now).toISOString(), name, on: [...on], until, undo },
  });
  const ended = await act((pid) => appendLine(journal, { type: "doing", n, process: processOf(pid) })).catch(
    (error: unknown) => ({ ok: false, how: visible(messageOf(error)), output: "" }),
  );
  if (!ended.ok) {
    return [`The fault could not be made: ${ended.how} of: ${fault.does}.${saidWords(ended.output)}`];
  }
  return (await Promise.all(stages.map((stage, i) => look(stage, fault, prober, failed[i])))).flat();
}

const againWords = (journal: string): string => `\`glassgate drill undo ${visible(journal)}\` tries again.`;

async function undoIt(n: number, running: Journaled): Promise<string[]> {
  const { journal, self, say } = running;
  const { left } = await mend({ journal, self, by: "drill", only: ({ fault }) => fault.n === n, say });
  const entry = readJournal(journal).entries.find(({ fault }) => fault.n === n);
  if (entry?.undone?.by === "watchdog")
    return [`Its watchdog undid it at ${entry.undone.at}: the drill stood still, or took too long.`];
  if (left.length === 0 || entry === undefined) return [];
  return [
    `It is NOT undone: ${entry.failed?.how ?? ""} of: ${shownUndo(entry.fault.undo, journal)}.${saidWords(entry.failed?.output ?? "")} ${againWords(journal)}`,
  ];
}

/** The cases were played by then: what goes wrong here is told as what came of the fault, and costs no report. */
function troubled(error: unknown): string {
  if (isStop(error)) throw error;
  return `The fault could not be made, or not be looked at: ${visible(messageOf(error))}`;
}

/** What cannot be read may be open. */
function isOpen(journal: string): boolean {
  try {
    return readJournal(journal).open.length > 0;
  } catch {
    return true;
  }
}

function undoIn(journal: string, n: number): Undo | undefined {
  try {
    return readJournal(journal).entries.find((entry) => entry.fault.n === n)?.fault.undo;
  } catch {
    return undefined; // Then the report does not show it.
  }
}

async function playOne(n: number, fault: PlannedFault, running: Journaled): Promise<FaultPlay & { isLeft: boolean }> {
  const { stages } = running;
  const prober = new Prober(running.stopped);
  const trouble: string[] = [];
  await all(stages, (stage) => prober.first(stage, fault.withinMs));
  let left: string[] = [];
  try {
    trouble.push(...(await hold(n, fault, prober, running)));
  } catch (error) {
    trouble.push(troubled(error));
  } finally {
    left = await undoIt(n, running).catch((error: unknown) => [
      `Whether it is undone is not known: ${visible(messageOf(error))} ${againWords(running.journal)}`,
    ]);
  }
  trouble.push(...left);
  const isLeft = isOpen(running.journal);
  const undo = undoIn(running.journal, n);
  if (!isLeft) await all(stages, (stage) => prober.round(stage, "after", "allowed", fault.withinMs));
  return { fault, undo, probes: prober.probes, trouble, isLeft };
}

/** Ctrl-C and the like: what is held is undone first. */
function listen(say: (line: string) => void): { isStopped: () => boolean; leave: () => void } {
  let isStopped = false;
  const stop = (): void => {
    if (!isStopped) say("Stopping: what the drill did is undone first ...");
    isStopped = true;
  };
  for (const signal of endSignals) process.on(signal, stop);
  return {
    isStopped: () => isStopped,
    leave: () => {
      for (const signal of endSignals) process.off(signal, stop);
    },
  };
}

/** Whoever stops a drill is told of each fault that it made; of what is not undone `mend` has said it. */
function tellUndone(journal: string, say: (line: string) => void): void {
  for (const entry of readJournal(journal).entries)
    if (entry.undone !== undefined) say(`The fault ${placeWords(entry)} is undone.`);
}

export interface FaultsPlayed {
  readonly plays: readonly FaultPlay[];
  /** Names of those that were not made. */
  readonly left: readonly string[];
  readonly why: string;
}
export const noFaults: FaultsPlayed = { plays: [], left: [], why: "" };

/** What came of each. */
export async function playFaults(running: FaultsRunning): Promise<FaultsPlayed> {
  const { setting, faults, self, onFault, say } = running;
  if (faults.length === 0) return noFaults;
  const file = resolve(setting.prepared.source.name);
  const journal = journalPath(file);
  const plays: FaultPlay[] = [];
  let obstacle: string | undefined;
  try {
    obstacle = await claimJournal(journal);
  } catch (error) {
    const trouble = [troubled(error)];
    return { ...noFaults, plays: faults.map((fault) => ({ fault, undo: undefined, probes: [], trouble })) };
  }
  if (obstacle !== undefined) return { plays, left: faults.map(({ name }) => name), why: obstacle.replace(/\.$/, "") };
  const { isStopped, leave } = listen(say);
  const end = (): void => {
    if (isStopped()) throw stopped("interrupt");
  };
  const stages = setting.prepared.gateways.map((gateway) => makeStage(gateway, setting).stage);
  let watchdog: Watchdog | undefined;
  let isLeft = false;
  try {
    for (const [n, fault] of faults.entries()) {
      if (isLeft) break;
      onFault(fault);
      try {
        if (watchdog?.isAlive() !== true) watchdog = await startWatchdog(self, journal);
        const played = await playOne(n, fault, { ...running, journal, stages, stopped: end });
        plays.push(played);
        isLeft = played.isLeft;
      } catch (error) {
        plays.push({ fault, undo: undoIn(journal, n), probes: [], trouble: [troubled(error)] });
        isLeft = isOpen(journal);
      }
    }
    end();
  } finally {
    if (isStopped()) tellUndone(journal, say);
    if (!isLeft) endJournal(journal);
    await watchdog?.end(isLeft);
    leave();
  }
  const why = "a fault before it could not be undone";
  return { plays, left: faults.slice(plays.length).map(({ name }) => name), why };
}

/** The journal has what a file held that is damaged, and the environment of a gateway that is stopped. */
const JOURNAL_BYTES = 1024 * 1024;

/** No fault is made that is not in the journal: that it can be written is tried before anything is sent. @throws UserError */
export function mustTakeJournal(drill: string): void {
  try {
    tryWriting(dirname(resolve(drill)), JOURNAL_BYTES);
  } catch (error) {
    throw new UserError(
      `Cannot write the journal of faults ${visible(journalPath(drill))}: ${reasonOf(error)}. Nothing was sent.`,
      { cause: error, hint: "Put the drill file where there is room, and where you can write." },
    );
  }
}

/** Refused before anything is sent. @throws UserError */
export function checkFaults(drill: string): void {
  try {
    refuseOpen(dirname(resolve(drill)));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot look for faults that were not undone: ${visible(messageOf(error))}.`, { cause: error });
  }
}
