/** The records of a chain that are known of and have not come, as stretches of `seq`. */
import { MAX_RANGES, type Step } from "./finding.js";

/**
 * Stretches of one chain. Records that wait for a receipt come by themselves, long before the file with what lies between: each is a
 * stretch of its own until then, 200 and more a second. Beyond it the oldest is called a gap at once, and what comes of it is late.
 */
export const MAX_MISSING = 8192;
/** Stretches of all VMs of one sender; so many of each chain have room all the same, that no VM takes another's. */
const MAX_OF_SENDER = 65_536;
const ALWAYS = 256;

export interface Missing {
  readonly from: number;
  readonly to: number;
  readonly since: number;
  /** The record behind the stretch, where it is there: what it says is before it. */
  next: { readonly prev: string; readonly index: number } | undefined;
  /** The entry that called it a gap. */
  alarm: number | undefined;
}

/** What one sender's chains have of what is bounded. */
export interface Room {
  /** Live VMs. */
  vms: number;
  stretches: number;
}

export interface HasMissing {
  readonly key: string;
  readonly vm: string;
  readonly predates: boolean;
  readonly records: number;
  /** All chains of its sender have the same. */
  readonly room: Room;
  /** In rising order, apart from each other. */
  readonly missing: Missing[];
}

/** The place of the first stretch that does not end before that `seq`. */
function placeOf({ missing }: HasMissing, seq: number): number {
  let [low, high] = [0, missing.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((missing[middle]?.to ?? seq) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function findMissing(chain: HasMissing, seq: number): Missing | undefined {
  const stretch = chain.missing[placeOf(chain, seq)];
  return stretch !== undefined && stretch.from <= seq ? stretch : undefined;
}

/** Puts these in place of so many others. */
function replace(chain: HasMissing, at: number, count: number, ...stretches: readonly Missing[]): void {
  chain.missing.splice(at, count, ...stretches);
  chain.room.stretches += stretches.length - count;
}

const hasRoom = ({ missing, room }: HasMissing): boolean =>
  missing.length <= ALWAYS || (missing.length <= MAX_MISSING && room.stretches <= MAX_OF_SENDER);

function keepBound(chain: HasMissing, step: Step): void {
  if (hasRoom(chain)) return;
  const [oldest] = chain.missing;
  replace(chain, 0, 1);
  if (oldest === undefined || oldest.alarm !== undefined) return;
  const gap = gapOf(chain, [oldest]);
  const why = "more stretches of missing records are open than are followed, and this one is no more";
  step.say({ ...gap, about: [step.index], says: `${gap.says} yet: ${why}` });
}

/** A stretch behind all others. */
export function addMissing(chain: HasMissing, stretch: Missing, step: Step): void {
  replace(chain, chain.missing.length, 0, stretch);
  keepBound(chain, step);
}

/** The record at `seq`, of that stretch, came. */
export function splitMissing(
  chain: HasMissing,
  stretch: Missing,
  { seq, prev }: { readonly seq: number; readonly prev: string },
  step: Step,
): void {
  const parts = [
    { ...stretch, to: seq - 1, next: { prev, index: step.index } },
    { ...stretch, from: seq + 1 },
  ].filter(({ from, to }) => from <= to);
  replace(chain, placeOf(chain, seq), 1, ...parts);
  keepBound(chain, step);
}

/** Drops those that were told of and are too old to be filled. */
export function forgetMissing(chain: HasMissing, isForgotten: (seq: number) => boolean): void {
  const isOld = ({ to, alarm }: Missing): boolean => alarm !== undefined && isForgotten(to);
  let count = 0;
  for (let next = chain.missing[0]; next !== undefined && isOld(next); next = chain.missing[count]) count += 1;
  if (count > 0) replace(chain, 0, count);
}

/** Those whose grace is over and that nobody was told of, in as many lots as there are to be alarms. */
export function overdue(chain: HasMissing, isLate: (since: number) => boolean): Missing[][] {
  const late = chain.missing.filter(({ since, alarm }) => alarm === undefined && isLate(since));
  // The beginning of a chain may be older than the ledger: that is another matter than a gap.
  const lots = [late.filter(({ from }) => from === 1)];
  const rest = late.filter(({ from }) => from !== 1);
  for (let i = 0; i < rest.length; i += MAX_RANGES) lots.push(rest.slice(i, i + MAX_RANGES));
  return lots.filter(({ length }) => length > 0);
}

/** A sentence has no room for more; the ranges name them all. */
const MAX_SHOWN = 32;
const stretch = ({ from, to }: Missing): string => (from === to ? `${from}` : `${from} to ${to}`);

function shownOf(stretches: readonly Missing[]): string {
  const shown = stretches.slice(0, MAX_SHOWN).map(stretch).join(", ");
  return stretches.length > MAX_SHOWN ? `${shown} and ${stretches.length - MAX_SHOWN} more stretches` : shown;
}

/** What is to be said of such stretches of one chain. */
export function gapOf(chain: HasMissing, stretches: readonly Missing[]) {
  const shown = shownOf(stretches);
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
  for (const [from, to] of ranges)
    for (let at = placeOf(chain, from); (chain.missing[at]?.to ?? Number.POSITIVE_INFINITY) <= to; at++) {
      const missing = chain.missing[at];
      if (missing !== undefined && missing.from >= from) missing.alarm ??= alarm;
    }
}
