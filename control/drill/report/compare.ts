/** A drill beside the last one of its name: what broke since, what was mended, what is looked at no more, and how long things took. */
import type { Assertion, Measure, Report, SinceLast } from "./model.js";

/** The same for the same thing in the next drill. */
export const assertionName = ({ case: name, gateway, route, what }: Assertion): string =>
  `${name} on ${gateway}${route === undefined ? "" : `, ${route}`}: ${what}`;

/** By name; what was asserted several times is as expected where each of them is. */
function byName(assertions: readonly Assertion[]): ReadonlyMap<string, boolean> {
  const all = new Map<string, boolean>();
  for (const one of assertions) all.set(assertionName(one), (all.get(assertionName(one)) ?? true) && one.ok);
  return all;
}

export interface LastReport {
  readonly report: Report;
  /** Of its report.json. */
  readonly sha256: string;
}

export function sinceLast(report: Report, last: LastReport): SinceLast {
  const [now, then] = [byName(report.assertions), byName(last.report.assertions)];
  const names = (all: ReadonlyMap<string, boolean>, isIt: (name: string, ok: boolean) => boolean): string[] =>
    [...all].filter(([name, ok]) => isIt(name, ok)).map(([name]) => name);
  return {
    began: last.report.began,
    report: last.sha256,
    worse: names(now, (name, ok) => !ok && then.get(name) === true),
    mended: names(now, (name, ok) => ok && then.get(name) === false),
    gone: names(then, (name) => !now.has(name)),
    fresh: names(now, (name) => !then.has(name)),
  };
}

/** Middles that a report carries on from the drills before the last one: a slow worsening shows. */
const EARLIER = 8;

function besideLast(measure: Measure, last: Measure | undefined): Measure {
  if (last === undefined) return measure;
  const earlier = [...(last.lastP50 === undefined ? [] : [last.lastP50]), ...(last.earlier ?? [])].slice(0, EARLIER);
  return { ...measure, lastP50: last.p50, lastMax: last.max, ...(earlier.length === 0 ? {} : { earlier }) };
}

/** The report with what the last one says beside it; it is signed so. */
export function withLast(report: Report, last: LastReport | undefined): Report {
  if (last === undefined || report.partial === true) return report;
  const lasts = new Map(last.report.measures.map((one) => [one.name, one]));
  return {
    ...report,
    measures: report.measures.map((measure) => besideLast(measure, lasts.get(measure.name))),
    last: sinceLast(report, last),
  };
}
