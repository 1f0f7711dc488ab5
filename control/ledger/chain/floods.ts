/** The same code about the same subject is told once, then counted for a while, and told once more in sum. */
import { remember } from "./bounded.js";
import { type Finding, MAX_ABOUT } from "./finding.js";

const MAX_TOLD = 16_384;

interface Told {
  /** When it was told last. */
  at: number;
  /** Since then. */
  held: number;
  about: number[];
  first: Finding | undefined;
}

/** By code and subject. */
export type Floods = Map<string, Told>;

const keyOf = ({ code, subject }: Pick<Finding, "code" | "subject">): string => `${code} ${subject}`;

/** Alarms of one code that one sender causes within a pause, each about another subject; what is more counts as about him. */
const MAX_BURST = 64;
const MAX_BURSTS = 4096;

/** By code and sender: how many since when. */
export type Bursts = Map<string, { readonly since: number; readonly count: number }>;

/** The finding, or, where its sender has caused too many of its kind, one that is about him. */
export function crowded(bursts: Bursts, finding: Finding, sender: string, pause: number, now: number): Finding {
  const key = `${finding.code} ${sender}`;
  const burst = bursts.get(key);
  const isOver = burst === undefined || now - burst.since >= pause * 1000;
  const count = isOver ? 1 : burst.count + 1;
  remember(bursts, key, { since: isOver ? now : burst.since, count }, MAX_BURSTS);
  return count > MAX_BURST ? { ...finding, subject: `many of ${sender}` } : finding;
}

/** Whether it may be told at that time. */
export function isPaused(
  floods: Floods,
  finding: Pick<Finding, "code" | "subject">,
  pause: number,
  now: number,
): boolean {
  const told = floods.get(keyOf(finding));
  return told !== undefined && now - told.at < pause * 1000;
}

/** It is told at that time. */
export function noteTold(floods: Floods, finding: Finding, now: number): void {
  const told = floods.get(keyOf(finding));
  const isSum = finding.count !== undefined;
  if (told !== undefined && told.at >= now && !isSum) return;
  const kept = told === undefined || isSum ? { held: 0, about: [], first: undefined } : told;
  remember(floods, keyOf(finding), { ...kept, at: now }, MAX_TOLD);
}

/** It is counted only. */
export function hold(floods: Floods, finding: Finding): void {
  const told = floods.get(keyOf(finding));
  if (told === undefined) return;
  told.held += 1;
  told.first ??= finding;
  for (const index of finding.about) if (told.about.length < MAX_ABOUT) told.about.push(index);
}

/** The sums of what was held back. */
export function dueOfFloods(floods: Floods, pause: number, now: number): Omit<Finding, "index">[] {
  return [...floods.values()].flatMap(({ at, held, about, first }) => {
    if (held === 0 || first === undefined || now - at < pause * 1000) return [];
    const { index: _, ...rest } = first;
    return [{ ...rest, about: [...about], count: held, says: `${held} more of this kind; the first: ${first.says}` }];
  });
}
