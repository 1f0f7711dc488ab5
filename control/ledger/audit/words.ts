/** What `verify` found, in words: what was done, the first bad thing, and which of two things is proved. */
import { plural, visible } from "../../base/text.js";
import { problemOf } from "./meaning.js";
import { showProblem } from "./problem.js";
import type { Report } from "./report.js";

/** More are in `--json`. */
const MOST = 20;

export const isProved = ({ problems }: Report): boolean => problems.length === 0;

/** What is proved, as sentences; empty where something is wrong. */
export function provedBy(report: Report): string[] {
  if (!isProved(report)) return [];
  const proved = [`${report.origin}'s key signed exactly these ${report.size} entries, in this order.`];
  for (const { file, size } of report.consistentWith)
    proved.push(`Nothing that was there at size ${size} (${visible(file)}) was changed or removed since.`);
  const { witnesses, witnessedSize = 0 } = report;
  const part = witnessedSize < report.size ? `, up to size ${witnessedSize}` : "";
  if (witnesses.length > 0) proved.push(`${witnesses.map(visible).join(", ")} saw this same history${part}.`);
  return proved;
}

/** What is not, and how to prove it. */
export function notProvedBy(report: Report, given: { readonly anchors: boolean }): string[] {
  const not: string[] = [];
  if (report.consistentWith.length === 0)
    not.push(
      "that these entries are those of before: whoever has the key can sign others. Name a checkpoint that you kept: --since FILE",
    );
  if (report.witnesses.length === 0)
    not.push("that everybody was shown this one history: --policy FILE asks witnesses");
  else if (report.witnessedSize !== undefined && report.witnessedSize < report.size)
    not.push(`that they saw entries ${report.witnessedSize} to ${report.size - 1}: what they cosigned last is older`);
  if (!given.anchors)
    not.push("that the trust bundles in it are yours: no anchors were compared. --anchors FILE pins them");
  if (report.predecessor !== undefined)
    not.push(
      `what it took over from ${visible(report.predecessor)}, approvals too: verify that log as well, and name both to \`glassgate ledger shards\``,
    );
  for (const { vm, from, to } of report.open)
    not.push(
      `that ${from === to ? `seq ${from}` : `seq ${from} to ${to}`} of ${visible(vm)} was ever delivered: the log ends before an alarm about it was due`,
    );
  for (const problem of report.undecided)
    not.push(`that this is not so, as the log ends before an alarm about it was due: ${showProblem(problem)}`);
  return not;
}

const MARKS = { true: "ok    ", false: "WRONG ", undefined: "-     " } as const;

export function wordsOf(report: Report, given: { readonly anchors: boolean }): string[] {
  const lines = report.steps.map(({ step, holds, says }) => {
    const mark = MARKS[holds === undefined ? "undefined" : holds ? "true" : "false"];
    return `${mark}${step.padEnd(12)}${visible(says)}`;
  });
  const shown = (findings: readonly string[], title: string): void => {
    if (findings.length === 0) return;
    lines.push("", title, ...findings.slice(0, MOST).map((line) => `  ${line}`));
    if (findings.length > MOST) lines.push(`  ... and ${findings.length - MOST} more: --json shows them`);
  };
  shown(
    report.onRecord.map((finding) => showProblem(problemOf(finding))),
    "Alarms on record, which the ledger itself raised:",
  );
  shown(
    report.notices.map((finding) => showProblem(problemOf(finding))),
    "Worth knowing:",
  );
  const [first, ...further] = report.problems.map(showProblem);
  if (first !== undefined) {
    lines.push("", `Wrong: ${first}`);
    shown(further, `And ${plural(further.length, "further thing")}:`);
    return lines;
  }
  lines.push("", "Proved:", ...provedBy(report).map((line) => `  ${line}`));
  shown(notProvedBy(report, given), "Not proved:");
  return lines;
}
