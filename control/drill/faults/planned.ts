/** A fault that is about to be made: on which gateways, what must come of it, how it is made and undone. */
import type { CommandEnd } from "./command.js";
import type { Undo } from "./undo.js";

/** What becomes of a good grant on the gateways that the fault is made on. */
export type FaultExpectation =
  /** It opens nothing while the fault holds. */
  | "denied"
  /** It opens what it opens, as if nothing were. */
  | "allowed"
  /** Normal callers get through; of grants nothing is said. */
  | "normal"
  /** It opens what it opens, and normal callers do not get through: what judges them is away. */
  | "grants-only"
  /** The filter lets it in, and nothing behind it answers. */
  | "unanswered"
  /** It opens what it opens, its record is lost, and the gateway itself says so: its failed writes rise. */
  | "unrecorded";

export interface Begun {
  /** Made before anything is done, from how things are now. */
  readonly undo: Undo;
  /** @param onProcess is told of the process that makes it, before that does anything */
  act(onProcess: (pid: number) => void): Promise<CommandEnd>;
}

export interface PlannedFault {
  readonly name: string;
  /** Ids of gateways. */
  readonly on: readonly string[];
  readonly expect: FaultExpectation;
  /** How long it may take until it holds, and until all is open again after it. */
  readonly withinMs: number;
  /** What is done, as a command or in words. */
  readonly does: string;
  /** Changes nothing yet. */
  begin(): Promise<Begun>;
}

export const expectedOf: Readonly<Record<FaultExpectation, string>> = {
  denied: "no grant opens anything while it holds",
  allowed: "a good grant opens while it holds, as ever",
  normal: "normal callers get through while it holds",
  "grants-only": "a good grant opens while it holds, as ever, and normal callers do not get through",
  unanswered: "the filter decides and records while it holds, and the upstream says nothing",
  unrecorded: "a good grant opens while it holds, records may be lost, and the gateway's failed writes show it",
};
