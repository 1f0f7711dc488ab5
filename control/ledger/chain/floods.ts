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
