/** Words that the report's forms share. */
import { plural, visible } from "../../base/text.js";
import { ALERTS, CONFIGURATION, cases, FACTS, LEDGER, PUSHED, REVOKED } from "../cases/index.js";
import type { Assertion, FaultResult, Measure, Report } from "./model.js";

const TITLES: ReadonlyMap<string, string> = new Map([
  [FACTS, "What each gateway serves"],
  [CONFIGURATION, "What each gateway is configured to do"],
  [LEDGER, "The ledger goes on from what it was"],
  [REVOKED, "What is revoked is dead on every gateway"],
  [PUSHED, "A push reaches every gateway"],
  [ALERTS, "Somebody hears of each first use"],
  ...cases.map(({ name, title }) => [name, title] as const),
]);
export const titleOf = (name: string): string => TITLES.get(name) ?? "";

export const measureWords: Readonly<Record<Measure["name"], string>> = {
  quorum: "from the ask to the quorum",
  grant: "from the ask to the grant",
  first_allowed: "from the ask to the first allowed call",
  revoked: "from the revoking command's start to the last gateway's denial",
  expired: "from the grant's end to the first denial",
  pushed: "from the pushing command's start to the last gateway's last worker",
  recorded: "from a call to its record in the ledger",
  alarmed: "from a grant's first use to its alarm in the ledger",
  alerted: "from a grant's first use to its alarm at whoever gets it",
  scratch_revoked: "on the scratch gateway, from signing a revocation to the denial",
  scratch_pushed: "on the scratch gateway, from signing a bundle to its last worker",
};

export const took = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

/** The last time, and the times before it. */
function lastTimes(last: number | undefined, earlier: readonly number[] = []): string {
  if (last === undefined) return "";
  const before = earlier.length === 0 ? "" : `; before that ${earlier.map(took).join(", ")}`;
  return ` (last time ${took(last)}${before})`;
}

export function measureRow(measure: Measure): string {
  const { name, p50, max, limit, ok, samples, slowest, lastP50, lastMax, earlier } = measure;
  const bound = limit === undefined ? "" : `, limit ${took(limit)}${ok ? "" : ": TOO LONG"}`;
  const where = slowest === undefined ? "" : ` on ${visible(slowest)}`;
  return `${measureWords[name]}: ${took(p50)} in the middle${lastTimes(lastP50, earlier)}, ${took(max)} at most${where}${lastTimes(lastMax)} (${samples.length})${bound}`;
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

/** How a fault was made; empty where that is not told, as in reports of before. */
export const madeWords = ({ does, undo }: FaultResult): string =>
  does === undefined ? "" : `; made by: ${does}${undo === undefined ? "" : `; undone by: ${undo}`}`;

/** How it went, in a line. */
export function countsWords({ counts, faults, measures, notProbed }: Report): string {
  const wrong = faults.filter(({ ok }) => !ok).length;
  const how = wrong === 0 ? "as expected" : `${wrong} not as expected`;
  const made = faults.length === 0 ? "" : `; ${plural(faults.length, "fault")}, ${how}`;
  const late = measures.filter(({ ok }) => !ok).length;
  const slow = late === 0 ? "" : `; ${plural(late, "limit")} exceeded`;
  const accepted = notProbed.filter(({ member }) => member === "accept").length;
  const but = accepted === 0 ? "" : `; ${plural(accepted, "finding")} accepted by the drill file`;
  return `${counts.passed} as expected, ${counts.failed} not, ${counts.notProbed} not probed${made}${slow}${but}`;
}

/** Whether all is as expected. */
export const isGood = ({ counts, measures, faults }: Report): boolean =>
  counts.failed === 0 && measures.every(({ ok }) => ok) && faults.every(({ ok }) => ok);
