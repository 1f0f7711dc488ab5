/** How often something was seen, and the first entries that show it. */

/** As many as a person opens. */
const MAX_SHOWN = 16;

export interface Tally {
  count: number;
  readonly entries: number[];
}

export const newTally = (): Tally => ({ count: 0, entries: [] });

export function note(tally: Tally, entry: number): void {
  tally.count += 1;
  if (tally.entries.length < MAX_SHOWN) tally.entries.push(entry);
}

/** Of each kind its own; beyond `max` kinds the rest is counted under `other`. */
export function noteOf(tallies: Map<string, Tally>, kind: string, entry: number, max: number, other: string): void {
  const name = tallies.has(kind) || tallies.size < max ? kind : other;
  const tally = tallies.get(name) ?? newTally();
  tallies.set(name, tally);
  note(tally, entry);
}

/** The first entries of several, in the log's order. */
export const entriesOf = (tallies: Iterable<Tally>): number[] =>
  [...new Set([...tallies].flatMap(({ entries }) => entries))].sort((a, b) => a - b).slice(0, MAX_SHOWN);
