/** The records of a chain that are known of and have not come, as stretches of `seq`. */
import { MAX_RANGES, type Step } from "./finding.js";

/** Stretches of one chain. Beyond that the oldest is called a gap at once, and what comes of it is late. */
const MAX_MISSING = 256;

export interface Missing {
  readonly from: number;
  readonly to: number;
  readonly since: number;
  /** The record behind the stretch, where it is there: what it says is before it. */
  next: { readonly prev: string; readonly index: number } | undefined;
  /** The entry that called it a gap. */
  alarm: number | undefined;
}

export interface HasMissing {
  readonly key: string;
  readonly vm: string;
  readonly predates: boolean;
  readonly records: number;
  /** In rising order, apart from each other. */
  missing: Missing[];
}

export const findMissing = (chain: HasMissing, seq: number): Missing | undefined =>
  chain.missing.find(({ from, to }) => from <= seq && seq <= to);

/** A stretch behind all others. */
export function addMissing(chain: HasMissing, stretch: Missing, step: Step): void {
  chain.missing.push(stretch);
  if (chain.missing.length <= MAX_MISSING) return;
  const [oldest] = chain.missing.splice(0, 1);
  if (oldest === undefined || oldest.alarm !== undefined) return;
  step.say({ ...gapOf(chain, [oldest]), about: [step.index] });
}

/** One of the stretch came. @param next what stands behind the part before it: the record that came */
export function splitMissing(chain: HasMissing, stretch: Missing, seq: number, next: Missing["next"]): void {
  const parts = [
    { ...stretch, to: seq - 1, next },
    { ...stretch, from: seq + 1 },
  ].filter(({ from, to }) => from <= to);
  chain.missing.splice(chain.missing.indexOf(stretch), 1, ...parts);
}

/** Drops those that were told of and are too old to be filled. */
export function forgetMissing(chain: HasMissing, isForgotten: (seq: number) => boolean): void {
  const [first] = chain.missing;
  if (first === undefined || first.alarm === undefined || !isForgotten(first.to)) return;
  chain.missing = chain.missing.filter(({ to, alarm }) => alarm === undefined || !isForgotten(to));
}

/** Those whose grace is over and that nobody was told of. */
export const overdue = (chain: HasMissing, isLate: (since: number) => boolean): Missing[] =>
  chain.missing.filter(({ since, alarm }) => alarm === undefined && isLate(since)).slice(0, MAX_RANGES);

const stretch = ({ from, to }: Missing): string => (from === to ? `${from}` : `${from} to ${to}`);

/** What is to be said of such stretches of one chain. */
export function gapOf(chain: HasMissing, stretches: readonly Missing[]) {
  const shown = stretches.map(stretch).join(", ");
  const ranges = stretches.map(({ from, to }): [number, number] => [from, to]);
  const begins = chain.predates && stretches.length === 1 && stretches[0]?.from === 1;
  const code = chain.records === 0 ? ("missing_vm" as const) : begins ? ("late_start" as const) : ("gap" as const);
  const says = {
    missing_vm: `${chain.vm}: its gateway says that it has records up to seq ${ranges.at(-1)?.[1] ?? 0}, and none came`,
    late_start: `${chain.vm}: seq ${shown} are not here, and the VM is older than what is known of its gateway`,
    gap: `${chain.vm}: seq ${shown} did not come`,
  };
  return { code, subject: chain.key, vm: chain.vm, seq: ranges[0]?.[0] ?? 0, ranges, says: says[code] };
}

/** An alarm about these stretches is on record. */
export function markTold(chain: HasMissing, ranges: readonly (readonly [number, number])[], alarm: number): void {
  for (const missing of chain.missing)
    if (ranges.some(([from, to]) => from <= missing.from && missing.to <= to)) missing.alarm ??= alarm;
}
