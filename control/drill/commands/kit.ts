/** What the plays of a drill file's own commands share. */

import { type Command, type CommandEnd, saidWords, shownCommand } from "../faults/command.js";
import { limitMs, type Sample } from "../measures.js";
import type { Assertion, MeasureName, NotProbed, Outcome, Stage } from "../model.js";
import type { PlayedOutcome } from "../play.js";
import type { RecordSource } from "../record-source.js";
import type { Setting } from "../stage.js";

export interface CommandsRunning {
  readonly setting: Setting;
  /** Of the fleet, in its order. */
  readonly stages: readonly Stage[];
  /** Worker threads of each gateway, by its id; of one that does not say, none. */
  readonly workers: ReadonlyMap<string, number>;
  /** None of a dry drill. */
  readonly source: RecordSource | undefined;
  /** A sentence for the person. */
  readonly say: (line: string) => void;
}

/** What came of one of them. */
export interface CommandPlay {
  readonly outcomes: readonly PlayedOutcome[];
  readonly samples: readonly Sample[];
  readonly assertions: readonly Assertion[];
  readonly notProbed: readonly NotProbed[];
}

export const nothingPlayed: CommandPlay = { outcomes: [], samples: [], assertions: [], notProbed: [] };

export const notPlayed = (what: string, why: string): CommandPlay => ({ ...nothingPlayed, notProbed: [{ what, why }] });

export const playedOn = (name: string, { gateway }: Stage, outcome: Outcome): PlayedOutcome => ({
  case: { name },
  gateway,
  outcome,
});

/** Milliseconds that the drill file allows; else the usual. */
export const withinMs = ({ prepared }: Setting, limit: MeasureName, usual: number): number =>
  limitMs(prepared.source.drill.limits, limit) ?? usual;

/** A gateway that is not reached by a command that failed will not be reached later. */
export const FAILED_MS = 3000;

/** That it ended well. @param member of the drill file @param then what its failure means */
export function endOf(name: string, member: string, command: Command, end: CommandEnd, then: string): Assertion {
  const finding = `The command \`${member}\` of the drill file has failed: ${end.how} of: ${shownCommand(command)}.${saidWords(end.output)} ${then}`;
  return {
    ...{
      case: name,
      gateway: "all gateways",
      what: `the command \`${member}\``,
      expected: "exit code 0",
      seen: `${end.how} of: ${shownCommand(command)}`,
    },
    ...{ ok: end.ok, ...(end.ok ? {} : { finding }), calls: [] },
  };
}
