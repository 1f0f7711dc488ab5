/** What a report says of itself: results and findings, counts, figures, gateways. A signer's word that contradicts itself is none. */
import { visible } from "../../base/text.js";
import { caseNames, cases } from "../cases/index.js";
import { figuresOf } from "../measures.js";
import type { Assertion, CallEvidence, FaultResult, Measure, Report } from "./model.js";
import { isGood } from "./words.js";
import { must, type Place, placeOf, placeOfFault } from "./wrong.js";

const whereOf: ReadonlyMap<string, "fleet" | "scratch"> = new Map(cases.map((one) => [one.name, one.where]));

/** Whether it is about one of the user's gateways: what a scratch gateway recorded is gone with it. */
export const isOfFleet = ({ gateways }: Report): ((assertion: Assertion) => boolean) => {
  const ids = new Set(gateways.map(({ id }) => id));
  return (assertion) => ids.has(assertion.gateway);
};

export const isLetIn = ({ status }: CallEvidence): boolean => (status >= 200 && status < 300) || status === 101;
const isRefused = ({ status }: CallEvidence): boolean => status === 401 || status === 403;

/** What a record must say for an assertion to be as expected, by the words of judge.ts. */
export function wantedVerdict(expected: string): string | undefined {
  if (/^allowed(?:,|$)/.test(expected)) return "allow";
  return /^denied: ([a-z_]+)$/.exec(expected)?.[1];
}

function checkResult(ok: boolean, finding: string | undefined, place: Place): void {
  must(!ok || finding === undefined, () => `${place()} is as expected and has a finding.`);
  must(ok || finding !== undefined, () => `${place()} is not as expected, and no finding says why.`);
}

/** What was answered, beside what it is said to be. */
function checkAnswers({ ok, expected, calls }: Assertion, place: Place): void {
  if (!ok) return;
  const wanted = wantedVerdict(expected);
  const [first] = calls;
  const says = (what: string) => (): string => `${place()}: it is as expected, and ${what}.`;
  if (wanted === undefined) {
    if (/^(?:not let in|refused)\b/.test(expected))
      must(!calls.some((call) => isLetIn(call) || call.verdict === "allow"), says("a call was let in"));
    return;
  }
  must(first !== undefined, says("no call was made"));
  const verdict = visible(first?.verdict ?? "no record");
  must(first?.verdict === wanted, () => `${place()}: it is as expected with ${verdict} in place of ${wanted}.`);
  must(first?.mode === "enforce", says("the gateway enforced nothing"));
  if (wanted === "allow") must(!calls.some(isRefused), says("the call was refused"));
  else must(!calls.some(isLetIn), says("a call was let in"));
  if (/\bcut\b/.test(expected))
    must(
      calls.some((one) => one.verdict === "expired"),
      says("no record ends the stream"),
    );
}

function checkAssertions(report: Report): void {
  const isOf = isOfFleet(report);
  for (const assertion of report.assertions) {
    const place = placeOf(assertion);
    checkResult(assertion.ok, assertion.finding, place);
    checkAnswers(assertion, place);
    const where = whereOf.get(assertion.case);
    must(
      where !== "fleet" || isOf(assertion),
      () => `${place()}: the report has no gateway ${visible(assertion.gateway)}.`,
    );
  }
}

function checkFault(fault: FaultResult): void {
  const place = placeOfFault(fault);
  const { ok, finding, calls, seen } = fault;
  checkResult(ok, finding, place);
  if (calls === undefined) return; // As it was written before calls were told.
  const lost = calls.find((call) => ok && isLetIn(call) && call.verdict !== "allow");
  must(
    lost === undefined,
    () =>
      `${place()}: it is as expected, and a call was let in that is recorded as ${visible(lost?.verdict ?? "nothing")}.`,
  );
  const told = /\bof (\d+) that the filter judged (\d+) on record(?:, (\d+) entered in the ledger)?/.exec(seen);
  const counted = [
    calls.length,
    calls.filter(({ verdict }) => verdict !== undefined).length,
    calls.filter(({ entry }) => entry !== undefined).length,
  ];
  counted.forEach((count, i) => {
    const said = told?.[i + 1];
    must(
      said === undefined || Number(said) === count,
      () => `${place()}: it counts ${said} ${["calls", "records", "entries"][i]}, and has ${count}.`,
    );
  });
}

function checkMeasure({ name, samples, p50, max, limit, ok }: Measure): void {
  const made = figuresOf(samples, limit);
  must(
    made.p50 === p50 && made.max === max && made.ok === ok,
    () => `Of \`${name}\` the report says something else than its samples.`,
  );
}

function checkCounts({ assertions, counts, notProbed }: Report): void {
  const passed = assertions.filter(({ ok }) => ok).length;
  const counted = { passed, failed: assertions.length - passed, notProbed: notProbed.length };
  must(
    counted.passed === counts.passed && counted.failed === counts.failed && counted.notProbed === counts.notProbed,
    () =>
      `The report counts ${counts.passed} as expected, ${counts.failed} not and ${counts.notProbed} not probed; it has ${counted.passed}, ${counted.failed} and ${counted.notProbed}.`,
  );
}

/** A drill that was held has sent something to each gateway that it names; one that went well has opened something there. */
function checkHeld(report: Report): void {
  const { gateways, assertions, partial, checkpoint } = report;
  must(gateways.length > 0, () => "The report names no gateway.");
  if (partial === true) return;
  const sent = new Set<string>();
  const shown = new Set<string>();
  for (const { gateway, calls } of assertions) {
    if (calls.length > 0) sent.add(gateway);
    if (calls.some(({ verdict, entry }) => verdict !== undefined && (checkpoint === undefined || entry !== undefined)))
      shown.add(gateway);
  }
  for (const { id } of gateways) {
    must(sent.has(id), () => `Nothing was sent to ${visible(id)}: there no drill was held.`);
    must(
      !isGood(report) || shown.has(id),
      () => `It says that all went well, and has not one record of ${visible(id)}.`,
    );
  }
}

/** @throws Wrong */
export function checkConsistent(report: Report): void {
  checkAssertions(report);
  report.faults.forEach(checkFault);
  report.measures.forEach(checkMeasure);
  checkCounts(report);
  checkHeld(report);
}

export interface Coverage {
  /** `opens, expired on gateway-2`: what this version's drill would have tried there. */
  readonly missing: readonly string[];
  /** Cases of which this version knows nothing. */
  readonly unknown: readonly string[];
}

/** What an auditor must know that a report is silent about. */
export function coverageOf({ gateways, assertions, notProbed, partial }: Report): Coverage {
  const played = new Set(assertions.map((one) => `${one.case}\n${one.gateway}`));
  const skipped = new Set(notProbed.map(({ what }) => what));
  const fleet = cases.filter(({ name, where }) => where === "fleet" && !skipped.has(`the case ${name}`));
  const byNames = new Map<string, string[]>();
  for (const { id } of partial === true ? [] : gateways) {
    const names = fleet.map(({ name }) => name).filter((name) => !played.has(`${name}\n${id}`));
    if (names.length > 0) byNames.set(names.join(", "), [...(byNames.get(names.join(", ")) ?? []), visible(id)]);
  }
  const unknown = [...new Set(assertions.map((one) => one.case))]
    .filter((name) => !caseNames.includes(name))
    .map(visible);
  return { missing: [...byNames].map(([names, ids]) => `${names} on ${ids.join(", ")}`), unknown };
}
