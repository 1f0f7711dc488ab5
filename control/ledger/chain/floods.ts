/** The same code about the same subject is told once, then counted for a while, and told once more in sum. */
import { keep, remember, type Shared } from "./bounded.js";
import { type Finding, MAX_ABOUT } from "./finding.js";
import { isPast } from "./look.js";

/** Of all senders together. */
const MAX_TOLD = 16_384;

/** What goes on and on is told of in sums, each four times as far from the last, up to a day. */
export const GROWTH = 4;
export const LONGEST_PAUSE_MS = 86_400_000;

interface Told {
  /** When it was told last. */
  readonly at: number;
  /** For how long it is only counted since then. */
  readonly pauseMs: number;
  held: number;
  about: number[];
  first: Finding | undefined;
}

/** By code and subject. */
export type Floods = Shared<string, Told>;

const keyOf = ({ code, subject }: Pick<Finding, "code" | "subject">): string => `${code} ${subject}`;

/** Alarms of one code that one sender causes within a pause, each about another subject; what is more counts as about him. */
const MAX_BURST = 64;
const MAX_BURSTS = 4096;

/** By code and sender: how many since when. */
export type Bursts = Map<string, { readonly since: number; readonly count: number }>;

export const crowdOf = (sender: string): string => `many of ${sender}`;

/** Puts it in. What was counted of the one that is forgotten for it counts as about its sender: nothing that was held back is lost. */
function put(floods: Floods, sender: string, key: string, told: Told): void {
  const forgotten = keep(floods, sender, key, told, MAX_TOLD);
  if (forgotten === undefined) return;
  const { owner, value } = forgotten;
  const { first, held } = value;
  if (first === undefined || held === 0) return;
  const crowd = { ...first, subject: crowdOf(owner) };
  const there = floods.all.get(keyOf(crowd)) ?? { ...value, held: 0, about: [], first: crowd };
  const about = [...there.about, ...value.about].slice(0, MAX_ABOUT);
  put(floods, owner, keyOf(crowd), { ...there, held: there.held + held, about, first: there.first ?? crowd });
}

/** The finding, or, where its sender has caused too many of its kind, one that is about him. */
export function crowded(bursts: Bursts, finding: Finding, sender: string, pause: number, now: number): Finding {
  const key = `${finding.code} ${sender}`;
  const burst = bursts.get(key);
  const isOver = burst === undefined || isPast(burst.since, pause * 1000, now);
  const count = isOver ? 1 : burst.count + 1;
  remember(bursts, key, { since: isOver ? now : burst.since, count }, MAX_BURSTS);
  return count > MAX_BURST ? { ...finding, subject: crowdOf(sender) } : finding;
}

/** Whether it is only counted at that time: the pause is not over, or its sum is still to be told. */
export function isPaused(floods: Floods, finding: Pick<Finding, "code" | "subject">, now: number): boolean {
  const told = floods.all.get(keyOf(finding));
  return told !== undefined && (told.held > 0 || !isPast(told.at, told.pauseMs, now));
}

/** It is told at that time. @param sender of the entry that it was found with @param pause seconds */
export function noteTold(floods: Floods, finding: Finding, sender: string, pause: number, now: number): void {
  const told = floods.all.get(keyOf(finding));
  const isSum = finding.count !== undefined;
  // Its own entry, of what was told when the entry before was judged.
  if (told?.at === now && !isSum) return;
  const pauseMs = isSum && told !== undefined ? Math.min(told.pauseMs * GROWTH, LONGEST_PAUSE_MS) : pause * 1000;
  const kept = told === undefined || isSum ? { held: 0, about: [], first: undefined } : told;
  put(floods, sender, keyOf(finding), { ...kept, at: now, pauseMs });
}

/** It is counted only. */
export function hold(floods: Floods, finding: Finding): void {
  const told = floods.all.get(keyOf(finding));
  if (told === undefined) return;
  told.held += 1;
  told.first ??= finding;
  // Of each where it was found: the sum tells which ones they are.
  for (const index of finding.about.slice(0, 1)) if (told.about.length < MAX_ABOUT) told.about.push(index);
}

/** The sums of what was held back. */
export function dueOfFloods(floods: Floods, now: number): Omit<Finding, "index">[] {
  return [...floods.all.values()].flatMap(({ at, pauseMs, held, about, first }) => {
    if (held === 0 || first === undefined || !isPast(at, pauseMs, now)) return [];
    const { index: _, ...rest } = first;
    return [{ ...rest, about: [...about], count: held, says: `${held} more of this kind; the first: ${first.says}` }];
  });
}
