/** The report as a person reads it at a terminal: what is wrong first. */
import { plural, visible } from "../../base/text.js";
import type { Assertion, FaultResult, Report } from "../model.js";
import { causeWords, countsWords, findingsOf, madeWords, measureRow, titleOf } from "./words.js";

/** Where it was looked: gateways by their number, where there are several; what is none by its name. */
function placesOf(ids: readonly string[], gateways: ReadonlySet<string>): string {
  const own = ids.filter((id) => gateways.has(id));
  const counted = own.length > 1 ? [plural(own.length, "gateway")] : own.map(visible);
  return [...counted, ...ids.filter((id) => !gateways.has(id)).map(visible)].join(" and ");
}

/** One row a case. */
function rowOf(name: string, own: readonly Assertion[], known: ReadonlySet<string>): string {
  const failed = own.filter(({ ok }) => !ok);
  const gateways = [...new Set(own.map(({ gateway }) => gateway))];
  const on = (all: readonly Assertion[], id: string): number => all.filter(({ gateway }) => gateway === id).length;
  const where = gateways
    .filter((id) => on(failed, id) > 0)
    .map((id) => `${visible(id)} (${on(failed, id)} of ${on(own, id)})`);
  const how =
    failed.length === 0
      ? `${plural(own.length, "check")} on ${placesOf(gateways, known)}`
      : `failed on ${where.join(", ")}`;
  return `${failed.length === 0 ? "ok  " : "FAIL"}  ${visible(name).padEnd(26)}  ${titleOf(name)}: ${how}`;
}

/** What was expected is what was; else what was seen is said. */
function faultRow(fault: FaultResult): string {
  const { ok, name, expected, seen } = fault;
  const said = ok ? visible(expected) : `expected ${visible(expected)}; seen ${visible(seen)}`;
  return `${ok ? "ok  " : "FAIL"}  ${visible(name).padEnd(26)}  ${said}${visible(madeWords(fault))}`;
}

function rowsOf({ assertions, faults, gateways }: Report): string[] {
  const known = new Set(gateways.map(({ id }) => id));
  const names = [...new Set(assertions.map((one) => one.case))];
  const rows = names.map((name) =>
    rowOf(
      name,
      assertions.filter((one) => one.case === name),
      known,
    ),
  );
  const all = [...rows, ...faults.map(faultRow)];
  return [...all.filter((row) => row.startsWith("FAIL")), ...all.filter((row) => !row.startsWith("FAIL"))];
}

/** More of them are in report.json. */
const MOST = 10;

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MOST ? [`  ... and ${lines.length - MOST} more, in report.json`] : [];
  return [title, ...lines.slice(0, MOST).map((line) => `  - ${visible(line)}`), ...more];
}

function sinceRows({ last: since, partial }: Report): string[] {
  if (partial === true) return ["Some cases alone were played: the drill is due as before."];
  if (since === undefined) return ["There is no drill of this name before it to compare with."];
  const { began, worse, mended, gone, fresh } = since;
  const day = began.slice(0, "2026-11-27".length);
  if (worse.length + mended.length + gone.length + fresh.length === 0)
    return [`The same was looked at, with the same results, as on ${day}.`];
  return [
    ...listed(`Worse than on ${day}:`, worse),
    ...listed(`Mended since ${day}:`, mended),
    ...listed(`Looked at on ${day}, and not now:`, gone),
    ...listed(`Looked at for the first time:`, fresh),
  ];
}

export function tableOf(report: Report): string[] {
  const { measures, notProbed } = report;
  const findings = findingsOf(report);
  const cause = causeWords(report);
  return [
    `Drill ${visible(report.name)} on ${report.gateways.map(({ id }) => visible(id)).join(", ")}`,
    ...(findings.length === 0 ? [] : ["Findings:"]),
    ...findings.map(
      ({ finding, more }) => `  - ${visible(finding)}${more > 0 ? ` (and ${more} more of this kind)` : ""}`,
    ),
    ...(cause === undefined ? [] : [`  ${visible(cause)}`]),
    ...rowsOf(report),
    ...(measures.length === 0 ? [] : ["Measured:"]),
    ...measures.map((one) => `      ${measureRow(one)}`),
    ...(notProbed.length === 0 ? [] : ["Not probed:"]),
    ...notProbed.map(({ what, why }) => `  - ${visible(what)}: ${visible(why)}`),
    ...sinceRows(report),
    `${countsWords(report)}.${report.partial === true ? "" : ` Next due ${report.dueNext.slice(0, "2026-11-27".length)}.`}`,
  ];
}
