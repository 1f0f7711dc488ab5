/** The report as one HTML file that stands alone: nothing is loaded or run, and it prints. */
import { page } from "../../review/page/document.js";
import { block, code, data, type Html, html } from "../../review/page/html.js";
import { counted, number, time } from "../../review/page/words.js";
import type { Assertion, CallEvidence, Measure, Report } from "./model.js";
import { causeWords, countsWords, findingsOf, isGood, madeWords, measureWords, titleOf, took } from "./words.js";

const state = (isOk: boolean, yes: string, no: string): Html =>
  isOk ? html`<span class="state">${yes}</span>` : html`<span class="state hot">${no}</span>`;
const at = (moment: string): Html => time(Date.parse(moment));

/** Longer ones hold a text from outside that has no end. */
const LONGEST_SENTENCE = 1200;

/** A finding is never folded: its end is the next step. */
const sentence = (text: string): Html => (text.length <= LONGEST_SENTENCE ? html`<bdi>${text}</bdi>` : data(text));

function section(id: string, title: string, body: Html | undefined): Html | undefined {
  return body && html`<section id="${id}" aria-labelledby="h-${id}"><h2 id="h-${id}">${title}</h2>${body}</section>`;
}

function findings(report: Report): Html {
  const all = findingsOf(report);
  const cause = causeWords(report);
  if (all.length === 0) return html`<p>Everything was as expected.</p>`;
  return html`<ul class="look">${all.map(
    ({ finding, more }) =>
      html`<li>${sentence(finding)}${more > 0 ? html` <span class="quiet">and ${number(more)} more of this kind</span>` : undefined}</li>`,
  )}</ul>${cause && html`<p>${data(cause)}</p>`}`;
}

function facts(report: Report, sha256: string): Html {
  const { people, checkpoint, began, ended, dueNext, gateways, partial, drillFile } = report;
  const approvers = people.approvers.map((sub, i) => html`${i === 0 ? "" : ", "}${data(sub)}`);
  return html`<dl class="facts">
<dt>Held</dt><dd>${at(began)} to ${at(ended)}</dd>
${
  partial === true
    ? undefined
    : html`<dt>Next due</dt><dd>${at(dueNext)}</dd>
`
}<dt>Asked</dt><dd>${data(people.requester)}</dd>
<dt>Approved</dt><dd>${people.approvers.length === 0 ? html`<span class="none">nobody needs to</span>` : approvers}</dd>
<dt>Signed by</dt><dd>${data(people.signer)}, over report.json with SHA-256 ${code(sha256)}</dd>
<dt>Drill file</dt><dd>${drillFile === undefined ? html`<span class="none">not told</span>` : html`SHA-256 ${code(drillFile)}`}</dd>
<dt>Gateways</dt><dd>${gateways.map(
    ({ id, url, bundle, filter, anchors, envoy, kong }) =>
      html`<div>${data(id)} <span class="quiet">${data(url)}${bundle === undefined ? undefined : `, trust bundle ${bundle}`}${envoy && html`, Envoy ${data(envoy)}`}${kong && html`, Kong ${data(kong)}`}${filter && html`, filter ${code(filter)}`}${anchors && html`, anchors ${code(anchors)}`}</span></div>`,
  )}</dd>
<dt>Proof</dt><dd>${
    checkpoint === undefined
      ? html`<span class="no">None: the drill had no ledger.</span>`
      : html`<pre>${block(checkpoint.text)}</pre>`
  }</dd>
</dl>`;
}

const callOf = ({ requestId, method, host, path, status, code: told, verdict, entry }: CallEvidence): Html =>
  html`<span class="sub">${data(`${method} ${host}${path}`)}: ${number(status)}${told && html` ${data(told)}`}${verdict && html`, recorded as ${data(verdict)}`}${entry === undefined ? undefined : html`, entry ${String(entry)}`} <span class="mono">${data(requestId)}</span></span>`;

function row({ gateway, route, what, expected, seen, ok, finding, calls }: Assertion): Html {
  return html`<tr><td>${state(ok, "as expected", "not")}</td><th scope="row">${data(gateway)}${route && html`<span class="sub">${data(route)}</span>`}</th><td>${data(what)}${finding && html`<span class="sub">${sentence(finding)}</span>`}${calls.map(callOf)}</td><td>${data(expected)}</td><td>${data(seen)}</td></tr>`;
}

function caseTable(name: string, own: readonly Assertion[]): Html {
  const failed = own.filter(({ ok }) => !ok).length;
  const caption =
    failed === 0 ? counted(own.length, "check") : `${number(failed)} of ${counted(own.length, "check")} failed`;
  const table = html`<table class="cards"><caption>${caption}</caption><thead><tr><th scope="col">Result</th><th scope="col">Gateway</th><th scope="col">What</th><th scope="col">Expected</th><th scope="col">Seen</th></tr></thead><tbody>${own
    .toSorted((a, b) => Number(a.ok) - Number(b.ok))
    .map(row)}</tbody></table>`;
  const title = html`${data(name)} <span class="quiet">${titleOf(name)}</span>`;
  return html`<section><h3>${title}</h3>${table}</section>`;
}

function caseTables(assertions: readonly Assertion[]): Html {
  const names = [...new Set(assertions.map((one) => one.case))];
  const of = (name: string): Assertion[] => assertions.filter((one) => one.case === name);
  const isOk = (name: string): boolean => of(name).every(({ ok }) => ok);
  return html`${names.toSorted((a, b) => Number(isOk(a)) - Number(isOk(b))).map((name) => caseTable(name, of(name)))}`;
}

function measures(all: readonly Measure[]): Html | undefined {
  if (all.length === 0) return undefined;
  const cell = (text: string): Html => html`<td class="num">${text}</td>`;
  const one = (ms: number | undefined): string => (ms === undefined ? "" : took(ms));
  return html`<table class="cards"><thead><tr><th scope="col">What</th><th scope="col">p50</th><th scope="col">Last p50</th><th scope="col">Earlier p50s</th><th scope="col">Max</th><th scope="col">Last max</th><th scope="col">Limit</th><th scope="col">Result</th></tr></thead><tbody>${all.map(
    ({ name, p50, lastP50, earlier = [], max, lastMax, limit, ok, samples, slowest }) =>
      html`<tr><th scope="row">${measureWords[name]}<span class="sub">${counted(samples.length, "sample")}${slowest === undefined ? "" : html`, slowest on ${data(slowest)}`}</span></th>${[one(p50), one(lastP50), earlier.map(took).join(", "), one(max), one(lastMax), one(limit)].map(cell)}<td>${state(ok, limit === undefined ? "no limit" : "within", "too long")}</td></tr>`,
  )}</tbody></table>`;
}

function pairs(all: readonly (readonly [string, string])[], none: string | undefined): Html | undefined {
  if (all.length === 0) return none === undefined ? undefined : html`<p class="none">${none}</p>`;
  return html`<dl class="facts">${all.map(([term, text]) => html`<dt>${data(term)}</dt><dd>${data(text)}</dd>`)}</dl>`;
}

function since({ last, partial }: Report): Html {
  if (partial === true) return html`<p>Some cases alone were played: the drill is due as before.</p>`;
  if (last === undefined) return html`<p class="none">There is no drill of this name before it.</p>`;
  const list = (title: string, names: readonly string[]): Html | undefined =>
    names.length === 0 ? undefined : html`<h3>${title}</h3><ul>${names.map((one) => html`<li>${data(one)}</li>`)}</ul>`;
  const { worse, mended, gone, fresh } = last;
  const isSame = worse.length + mended.length + gone.length + fresh.length === 0;
  return html`<p>The one before began ${at(last.began)}; its report has SHA-256 ${code(last.report)}.</p>${
    isSame ? html`<p>The same was looked at, with the same results.</p>` : undefined
  }${list("Worse now", worse)}${list("Mended", mended)}${list("Looked at then, and not now", gone)}${list("Looked at for the first time", fresh)}`;
}

function lede(report: Report): string {
  if (!isGood(report)) return "Not everything was as expected.";
  return report.partial === true
    ? "What was tried was as expected: some cases alone, which is no whole drill."
    : report.notProbed.some(({ member }) => member === "accept" || member === "open")
      ? "What was tried was as expected. The drill file accepts findings or leaves routes open: Not probed has them."
      : "Everything was as expected: the path opens for the right people, and stays shut for all others.";
}

/** @param sha256 of report.json */
export function reportPage(report: Report, sha256: string): string {
  const { notProbed, faults } = report;
  const isOk = isGood(report);
  return page({
    title: `Drill ${report.name}, ${report.began.slice(0, "2026-11-27".length)}`,
    origin: report.origin,
    place: { isServed: false },
    kind: "Drill",
    main: html`<h1>Drill ${data(report.name)}</h1>
<p class="lede">${lede(report)}</p>
<p class="over">${state(isOk, "as expected", "not as expected")} ${countsWords(report)}</p>
<nav class="parts" aria-label="Parts"><a href="#findings">Findings</a><a href="#held">How it was held</a><a href="#measured">Measured</a><a href="#since">Since the last</a><a href="#not-probed">Not probed</a><a href="#cases">Cases</a></nav>
${section("findings", "Findings", findings(report))}
${section("held", "How it was held", facts(report, sha256))}
${section("measured", "Measured", measures(report.measures) ?? html`<p class="none">Nothing was measured.</p>`)}
${section(
  "faults",
  "Faults",
  pairs(
    faults.map((fault) => [
      fault.name,
      `${fault.ok ? "" : "NOT AS EXPECTED: "}expected ${fault.expected}; seen ${fault.seen}${madeWords(fault)}`,
    ]),
    undefined,
  ),
)}
${section("since", "Since the last drill", since(report))}
${section(
  "not-probed",
  "Not probed",
  pairs(
    notProbed.map(({ what, why }) => [what, why]),
    "Everything that the drill has was tried.",
  ),
)}
${section("cases", "Cases", caseTables(report.assertions))}`,
    foot: html`<p>This page is for reading. What is signed is report.json beside it: <code>glassgate drill verify</code> on its folder checks signature, records and proofs.</p>`,
  });
}
