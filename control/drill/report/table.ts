/** The report as a person reads it at a terminal. */
import { plural, visible } from "../../base/text.js";
import { CONFIGURATION, cases, FACTS, LEDGER } from "../cases/index.js";
import type { Assertion, Measure, Report } from "../model.js";

const TITLES: ReadonlyMap<string, string> = new Map([
  [FACTS, "What each gateway serves"],
  [CONFIGURATION, "What each gateway is configured to do"],
  [LEDGER, "The ledger goes on from what it was"],
  ...cases.map(({ name, title }) => [name, title] as const),
]);

const WORDS: Readonly<Record<Measure["name"], string>> = {
  quorum: "from the ask to the quorum",
  grant: "from the ask to the grant",
  first_allowed: "from the ask to the first allowed call",
  revoked: "from the revocation to the last gateway's denial",
  expired: "from the grant's end to the first denial",
  recorded: "from a call to its record in the ledger",
};

const seconds = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

/** One row a case. */
function rowOf(name: string, own: readonly Assertion[]): string {
  const failed = own.filter(({ ok }) => !ok);
  const on = [...new Set(failed.map(({ gateway }) => gateway))].map(visible).join(", ");
  const how = failed.length === 0 ? plural(own.length, "check") : `${failed.length} of ${own.length} failed: ${on}`;
  return `${failed.length === 0 ? "ok  " : "FAIL"}  ${name.padEnd(26)}  ${TITLES.get(name) ?? ""} (${how})`;
}

function measureRow({ name, p50, max, limit, ok, samples }: Measure): string {
  const bound = limit === undefined ? "" : `, limit ${seconds(limit)}${ok ? "" : ": TOO LONG"}`;
  return `      ${WORDS[name]}: ${seconds(p50)} in the middle, ${seconds(max)} at most (${samples.length})${bound}`;
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

export function tableOf(report: Report): string[] {
  const names = [...new Set(report.assertions.map((one) => one.case))];
  const { counts } = report;
  const findings = findingsIn(report.assertions);
  return [
    `Drill ${visible(report.drill)} on ${report.gateways.map(({ id }) => visible(id)).join(", ")}`,
    ...names.map((name) =>
      rowOf(
        name,
        report.assertions.filter((one) => one.case === name),
      ),
    ),
    ...(report.measures.length === 0 ? [] : ["Measured:", ...report.measures.map(measureRow)]),
    ...(findings.length === 0
      ? []
      : [
          "Findings:",
          ...findings.map(({ finding, more }) => `  - ${finding}${more > 0 ? ` (and ${more} more of this kind)` : ""}`),
        ]),
    ...(report.notProbed.length === 0
      ? []
      : ["Not probed:", ...report.notProbed.map(({ what, why }) => `  - ${visible(what)}: ${visible(why)}`)]),
    `${counts.passed} as expected, ${counts.failed} not, ${counts.notProbed} not probed. Next due ${report.dueNext.slice(0, 10)}.`,
  ];
}
