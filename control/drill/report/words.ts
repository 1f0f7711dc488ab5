/** Words that the report's forms share. */
import { plural } from "../../base/text.js";
import { CONFIGURATION, cases, FACTS, LEDGER } from "../cases/index.js";
import type { Assertion, Measure, Report } from "./model.js";

const TITLES: ReadonlyMap<string, string> = new Map([
  [FACTS, "What each gateway serves"],
  [CONFIGURATION, "What each gateway is configured to do"],
  [LEDGER, "The ledger goes on from what it was"],
  ...cases.map(({ name, title }) => [name, title] as const),
]);
export const titleOf = (name: string): string => TITLES.get(name) ?? "";

export const measureWords: Readonly<Record<Measure["name"], string>> = {
  quorum: "from the ask to the quorum",
  grant: "from the ask to the grant",
  first_allowed: "from the ask to the first allowed call",
  revoked: "from the revocation to the last gateway's denial",
  expired: "from the grant's end to the first denial",
  recorded: "from a call to its record in the ledger",
};

export const took = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

export function measureRow({ name, p50, max, limit, ok, samples, lastP50 }: Measure): string {
  const last = lastP50 === undefined ? "" : ` (last time ${took(lastP50)})`;
  const bound = limit === undefined ? "" : `, limit ${took(limit)}${ok ? "" : ": TOO LONG"}`;
  return `${measureWords[name]}: ${took(p50)} in the middle${last}, ${took(max)} at most (${samples.length})${bound}`;
}

export interface Grouped {
  /** The first of them. */
  readonly finding: string;
  /** How many more of its kind there are on this gateway. */
  more: number;
}

/** Of each kind on each gateway the first in words: what follows from one cause is not told a hundred times. */
export function findingsIn(assertions: readonly Assertion[]): Grouped[] {
  const found = new Map<string, Grouped>();
  for (const { finding, fault, gateway } of assertions) {
    if (finding === undefined) continue;
    const key = fault === undefined ? finding : `${gateway} ${fault}`;
    const one = found.get(key);
    if (one === undefined) found.set(key, { finding, more: 0 });
    else one.more += 1;
  }
  return [...found.values()];
}

/** Of assertions, faults and measures: what is wrong, as one list. */
export const findingsOf = ({ assertions, faults, measures }: Report): Grouped[] => [
  ...findingsIn(assertions),
  ...faults
    .filter(({ ok }) => !ok)
    .map(({ name, expected, seen, finding = `The fault ${name}: expected ${expected}, seen ${seen}.` }) => ({
      finding,
      more: 0,
    })),
  ...measures.filter(({ ok }) => !ok).map((one) => ({ finding: `Too slow: ${measureRow(one)}.`, more: 0 })),
];

/** Under an old bundle much is denied that is as it should be: nobody is to mend that. */
export function causeWords({ assertions }: Report): string | undefined {
  const old = assertions.filter((one) => !one.ok && one.case === FACTS && one.what.startsWith("the trust bundle that"));
  const ids = [...new Set(old.map(({ gateway }) => gateway))];
  if (ids.length === 0 || assertions.every(({ ok, case: name }) => ok || name === FACTS)) return undefined;
  return `What else is found on ${ids.join(", ")} may come from another trust bundle alone: mend that first, and run the drill again.`;
}

/** How it went, in a line. */
export function countsWords({ counts, faults }: Report): string {
  const wrong = faults.filter(({ ok }) => !ok).length;
  const how = wrong === 0 ? "as expected" : `${wrong} not as expected`;
  const made = faults.length === 0 ? "" : `; ${plural(faults.length, "fault")}, ${how}`;
  return `${counts.passed} as expected, ${counts.failed} not, ${counts.notProbed} not probed${made}`;
}

/** Whether all is as expected. */
export const isGood = ({ counts, measures, faults }: Report): boolean =>
  counts.failed === 0 && measures.every(({ ok }) => ok) && faults.every(({ ok }) => ok);
