/** What a log has, read at the start: from the newest snapshot that fits it, else from its begin. */
import { randomBytes } from "node:crypto";
import { UserError } from "../../base/errors.js";
import type { Entry } from "../entry.js";
import type { Log } from "../log.js";
import { apply } from "./apply.js";
import { encodeFinding, type Finding } from "./finding.js";
import { type EntryReader, lastOf, readerOf, wholeEntry } from "./reading.js";
import type { Rules } from "./rules.js";
import { openSnapshot, type StateStore } from "./snapshot.js";
import { newState, type State } from "./state.js";

export interface Opening {
  readonly log: Log;
  readonly entries?: EntryReader | undefined;
  readonly snapshots?: StateStore | undefined;
}

export interface Opened {
  readonly state: State;
  /** What is before it the snapshot had. */
  readonly readFrom: number;
  /** What followed from the last entries and is not entered behind them. */
  readonly owed: readonly Finding[];
}

/** What followed from the last entry and is not entered behind it. */
function stillOwed(owed: readonly Finding[], found: readonly Finding[], { head, body }: Entry): readonly Finding[] {
  if (head.type !== "alarm") return found;
  const [first] = owed;
  return first !== undefined && encodeFinding(first).equals(body) ? owed.slice(1) : owed;
}

async function startState(options: Opening, rules: Rules): Promise<State> {
  const { log, snapshots } = options;
  const snapshot = await snapshots?.read();
  const state = snapshot === undefined ? undefined : openSnapshot(snapshot, rules);
  if (state === undefined || state.state.size > log.size) return newState(randomBytes(32));
  const last = await lastOf(readerOf(options), state.state.size);
  return last?.equals(state.last) === true ? state.state : newState(randomBytes(32));
}

export async function readState(options: Opening, rules: Rules): Promise<Opened> {
  const { log } = options;
  const state = await startState(options, rules);
  const readFrom = state.size;
  let owed: readonly Finding[] = [];
  for await (const { index, bytes } of readerOf(options)(state.size, log.size)) {
    const entry = await wholeEntry(log, bytes);
    if (entry === undefined)
      throw new UserError(`Entry ${index} of the log is none that a ledger writes, or its blob is missing.`, {
        hint: "`glassgate ledger verify` on this folder tells more.",
      });
    owed = stillOwed(owed, apply(state, rules, index, entry), entry);
  }
  return { state, readFrom, owed };
}
