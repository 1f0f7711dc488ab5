/** JUnit XML, as Jenkins, GitLab and GitHub's actions read it: a suite for each case, a test for each assertion. */
import { visible } from "../../base/text.js";
import type { Report } from "./model.js";
import { madeWords, measureRow } from "./words.js";

const SIGNS: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** Within an attribute as within an element, and escaped as elsewhere: XML 1.0 (section 2.2) can hold no more, and a page of a CI system turns nothing round. */
const xml = (text: string): string => visible(text).replace(/[&<>"]/g, (sign) => SIGNS[sign] ?? sign);

/** Nobody measures a test, and some readers drop one without a time, or make NaN of it: the whole drill's stands at the top. */
const NO_TIME = 'time="0.000"';

interface Test {
  readonly name: string;
  readonly failure?: { readonly type: string; readonly says: string } | undefined;
  readonly skipped?: string;
  readonly out?: string;
}

function testText(suite: string, { name, failure, skipped, out }: Test): string {
  const inner = [
    failure && `<failure type="${xml(failure.type)}" message="${xml(failure.says)}">${xml(failure.says)}</failure>`,
    skipped !== undefined && `<skipped message="${xml(skipped)}"/>`,
    out !== undefined && `<system-out>${xml(out)}</system-out>`,
  ].filter((part) => typeof part === "string");
  return `    <testcase classname="${xml(suite)}" name="${xml(name)}" ${NO_TIME}>${inner.join("")}</testcase>`;
}

/** Readers take two tests of one name for one: the second gets a number. */
function numbered(tests: readonly Test[]): Test[] {
  const seen = new Map<string, number>();
  return tests.map((test) => {
    const times = (seen.get(test.name) ?? 0) + 1;
    seen.set(test.name, times);
    return times === 1 ? test : { ...test, name: `${test.name} #${times}` };
  });
}

const failed = (type: string, says: string): Test["failure"] => ({ type, says });

function suitesOf({ assertions, measures, faults, notProbed }: Report): (readonly [string, Test[]])[] {
  const cases = [...new Set(assertions.map((one) => one.case))];
  const of = (name: string) => assertions.filter((one) => one.case === name);
  return [
    ...cases.map((name): readonly [string, Test[]] => [
      name,
      of(name).map(({ gateway, route, what, expected, seen, ok, fault, finding }) => ({
        name: `${gateway}${route === undefined ? "" : ` ${route}`}: ${what}`,
        failure: ok ? undefined : failed(fault ?? "unexpected", finding ?? `expected ${expected}, seen ${seen}`),
        out: `expected ${expected}; seen ${seen}`,
      })),
    ]),
    [
      "measured",
      measures.map((one) => ({
        name: one.name,
        failure: one.ok ? undefined : failed("limit", measureRow(one)),
        out: measureRow(one),
      })),
    ],
    [
      "faults",
      faults.map((fault) => ({
        name: fault.name,
        failure: fault.ok
          ? undefined
          : failed("fault", fault.finding ?? `expected ${fault.expected}, seen ${fault.seen}`),
        out: `expected ${fault.expected}; seen ${fault.seen}${madeWords(fault)}`,
      })),
    ],
    ["not probed", notProbed.map(({ what, why }) => ({ name: what, skipped: why }))],
  ];
}

const countsOf = (tests: readonly Test[]): string =>
  `tests="${tests.length}" failures="${tests.filter(({ failure }) => failure !== undefined).length}" errors="0" skipped="${tests.filter(({ skipped }) => skipped !== undefined).length}"`;

export function junitOf(report: Report): string {
  const suites = suitesOf(report).filter(([, tests]) => tests.length > 0);
  const began = report.began.replace(/\..*|Z$/, "");
  const seconds = ((Date.parse(report.ended) - Date.parse(report.began)) / 1000).toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(`drill ${report.name}`)}" time="${seconds}" ${countsOf(suites.flatMap(([, tests]) => tests))}>`,
    ...suites.flatMap(([name, tests]) => [
      `  <testsuite name="${xml(name)}" timestamp="${xml(began)}" ${NO_TIME} ${countsOf(tests)}>`,
      ...numbered(tests).map((test) => testText(`drill.${report.name}.${name}`, test)),
      "  </testsuite>",
    ]),
    "</testsuites>",
    "",
  ].join("\n");
}
